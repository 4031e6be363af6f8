from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("inventory", "0007_purchasing")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("lease_until", models.DateTimeField(help_text="nobody else sends it before")),
                ("lease_token", models.UUIDField()),
            ],
            options={"ordering": ["-day"]},
        ),
        migrations.CreateModel(
            name="StockValueMonth",
            fields=[
                (
                    "month",
                    models.DateField(help_text="its first day", primary_key=True, serialize=False),
                ),
                ("method", models.CharField(help_text="average or fifo", max_length=8)),
                ("opening", models.DecimalField(decimal_places=4, max_digits=18)),
                (
                    "purchases",
                    models.DecimalField(decimal_places=4, help_text="less what went back to suppliers", max_digits=18),
                ),
                (
                    "cogs",
                    models.DecimalField(decimal_places=4, help_text="cost of goods sold, less returns", max_digits=18),
                ),
                ("write_offs", models.DecimalField(decimal_places=4, max_digits=18)),
                (
                    "counts",
                    models.DecimalField(
                        decimal_places=4, help_text="differences that counts found, signed", max_digits=18
                    ),
                ),
                ("adjustments", models.DecimalField(decimal_places=4, help_text="signed", max_digits=18)),
                (
                    "closing",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="opening + purchases - cogs - write_offs + counts + adjustments",
                        max_digits=18,
                    ),
                ),
                (
                    "revenue",
                    models.DecimalField(
                        decimal_places=4, help_text="without tax and what was refunded", max_digits=18
                    ),
                ),
                (
                    "estimated",
                    models.DecimalField(
                        decimal_places=4, help_text="part of these lines whose cost was not known", max_digits=18
                    ),
                ),
                (
                    "categories",
                    models.JSONField(
                        help_text="closing, revenue and cost of what was sold, by name of the category"
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"ordering": ["month"]},
        ),
        migrations.AddConstraint(
            model_name="stockvaluemonth",
            constraint=models.CheckConstraint(
                condition=models.Q(("method__in", ["average", "fifo"])), name="value_month_method_known"
            ),
        ),
    ]
