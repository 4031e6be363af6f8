from typing import ClassVar

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.utils.timezone
import simple_history.models
from django.db import migrations, models

import inventory.models.catalog


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("inventory", "0004_forecasts"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Barcode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        help_text="GTIN",
                        max_length=14,
                        unique=True,
                        validators=[inventory.models.catalog.validate_gtin],
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HistoricalBarcode",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        db_index=True,
                        help_text="GTIN",
                        max_length=14,
                        validators=[inventory.models.catalog.validate_gtin],
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
                "verbose_name": "historical barcode",
                "verbose_name_plural": "historical barcodes",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalKitComponent",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=3, help_text="of the component's unit in one kit", max_digits=13
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
                "verbose_name": "historical kit component",
                "verbose_name_plural": "historical kit components",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalLot",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.CharField(help_text="lot or serial number, as printed", max_length=64)),
                (
                    "expires_on",
                    models.DateField(blank=True, help_text="the last day on which it may be sold", null=True),
                ),
                ("blocked", models.BooleanField(default=False, help_text="recalled or doubtful: not for sale")),
                ("serial", models.BooleanField(default=False, help_text="a serial number: one unit, in one place")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                "verbose_name": "historical lot",
                "verbose_name_plural": "historical lots",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalPackaging",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("name", models.CharField(help_text="such as box", max_length=32)),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=3, help_text="of the product's unit in one of these", max_digits=13
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
                "verbose_name": "historical packaging",
                "verbose_name_plural": "historical packagings",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="KitComponent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=3, help_text="of the component's unit in one kit", max_digits=13
                    ),
                ),
            ],
            options={
                "ordering": ["kit", "component"],
            },
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(help_text="lot or serial number, as printed", max_length=64)),
                (
                    "expires_on",
                    models.DateField(blank=True, help_text="the last day on which it may be sold", null=True),
                ),
                ("blocked", models.BooleanField(default=False, help_text="recalled or doubtful: not for sale")),
                ("serial", models.BooleanField(default=False, help_text="a serial number: one unit, in one place")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["product", "expires_on", "code"],
            },
        ),
        migrations.CreateModel(
            name="OrderLineComponent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.DecimalField(decimal_places=3, help_text="for the whole line", max_digits=13)),
                ("unit_cost", models.DecimalField(blank=True, decimal_places=4, max_digits=14, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Packaging",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="such as box", max_length=32)),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=3, help_text="of the product's unit in one of these", max_digits=13
                    ),
                ),
            ],
            options={
                "ordering": ["product", "quantity"],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(help_text="such as V-000123", max_length=64, unique=True)),
                ("expires_at", models.DateTimeField(blank=True, help_text="empty: never", null=True)),
                ("note", models.CharField(blank=True, help_text="what for; nothing personal", max_length=200)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "open"), ("released", "Released"), ("taken", "taken by an order")],
                        default="",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, help_text="when it was released or taken", null=True)),
                ("user_id", models.CharField(max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="ReservationLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.DecimalField(decimal_places=3, help_text="of what lies there", max_digits=13)),
                ("counted", models.BooleanField(default=True, help_text="still part of the level's `reserved`")),
            ],
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(help_text="such as TR-000123", max_length=64, unique=True)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "closed_at",
                    models.DateTimeField(
                        blank=True, help_text="when the last of it had arrived or was written off", null=True
                    ),
                ),
                ("user_id", models.CharField(max_length=32)),
                ("task_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="TransferLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sent", models.DecimalField(decimal_places=3, max_digits=13)),
                ("arrived", models.DecimalField(decimal_places=3, default=0, max_digits=13)),
                (
                    "lost",
                    models.DecimalField(decimal_places=3, default=0, help_text="written off on the way", max_digits=13),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="stocklevel",
            name="level_one_a_place",
        ),
        migrations.RemoveConstraint(
            model_name="stocklevel",
            name="level_on_hand_not_negative",
        ),
        migrations.RemoveConstraint(
            model_name="stocklevel",
            name="level_reserved_within_on_hand",
        ),
        migrations.RemoveConstraint(
            model_name="stockmovement",
            name="movement_balance_not_negative",
        ),
        migrations.AddField(
            model_name="historicallocation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("storage", "Storage"),
                    ("quarantine", "quarantine (not for sale)"),
                    ("transit", "in transit"),
                ],
                default="storage",
                help_text="only what lies in storage can be sold",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="historicalproduct",
            name="shelf_life_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="from receipt to expiry, where a delivery does not say; empty: it keeps",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="historicalproduct",
            name="tracking",
            field=models.CharField(
                choices=[("none", "not"), ("lot", "by lot"), ("serial", "by serial number")],
                default="none",
                help_text="whether its units are told apart",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="kind",
            field=models.CharField(
                choices=[
                    ("storage", "Storage"),
                    ("quarantine", "quarantine (not for sale)"),
                    ("transit", "in transit"),
                ],
                default="storage",
                help_text="only what lies in storage can be sold",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="orderreturn",
            name="disposition",
            field=models.CharField(
                default="restock", help_text="what became of the goods: restock, quarantine or write_off", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="shelf_life_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="from receipt to expiry, where a delivery does not say; empty: it keeps",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="tracking",
            field=models.CharField(
                choices=[("none", "not"), ("lot", "by lot"), ("serial", "by serial number")],
                default="none",
                help_text="whether its units are told apart",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="stocklevel",
            name="next_expiry",
            field=models.DateTimeField(
                blank=True, help_text="when the first of the reservations counted here runs out", null=True
            ),
        ),
        migrations.AddField(
            model_name="stocklevel",
            name="oversold",
            field=models.BooleanField(
                default=False, help_text="more was sold than there was; only where NEGATIVE_STOCK allows it"
            ),
        ),
        migrations.AddField(
            model_name="stocklevel",
            name="serial",
            field=models.BooleanField(default=False, help_text="of a serial number: at most one, in one place"),
        ),
        migrations.AddField(
            model_name="stockmovement",
            name="oversold",
            field=models.BooleanField(default=False, help_text="it took more than there was"),
        ),
        migrations.AlterField(
            model_name="orderreturn",
            name="restocked",
            field=models.BooleanField(default=True, help_text="the goods came back into the shop's stock"),
        ),
        migrations.AlterField(
            model_name="stocklevel",
            name="reserved",
            field=models.DecimalField(
                decimal_places=3,
                default=0,
                help_text="promised, still on the shelf; with reservations that have run out since (see next_expiry)",
                max_digits=13,
            ),
        ),
        migrations.AlterField(
            model_name="stockmovement",
            name="balance",
            field=models.DecimalField(
                decimal_places=3, help_text="on hand there (of that lot) afterwards", max_digits=13
            ),
        ),
        migrations.AddConstraint(
            model_name="location",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["storage", "quarantine", "transit"])), name="location_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderreturn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("disposition", "restock"),
                    models.Q(("disposition", "quarantine"), ("restocked", True)),
                    models.Q(("disposition", "write_off"), ("restocked", False)),
                    _connector="OR",
                ),
                name="return_disposition_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(("tracking__in", ["none", "lot", "serial"])), name="product_tracking_known"
            ),
        ),
        migrations.AddField(
            model_name="barcode",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="barcodes", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="historicalbarcode",
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
            model_name="historicalkitcomponent",
            name="component",
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
            model_name="historicalkitcomponent",
            name="kit",
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
            model_name="historicallot",
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
            model_name="historicalpackaging",
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
            model_name="kitcomponent",
            name="component",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="in_kits", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="kitcomponent",
            name="kit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="components", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="lot",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lots", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="stocklevel",
            name="lot",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="levels",
                to="inventory.lot",
            ),
        ),
        migrations.AddField(
            model_name="stockmovement",
            name="lot",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="inventory.lot",
            ),
        ),
        migrations.AddConstraint(
            model_name="stocklevel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lot", None)), fields=("product", "location"), name="level_one_a_place"
            ),
        ),
        migrations.AddConstraint(
            model_name="stocklevel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lot", None), _negated=True),
                fields=("product", "location", "lot"),
                name="level_one_a_lot_and_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="stocklevel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("on_hand__gt", 0), ("serial", True)),
                fields=("lot",),
                name="level_serial_in_one_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="stocklevel",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_hand__gte", 0), ("oversold", True), _connector="OR"),
                name="level_on_hand_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="stocklevel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reserved__gte", 0),
                    models.Q(("reserved__lte", models.F("on_hand")), ("oversold", True), _connector="OR"),
                ),
                name="level_reserved_within_on_hand",
            ),
        ),
        migrations.AddConstraint(
            model_name="stocklevel",
            constraint=models.CheckConstraint(
                condition=models.Q(("serial", False), ("on_hand__lte", 1), _connector="OR"),
                name="level_serial_at_most_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance__gte", 0), ("oversold", True), _connector="OR"),
                name="movement_balance_not_negative",
            ),
        ),
        migrations.AddField(
            model_name="orderlinecomponent",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="components", to="inventory.orderline"
            ),
        ),
        migrations.AddField(
            model_name="orderlinecomponent",
            name="location",
            field=models.ForeignKey(
                help_text="as of the line",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.location",
            ),
        ),
        migrations.AddField(
            model_name="orderlinecomponent",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="packaging",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="packagings", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="historicalbarcode",
            name="packaging",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="inventory.packaging",
            ),
        ),
        migrations.AddField(
            model_name="barcode",
            name="packaging",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="barcodes",
                to="inventory.packaging",
            ),
        ),
        migrations.AddField(
            model_name="reservation",
            name="order",
            field=models.OneToOneField(
                blank=True,
                help_text="that took it",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reservation",
                to="inventory.order",
            ),
        ),
        migrations.AddField(
            model_name="reservationline",
            name="level",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="reservation_lines", to="inventory.stocklevel"
            ),
        ),
        migrations.AddField(
            model_name="reservationline",
            name="product",
            field=models.ForeignKey(
                help_text="as asked for: a kit, or what lies there",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.product",
            ),
        ),
        migrations.AddField(
            model_name="reservationline",
            name="reservation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="inventory.reservation"
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="destination",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
            ),
        ),
        migrations.AddField(
            model_name="transferline",
            name="lot",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.lot"
            ),
        ),
        migrations.AddField(
            model_name="transferline",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.product"
            ),
        ),
        migrations.AddField(
            model_name="transferline",
            name="transfer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="inventory.transfer"
            ),
        ),
        migrations.AddConstraint(
            model_name="kitcomponent",
            constraint=models.UniqueConstraint(fields=("kit", "component"), name="component_once_a_kit"),
        ),
        migrations.AddConstraint(
            model_name="kitcomponent",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="component_of_some"),
        ),
        migrations.AddConstraint(
            model_name="kitcomponent",
            constraint=models.CheckConstraint(
                condition=models.Q(("kit", models.F("component")), _negated=True), name="component_is_another"
            ),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(fields=["expires_on"], name="lot_expiry"),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.UniqueConstraint(fields=("product", "code"), name="lot_once_a_product"),
        ),
        migrations.AddConstraint(
            model_name="orderlinecomponent",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="line_component_of_some"),
        ),
        migrations.AddConstraint(
            model_name="packaging",
            constraint=models.UniqueConstraint(
                models.F("product"), django.db.models.functions.text.Lower("name"), name="packaging_once_a_product"
            ),
        ),
        migrations.AddConstraint(
            model_name="packaging",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="packaging_holds_something"
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(condition=models.Q(("outcome", "")), fields=["expires_at"], name="reservation_open"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["", "released", "taken"])), name="reservation_outcome_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("outcome", "")),
                    models.Q(models.Q(("outcome", ""), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="reservation_end_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("order__isnull", False), ("outcome", "taken")),
                    models.Q(models.Q(("outcome", "taken"), _negated=True), ("order", None)),
                    _connector="OR",
                ),
                name="reservation_taken_by_an_order",
            ),
        ),
        migrations.AddIndex(
            model_name="reservationline",
            index=models.Index(
                condition=models.Q(("counted", True)), fields=["level"], name="reservation_line_counted"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservationline",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="reservation_of_some"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(condition=models.Q(("closed_at", None)), fields=["sent_at"], name="transfer_open"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", models.F("destination")), _negated=True), name="transfer_goes_somewhere"
            ),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("arrived__gte", 0),
                    ("lost__gte", 0),
                    ("sent__gt", 0),
                    (
                        "sent__gte",
                        django.db.models.expressions.CombinedExpression(models.F("arrived"), "+", models.F("lost")),
                    ),
                ),
                name="transfer_arrives_as_sent",
            ),
        ),
    ]
