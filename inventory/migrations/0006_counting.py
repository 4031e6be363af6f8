from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
import simple_history.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("inventory", "0005_stock_core")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="CountEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField()),
                ("quantity", models.DecimalField(decimal_places=3, help_text="counted", max_digits=13)),
                (
                    "booked",
                    models.DecimalField(
                        decimal_places=3, help_text="on hand by the books at that moment", max_digits=13
                    ),
                ),
                (
                    "off",
                    models.DecimalField(
                        decimal_places=3,
                        help_text="units that are not where the books have them, missing or too many",
                        max_digits=13,
                    ),
                ),
                ("serials", models.JSONField(blank=True, help_text="serial numbers found", null=True)),
                (
                    "booked_lots",
                    models.JSONField(
                        blank=True,
                        help_text="of serial numbers: units booked by number; those without one under an empty one",
                        null=True,
                    ),
                ),
                ("counted_at", models.DateTimeField()),
                ("entered_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_id", models.CharField(max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.countentry",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="CountLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(help_text="place on the sheet, from 1")),
                ("round", models.PositiveSmallIntegerField(default=1, help_text="2 and above: counted again")),
                ("reason", models.CharField(blank=True, help_text="why it differs, if known", max_length=500)),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        help_text="empty: to count",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.countentry",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        blank=True,
                        help_text="not of a serial number",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.lot",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.product"
                    ),
                ),
            ],
            options={
                "ordering": ["sheet", "number"],
            },
        ),
        migrations.AddField(
            model_name="countentry",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="inventory.countline"
            ),
        ),
        migrations.CreateModel(
            name="CountSheet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(help_text="such as CS-000123", max_length=64, unique=True)),
                (
                    "abc_class",
                    models.CharField(
                        blank=True,
                        choices=[("", "any"), ("A", "A"), ("B", "B"), ("C", "C")],
                        default="",
                        help_text="by turnover of the last year",
                        max_length=1,
                        verbose_name="ABC class",
                    ),
                ),
                (
                    "named",
                    models.BooleanField(default=False, help_text="only of products that were named when it was opened"),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open: being counted"),
                            ("recount", "recount: some lines are counted again"),
                            ("counted", "counted: waits for approval"),
                            ("posted", "posted: differences are booked"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                (
                    "round",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="2 and above: of a recount, whose lines have it too"
                    ),
                ),
                (
                    "recount_units",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        default=5,
                        help_text="a difference of more units is counted again; empty: no limit",
                        max_digits=13,
                        null=True,
                    ),
                ),
                (
                    "recount_percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        default=10,
                        help_text="the same in percent of what was booked; empty: no limit",
                        max_digits=6,
                        null=True,
                    ),
                ),
                (
                    "recount_money",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="the same in money, by cost; empty: no limit",
                        max_digits=14,
                        null=True,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_id", models.CharField(help_text="who opened it", max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
                (
                    "decided_at",
                    models.DateTimeField(blank=True, help_text="when it was posted or cancelled", null=True),
                ),
                ("decided_by", models.CharField(blank=True, max_length=32)),
                (
                    "self_approved",
                    models.BooleanField(
                        default=False, help_text="by one who had counted: nobody else could, so it was confirmed twice"
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "warehouse",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.warehouse",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.AddField(
            model_name="countline",
            name="sheet",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="inventory.countsheet"
            ),
        ),
        migrations.CreateModel(
            name="HistoricalCountSheet",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("reference", models.CharField(db_index=True, help_text="such as CS-000123", max_length=64)),
                (
                    "abc_class",
                    models.CharField(
                        blank=True,
                        choices=[("", "any"), ("A", "A"), ("B", "B"), ("C", "C")],
                        default="",
                        help_text="by turnover of the last year",
                        max_length=1,
                        verbose_name="ABC class",
                    ),
                ),
                (
                    "named",
                    models.BooleanField(default=False, help_text="only of products that were named when it was opened"),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open: being counted"),
                            ("recount", "recount: some lines are counted again"),
                            ("counted", "counted: waits for approval"),
                            ("posted", "posted: differences are booked"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                (
                    "round",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="2 and above: of a recount, whose lines have it too"
                    ),
                ),
                (
                    "recount_units",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        default=5,
                        help_text="a difference of more units is counted again; empty: no limit",
                        max_digits=13,
                        null=True,
                    ),
                ),
                (
                    "recount_percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        default=10,
                        help_text="the same in percent of what was booked; empty: no limit",
                        max_digits=6,
                        null=True,
                    ),
                ),
                (
                    "recount_money",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="the same in money, by cost; empty: no limit",
                        max_digits=14,
                        null=True,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_id", models.CharField(help_text="who opened it", max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
                (
                    "decided_at",
                    models.DateTimeField(blank=True, help_text="when it was posted or cancelled", null=True),
                ),
                ("decided_by", models.CharField(blank=True, max_length=32)),
                (
                    "self_approved",
                    models.BooleanField(
                        default=False, help_text="by one who had counted: nobody else could, so it was confirmed twice"
                    ),
                ),
                ("history_user_id", models.CharField(max_length=32)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "warehouse",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="inventory.warehouse",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical count sheet",
                "verbose_name_plural": "historical count sheets",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddConstraint(
            model_name="countentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("off__gte", 0), ("quantity__gte", 0)), name="count_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="countentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("entered_at__gte", models.F("counted_at"))), name="count_entered_afterwards"
            ),
        ),
        migrations.AddConstraint(
            model_name="countsheet",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "recount", "counted", "posted", "cancelled"])),
                name="count_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="countsheet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", False), ("status__in", ["posted", "cancelled"])),
                    models.Q(("decided_at", None), ("status__in", ["open", "recount", "counted"])),
                    _connector="OR",
                ),
                name="count_decision_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="countsheet",
            constraint=models.CheckConstraint(
                condition=models.Q(("abc_class__in", ["", "A", "B", "C"])), name="count_class_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="countsheet",
            constraint=models.CheckConstraint(
                condition=models.Q(("recount_units__gte", 0), ("recount_units", None), _connector="OR"),
                name="count_units_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="countsheet",
            constraint=models.CheckConstraint(
                condition=models.Q(("recount_percent__gte", 0), ("recount_percent", None), _connector="OR"),
                name="count_percent_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="countsheet",
            constraint=models.CheckConstraint(
                condition=models.Q(("recount_money__gte", 0), ("recount_money", None), _connector="OR"),
                name="count_money_not_negative",
            ),
        ),
        migrations.AddIndex(
            model_name="countline",
            index=models.Index(fields=["product", "location"], name="count_line_place"),
        ),
        migrations.AddConstraint(
            model_name="countline",
            constraint=models.UniqueConstraint(fields=("sheet", "number"), name="count_line_number"),
        ),
        migrations.AddConstraint(
            model_name="countline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lot", None)), fields=("sheet", "product", "location"), name="count_line_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="countline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lot", None), _negated=True),
                fields=("sheet", "product", "location", "lot"),
                name="count_line_once_a_lot",
            ),
        ),
    ]
