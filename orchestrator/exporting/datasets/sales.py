"""What was sold and what came back, line by line."""

from typing import Any

from django.conf import settings
from django.db.models import CharField, DecimalField, ExpressionWrapper, F, QuerySet, Value

from inventory.models import OrderLine, OrderReturn, OrderReturnLine, StockMovement

from ..definitions import Column, Dataset, Kind, Part

TIME, NUMBER, ID = Kind.TIME, Kind.NUMBER, Kind.ID


def _less(path: str) -> ExpressionWrapper:
    return ExpressionWrapper(Value(0) - F(path), output_field=DecimalField(max_digits=14, decimal_places=4))


def _without_order() -> QuerySet[Any]:
    """Sold before the shop's records began: of such returns only the movements tell what came back."""
    returns = OrderReturn.objects.filter(order=None).values("reference")
    return StockMovement.objects.filter(kind="return", reference__in=returns).order_by("pk")


def _text(value: str) -> Value:
    return Value(value, output_field=CharField())


SALES = Dataset(
    name="sales",
    about="Lines of all sales in the order of their time, then what came back, with negative quantities; "
    "import_sales takes it as it is.",
    permissions=("inventory.view_order", "inventory.view_orderreturn"),
    columns=(
        Column("invoice", "reference of the order or return"),
        Column("line", "its number in the order", NUMBER),
        Column("kind", "sale or return"),
        Column("sku", "the product's key"),
        Column("description", "what the product is called now"),
        Column("quantity", "units; negative: came back", NUMBER),
        Column("unit_price", "charged for one unit, after price rules", NUMBER),
        Column("time", "when it happened", TIME),
        Column("customer", "the customer's id; empty: a walk-in"),
        Column("currency", "of the amounts, ISO 4217"),
        Column("total", "of the line, with tax; negative: refunded", NUMBER),
        Column("tax", "contained in the total", NUMBER),
        Column("tax_rate", "percent", NUMBER),
        Column("base_price", "list price of one unit at that time", NUMBER),
        Column("unit_cost", "what one unit cost the shop", NUMBER),
        Column("rules", "codes of the price rules applied"),
        Column("order", "reference of the order, of returns too"),
        Column("location", "code of the place it was taken from"),
        Column("channel", "shop, web …"),
        Column("payment", "cash, card …"),
        Column("user_id", "who booked it"),
        Column("task_id", "the task that booked it", ID),
    ),
    parts=(
        Part(
            rows=lambda: OrderLine.objects.order_by("order__occurred_at", "order_id", "number"),
            sources={
                "invoice": "order__reference",
                "line": "number",
                "kind": _text("sale"),
                "sku": "product__sku",
                "description": "product__name",
                "quantity": "quantity",
                "unit_price": "unit_price",
                "time": "order__occurred_at",
                "customer": "order__customer_order__customer__public_id",
                "currency": "order__currency",
                "total": "total",
                "tax": "tax",
                "tax_rate": "tax_rate",
                "base_price": "base_price",
                "unit_cost": "unit_cost",
                "rules": "rules",
                "order": "order__reference",
                "location": "location__code",
                "channel": "order__channel",
                "payment": "order__payment",
                "user_id": "order__user_id",
                "task_id": "order__task_id",
            },
            conditions={
                "time": "order__occurred_at",
                "sku": "product",
                "category": "product__category",
                "location": "location",
                "customer": "order__customer_order__customer",
                "by": "order__user_id",
            },
        ),
        Part(
            rows=lambda: OrderReturnLine.objects.order_by("order_return__occurred_at", "order_return_id", "pk"),
            sources={
                "invoice": "order_return__reference",
                "line": "line__number",
                "kind": _text("return"),
                "sku": "line__product__sku",
                "description": "line__product__name",
                "quantity": _less("quantity"),
                "unit_price": "line__unit_price",
                "time": "order_return__occurred_at",
                "customer": "line__order__customer_order__customer__public_id",
                "currency": "line__order__currency",
                "total": _less("total"),
                "tax": _less("tax"),
                "tax_rate": "line__tax_rate",
                "base_price": "line__base_price",
                "unit_cost": "line__unit_cost",
                "rules": "line__rules",
                "order": "line__order__reference",
                "location": "line__location__code",
                "channel": "line__order__channel",
                "payment": "line__order__payment",
                "user_id": "order_return__user_id",
                "task_id": "order_return__task_id",
            },
            conditions={
                "time": "order_return__occurred_at",
                "sku": "line__product",
                "category": "line__product__category",
                "location": "line__location",
                "customer": "line__order__customer_order__customer",
                "by": "order_return__user_id",
            },
        ),
        Part(
            rows=_without_order,
            sources={
                "invoice": "reference",
                "kind": _text("return"),
                "sku": "product__sku",
                "description": "product__name",
                "quantity": _less("quantity"),
                "unit_price": "unit_price",
                "time": "occurred_at",
                "currency": _text(settings.SHOP_CURRENCY),
                "unit_cost": "unit_cost",
                "location": "location__code",
                "user_id": "user_id",
                "task_id": "task_id",
            },
            conditions={
                "time": "occurred_at",
                "sku": "product",
                "category": "product__category",
                "location": "location",
                "by": "user_id",
            },
        ),
    ),
)
