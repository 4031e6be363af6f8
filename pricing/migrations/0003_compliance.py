from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("pricing", "0002_price_approval")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="DiscountApproval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "percent",
                    models.DecimalField(decimal_places=3, help_text="up to so much off the list price", max_digits=6),
                ),
                ("reason", models.CharField(max_length=500)),
                ("made_by", models.CharField(help_text="who had changed the rule last", max_length=32)),
                ("approved_by", models.CharField(max_length=32)),
                (
                    "self_approved",
                    models.BooleanField(default=False, help_text="nobody else could, so it was confirmed twice"),
                ),
                ("approved_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("task_id", models.UUIDField(blank=True, null=True)),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="pricing.pricerule"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("percent__gt", 0), ("percent__lte", 100)), name="approval_percent"
                    )
                ],
            },
        ),
    ]
