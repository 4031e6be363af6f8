"""Products and what lies where, movements, and list prices."""

from typing import Any

from django.conf import settings
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Coalesce

from inventory.models import Product, StockMovement
from inventory.selectors import low_only
from pricing.models import PriceChange

from ..definitions import Column, Dataset, Kind, Part

TIME, NUMBER, FLAG, ID = Kind.TIME, Kind.NUMBER, Kind.FLAG, Kind.ID


def _low(rows: QuerySet[Any], wanted: bool) -> QuerySet[Any]:
    return low_only(rows) if wanted else rows


INVENTORY = Dataset(
    name="inventory",
    about="Products and their stock, a row for each place where one lies; import_products takes it as it is.",
    permissions=("inventory.view_product", "inventory.view_stocklevel"),
    columns=(
        Column("sku", "the product's key"),
        Column("name", "what it is called"),
        Column("barcode", "GTIN"),
        Column("category", "name of its category"),
        Column("supplier", "code of who delivers it"),
        Column("unit", "piece, kg, l or m"),
        Column("cost", "what one unit costs the shop, without tax", NUMBER),
        Column("list_price", "what one unit costs the customer", NUMBER),
        Column("tax_rate", "percent", NUMBER),
        Column("active", "false: no longer sold", FLAG),
        Column("stock", "units on hand at this location; empty: lies nowhere", NUMBER),
        Column("location", "code of the place"),
        Column("reserved", "of the stock, promised to orders", NUMBER),
        Column("reorder_point", "set by hand, else computed; empty: neither", NUMBER),
        Column("created_at", "since when the shop knows it", TIME),
    ),
    parts=(
        Part(
            rows=lambda: Product.objects.order_by("sku", "levels__pk"),
            sources={
                "sku": "sku",
                "name": "name",
                "barcode": "barcode",
                "category": "category__name",
                "supplier": "supplier__code",
                "unit": "unit",
                "cost": "cost",
                "list_price": "list_price",
                "tax_rate": "tax_rate",
                "active": "active",
                "stock": "levels__on_hand",
                "location": "levels__location__code",
                "reserved": "levels__reserved",
                "reorder_point": Coalesce("reorder_policy__reorder_point", "reorder_target__reorder_point"),
                "created_at": "created_at",
            },
            conditions={"sku": "pk", "category": "category", "location": "levels__location", "low_stock": _low},
        ),
    ),
)

MOVEMENTS = Dataset(
    name="movements",
    about="The stock ledger: everything that came in or went out, in the order it was booked.",
    permissions=("inventory.view_stockmovement",),
    columns=(
        Column("id", "number of the entry", NUMBER),
        Column("time", "when it happened", TIME),
        Column("sku", "the product's key"),
        Column("name", "what the product is called"),
        Column("location", "code of the place"),
        Column("kind", ", ".join(StockMovement.Kind.values)),
        Column("quantity", "signed: positive came in, negative went out", NUMBER),
        Column("balance", "on hand at this location afterwards", NUMBER),
        Column("unit_price", "charged for one unit, for sales and returns", NUMBER),
        Column("unit_cost", "what one unit cost the shop", NUMBER),
        Column("reason", "why, in words"),
        Column("reference", "order, return, count sheet or delivery note"),
        Column("user_id", "who booked it"),
        Column("task_id", "the task that booked it", ID),
    ),
    parts=(
        Part(
            rows=lambda: StockMovement.objects.order_by("pk"),
            sources={
                "id": "pk",
                "time": "occurred_at",
                "sku": "product__sku",
                "name": "product__name",
                "location": "location__code",
                "kind": "kind",
                "quantity": "quantity",
                "balance": "balance",
                "unit_price": "unit_price",
                "unit_cost": "unit_cost",
                "reason": "reason",
                "reference": "reference",
                "user_id": "user_id",
                "task_id": "task_id",
            },
            conditions={
                "time": "occurred_at",
                "sku": "product",
                "category": "product__category",
                "location": "location",
                "kind": "kind",
                "by": "user_id",
            },
        ),
    ),
    choices={"kind": tuple(StockMovement.Kind.values)},
)

PRICES = Dataset(
    name="prices",
    about="List prices: every product with the one of now, and a row for each change made or planned.",
    permissions=("inventory.view_product", "pricing.view_pricechange"),
    columns=(
        Column("sku", "the product's key"),
        Column("name", "what it is called"),
        Column("currency", "of the amounts, ISO 4217"),
        Column("list_price", "of one unit, now", NUMBER),
        Column("cost", "what one unit costs the shop, without tax", NUMBER),
        Column("tax_rate", "percent", NUMBER),
        Column("old_price", "before the change; empty from here on: it never changed", NUMBER),
        Column("new_price", "from the change on", NUMBER),
        Column("effective_at", "when it comes into force", TIME),
        Column("status", ", ".join(PriceChange.Status.values)),
        Column("applied_at", "when it came into force", TIME),
        Column("planned_by", "user who planned it"),
        Column("decided_by", "user who approved it or called it off"),
        Column("reason", "why, in words"),
    ),
    parts=(
        Part(
            rows=lambda: Product.objects.order_by("sku", "price_changes__effective_at", "price_changes__pk"),
            sources={
                "sku": "sku",
                "name": "name",
                "currency": Value(settings.SHOP_CURRENCY, output_field=CharField()),
                "list_price": "list_price",
                "cost": "cost",
                "tax_rate": "tax_rate",
                "old_price": "price_changes__old_price",
                "new_price": "price_changes__new_price",
                "effective_at": "price_changes__effective_at",
                "status": "price_changes__status",
                "applied_at": "price_changes__applied_at",
                "planned_by": "price_changes__user_id",
                "decided_by": "price_changes__decided_by",
                "reason": "price_changes__reason",
            },
            conditions={
                "time": "price_changes__effective_at",
                "sku": "pk",
                "category": "category",
                "status": "price_changes__status",
                "by": "price_changes__user_id",
            },
        ),
    ),
    choices={"status": tuple(PriceChange.Status.values)},
)
