from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
import simple_history.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("inventory", "0006_counting")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="HistoricalPriceBreak",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("quantity", models.DecimalField(decimal_places=3, help_text="from so many on", max_digits=13)),
                (
                    "unit_cost",
                    models.DecimalField(
                        decimal_places=4, help_text="of one unit, in the shop's currency, without tax", max_digits=14
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
            ],
            options={
                "verbose_name": "historical price break",
                "verbose_name_plural": "historical price breaks",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalSupplierProduct",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("supplier_sku", models.CharField(blank=True, max_length=64, verbose_name="supplier's SKU")),
                (
                    "unit_cost",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="of one unit of the product, in the shop's currency, without tax",
                        max_digits=14,
                    ),
                ),
                (
                    "pack_size",
                    models.DecimalField(
                        decimal_places=3, default=1, help_text="orders are rounded up to whole packs", max_digits=13
                    ),
                ),
                ("minimum_order", models.DecimalField(decimal_places=3, default=0, help_text="MOQ", max_digits=13)),
                (
                    "lead_time_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="from order to shelf, in days; empty: as learned from what it delivered",
                        null=True,
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
            ],
            options={
                "verbose_name": "historical supplier's offer",
                "verbose_name_plural": "historical suppliers' offers",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="LandedCost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("freight", "Freight"), ("duty", "Duty"), ("other", "Other")], max_length=8
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=4, max_digits=14)),
                (
                    "by",
                    models.CharField(
                        choices=[("value", "Value"), ("quantity", "Quantity")],
                        help_text="what its shares are in proportion to",
                        max_length=8,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PriceBreak",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.DecimalField(decimal_places=3, help_text="from so many on", max_digits=13)),
                (
                    "unit_cost",
                    models.DecimalField(
                        decimal_places=4, help_text="of one unit, in the shop's currency, without tax", max_digits=14
                    ),
                ),
            ],
            options={
                "ordering": ["offer", "quantity"],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(help_text="such as GR-000123", max_length=64, unique=True)),
                ("delivery_note", models.CharField(blank=True, help_text="the supplier's number", max_length=64)),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_id", models.CharField(max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="ReceiptLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.DecimalField(decimal_places=3, max_digits=13)),
                (
                    "unit_cost",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="charged for one unit, without tax",
                        max_digits=14,
                    ),
                ),
                (
                    "landed",
                    models.DecimalField(
                        decimal_places=4, default=0, help_text="its share of freight, duty and such", max_digits=14
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="SupplierProduct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("supplier_sku", models.CharField(blank=True, max_length=64, verbose_name="supplier's SKU")),
                (
                    "unit_cost",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="of one unit of the product, in the shop's currency, without tax",
                        max_digits=14,
                    ),
                ),
                (
                    "pack_size",
                    models.DecimalField(
                        decimal_places=3, default=1, help_text="orders are rounded up to whole packs", max_digits=13
                    ),
                ),
                ("minimum_order", models.DecimalField(decimal_places=3, default=0, help_text="MOQ", max_digits=13)),
                (
                    "lead_time_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="from order to shelf, in days; empty: as learned from what it delivered",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "supplier's offer",
                "verbose_name_plural": "suppliers' offers",
                "ordering": ["supplier", "product"],
            },
        ),
        migrations.CreateModel(
            name="SupplierReturn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(help_text="such as SR-000123", max_length=64, unique=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("returned_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_id", models.CharField(max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="SupplierReturnLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.DecimalField(decimal_places=3, max_digits=13)),
                (
                    "unit_cost",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="to be credited for one unit, without tax",
                        max_digits=14,
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AlterModelOptions(
            name="purchaseorder",
            options={"ordering": ["-pk"]},
        ),
        migrations.AlterModelOptions(
            name="purchaseorderline",
            options={"ordering": ["pk"]},
        ),
        migrations.RemoveConstraint(
            model_name="purchaseorder",
            name="purchase_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="stockmovement",
            name="movement_sign_fits_kind",
        ),
        migrations.AddField(
            model_name="historicalpurchaseorder",
            name="approved_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorder",
            name="approved_by",
            field=models.CharField(blank=True, help_text="user", max_length=32),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorder",
            name="ended_at",
            field=models.DateTimeField(blank=True, help_text="when it was closed or cancelled", null=True),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorder",
            name="expected_on",
            field=models.DateField(
                blank=True,
                help_text="when it should arrive; empty: as its supplier usually takes, once it is sent",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorder",
            name="self_approved",
            field=models.BooleanField(
                default=False, help_text="by who had made it: within the limit, or because nobody else could"
            ),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorder",
            name="sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorderline",
            name="most",
            field=models.DecimalField(
                blank=True,
                decimal_places=3,
                help_text="so much is accepted: what was ordered, and the supplier's tolerance",
                max_digits=13,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorderline",
            name="received",
            field=models.DecimalField(decimal_places=3, default=0, max_digits=13),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorderline",
            name="returned",
            field=models.DecimalField(
                decimal_places=3, default=0, help_text="of what was received, sent back to the supplier", max_digits=13
            ),
        ),
        migrations.AddField(
            model_name="historicalpurchaseorderline",
            name="supplier_sku",
            field=models.CharField(blank=True, max_length=64, verbose_name="supplier's SKU"),
        ),
        migrations.AddField(
            model_name="historicalsupplier",
            name="over_delivery",
            field=models.DecimalField(
                decimal_places=3, default=0, help_text="percent that may arrive beyond what was ordered", max_digits=6
            ),
        ),
        migrations.AddField(
            model_name="purchaseorder",
            name="approved_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="purchaseorder",
            name="approved_by",
            field=models.CharField(blank=True, help_text="user", max_length=32),
        ),
        migrations.AddField(
            model_name="purchaseorder",
            name="ended_at",
            field=models.DateTimeField(blank=True, help_text="when it was closed or cancelled", null=True),
        ),
        migrations.AddField(
            model_name="purchaseorder",
            name="expected_on",
            field=models.DateField(
                blank=True,
                help_text="when it should arrive; empty: as its supplier usually takes, once it is sent",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="purchaseorder",
            name="self_approved",
            field=models.BooleanField(
                default=False, help_text="by who had made it: within the limit, or because nobody else could"
            ),
        ),
        migrations.AddField(
            model_name="purchaseorder",
            name="sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="purchaseorderline",
            name="most",
            field=models.DecimalField(
                blank=True,
                decimal_places=3,
                help_text="so much is accepted: what was ordered, and the supplier's tolerance",
                max_digits=13,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="purchaseorderline",
            name="received",
            field=models.DecimalField(decimal_places=3, default=0, max_digits=13),
        ),
        migrations.AddField(
            model_name="purchaseorderline",
            name="returned",
            field=models.DecimalField(
                decimal_places=3, default=0, help_text="of what was received, sent back to the supplier", max_digits=13
            ),
        ),
        migrations.AddField(
            model_name="purchaseorderline",
            name="supplier_sku",
            field=models.CharField(blank=True, max_length=64, verbose_name="supplier's SKU"),
        ),
        migrations.AddField(
            model_name="supplier",
            name="over_delivery",
            field=models.DecimalField(
                decimal_places=3, default=0, help_text="percent that may arrive beyond what was ordered", max_digits=6
            ),
        ),
        migrations.AlterField(
            model_name="historicalpurchaseorder",
            name="status",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("approved", "Approved"),
                    ("sent", "Sent"),
                    ("partly_received", "partly received"),
                    ("closed", "Closed"),
                    ("cancelled", "Cancelled"),
                ],
                default="draft",
                max_length=15,
            ),
        ),
        migrations.AlterField(
            model_name="historicalpurchaseorder",
            name="user_id",
            field=models.CharField(help_text="who made or last changed it", max_length=32),
        ),
        migrations.AlterField(
            model_name="historicalpurchaseorderline",
            name="reason",
            field=models.JSONField(
                blank=True, default=dict, help_text="why this much: expected demand, stock, lead time"
            ),
        ),
        migrations.AlterField(
            model_name="historicalpurchaseorderline",
            name="unit_cost",
            field=models.DecimalField(
                blank=True, decimal_places=4, help_text="of one unit, without tax", max_digits=14, null=True
            ),
        ),
        migrations.AlterField(
            model_name="purchaseorder",
            name="status",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("approved", "Approved"),
                    ("sent", "Sent"),
                    ("partly_received", "partly received"),
                    ("closed", "Closed"),
                    ("cancelled", "Cancelled"),
                ],
                default="draft",
                max_length=15,
            ),
        ),
        migrations.AlterField(
            model_name="purchaseorder",
            name="user_id",
            field=models.CharField(help_text="who made or last changed it", max_length=32),
        ),
        migrations.AlterField(
            model_name="purchaseorderline",
            name="reason",
            field=models.JSONField(
                blank=True, default=dict, help_text="why this much: expected demand, stock, lead time"
            ),
        ),
        migrations.AlterField(
            model_name="purchaseorderline",
            name="unit_cost",
            field=models.DecimalField(
                blank=True, decimal_places=4, help_text="of one unit, without tax", max_digits=14, null=True
            ),
        ),
        migrations.AlterField(
            model_name="stockmovement",
            name="kind",
            field=models.CharField(
                choices=[
                    ("receipt", "Receipt"),
                    ("sale", "Sale"),
                    ("return", "Return"),
                    ("adjustment", "Adjustment"),
                    ("transfer", "Transfer"),
                    ("count", "Count"),
                    ("write_off", "write-off"),
                    ("sent_back", "sent back to the supplier"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="purchaseorder",
            index=models.Index(
                condition=models.Q(("status__in", ["draft", "approved", "sent", "partly_received"])),
                fields=["supplier"],
                name="purchase_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["draft", "approved", "sent", "partly_received", "closed", "cancelled"])
                ),
                name="purchase_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approved_at", None), ("approved_by", "")),
                    models.Q(models.Q(("status", "draft"), _negated=True), ("approved_at__isnull", False)),
                    _connector="OR",
                ),
                name="purchase_approval_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "approved"), _negated=True),
                    models.Q(("approved_at__isnull", False), ("sent_at", None)),
                    _connector="OR",
                ),
                name="purchase_approved_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "partly_received"), _negated=True), ("sent_at__isnull", False), _connector="OR"
                ),
                name="purchase_received_when_sent",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at", None), ("status__in", ["closed", "cancelled"]), _connector="OR"),
                name="purchase_end_is_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("received", 0),
                    models.Q(("most__isnull", False), ("received__gt", 0), ("received__lte", models.F("most"))),
                    _connector="OR",
                ),
                name="purchase_received_within_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaseorderline",
            constraint=models.CheckConstraint(
                condition=models.Q(("returned__gte", 0), ("returned__lte", models.F("received"))),
                name="purchase_returned_was_received",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["adjustment", "transfer", "count"]),
                    models.Q(("kind__in", ["receipt", "return"]), ("quantity__gt", 0)),
                    models.Q(("kind__in", ["sale", "write_off", "sent_back"]), ("quantity__lt", 0)),
                    _connector="OR",
                ),
                name="movement_sign_fits_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="supplier",
            constraint=models.CheckConstraint(
                condition=models.Q(("over_delivery__range", (0, 100))), name="supplier_over_delivery_a_percent"
            ),
        ),
        migrations.AddField(
            model_name="historicalsupplierproduct",
            name="product",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="inventory.product",
            ),
        ),
        migrations.AddField(
            model_name="historicalsupplierproduct",
            name="supplier",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="inventory.supplier",
            ),
        ),
        migrations.AddField(
            model_name="receipt",
            name="purchase_order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="receipts", to="inventory.purchaseorder"
            ),
        ),
        migrations.AddField(
            model_name="landedcost",
            name="receipt",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="landed_costs", to="inventory.receipt"
            ),
        ),
        migrations.AddField(
            model_name="receiptline",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="receipt_lines",
                to="inventory.purchaseorderline",
            ),
        ),
        migrations.AddField(
            model_name="receiptline",
            name="location",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
            ),
        ),
        migrations.AddField(
            model_name="receiptline",
            name="lot",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.lot"
            ),
        ),
        migrations.AddField(
            model_name="receiptline",
            name="receipt",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="inventory.receipt"
            ),
        ),
        migrations.AddField(
            model_name="supplierproduct",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="supplierproduct",
            name="supplier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="inventory.supplier"
            ),
        ),
        migrations.AddField(
            model_name="pricebreak",
            name="offer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="breaks", to="inventory.supplierproduct"
            ),
        ),
        migrations.AddField(
            model_name="historicalpricebreak",
            name="offer",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="inventory.supplierproduct",
            ),
        ),
        migrations.AddField(
            model_name="supplierreturn",
            name="purchase_order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="returns", to="inventory.purchaseorder"
            ),
        ),
        migrations.AddField(
            model_name="supplierreturnline",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="return_lines",
                to="inventory.purchaseorderline",
            ),
        ),
        migrations.AddField(
            model_name="supplierreturnline",
            name="location",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
            ),
        ),
        migrations.AddField(
            model_name="supplierreturnline",
            name="lot",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.lot"
            ),
        ),
        migrations.AddField(
            model_name="supplierreturnline",
            name="supplier_return",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="inventory.supplierreturn"
            ),
        ),
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(fields=["received_at"], name="receipt_time"),
        ),
        migrations.AddConstraint(
            model_name="receipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("delivery_note", ""), _negated=True),
                fields=("purchase_order", "delivery_note"),
                name="receipt_once_a_delivery_note",
            ),
        ),
        migrations.AddConstraint(
            model_name="landedcost",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="landed_cost_of_some"),
        ),
        migrations.AddConstraint(
            model_name="receiptline",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="receipt_of_some"),
        ),
        migrations.AddConstraint(
            model_name="receiptline",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_cost__gte", 0)), name="receipt_cost_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="receiptline",
            constraint=models.CheckConstraint(
                condition=models.Q(("landed__gte", 0)), name="receipt_landed_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="supplierproduct",
            constraint=models.UniqueConstraint(fields=("supplier", "product"), name="offer_once_a_supplier"),
        ),
        migrations.AddConstraint(
            model_name="supplierproduct",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_cost__gte", 0)), name="offer_cost_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="supplierproduct",
            constraint=models.CheckConstraint(
                condition=models.Q(("minimum_order__gte", 0), ("pack_size__gt", 0)), name="offer_sizes"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricebreak",
            constraint=models.UniqueConstraint(fields=("offer", "quantity"), name="break_once_a_quantity"),
        ),
        migrations.AddConstraint(
            model_name="pricebreak",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0), ("unit_cost__gte", 0)), name="break_amounts"
            ),
        ),
        migrations.AddConstraint(
            model_name="supplierreturnline",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="supplier_return_of_some"),
        ),
        migrations.AddConstraint(
            model_name="supplierreturnline",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_cost__gte", 0)), name="supplier_return_cost_not_negative"
            ),
        ),
    ]
