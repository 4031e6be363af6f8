"""The books of stock and sales against what they add up to."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from audit.completeness import Gap, Look, check, entries_merged

from . import books  # noqa: F401  (it defines a check)
from .models import Order, OrderLine, OrderReturn, OrderReturnLine, Product, ReturnedQuantity, StockLevel, StockMovement

CHUNK = 2000
ZERO = Decimal(0)


@check("stock", "stock movements against stock on hand")
def stock_adds_up(look: Look) -> Iterator[Gap]:
    place = ("product_id", "location_id")
    moved = StockMovement.objects.order_by(*place).values_list(*place).annotate(total=Sum("quantity"))
    levels = StockLevel.objects.order_by(*place).values_list(*place, "on_hand")
    for key, total, on_hand in entries_merged(_keyed(moved), _keyed(levels)):
        look.rows["stock"] += 1
        if _unlike(total, on_hand, places=3):
            product = Product.objects.get(pk=key[0])
            what = f"stock of {product.sku} at location {key[1]}"
            yield Gap("stock", what, f"is {_told(on_hand)}, but its movements add up to {_told(total)}")


@check("orders", "orders and returns against their lines")
def orders_add_up(look: Look) -> Iterator[Gap]:
    orders = Order.objects.order_by("pk").annotate(whole=F("total") + F("points_value"))
    lines = OrderLine.objects.order_by("order_id").values_list("order_id")
    for name, part in (("whole", "total"), ("tax", "tax")):
        told = orders.values_list("pk", name, "reference")
        for _, row, total in entries_merged(_named(told), _keyed(lines.annotate(sum=Sum(part)))):
            look.rows["orders"] += 1
            if row is not None and _unlike(row[0], total, places=2):
                how = f"says {_told(row[0])} for the {part} of its lines, which is {_told(total)}"
                yield Gap("orders", f"order {row[1]}", how)
    yield from _returns(look)


def _returns(look: Look) -> Iterator[Gap]:
    made = OrderReturn.objects.exclude(order=None).order_by("pk").values_list("pk", "total", "reference")
    lines = OrderReturnLine.objects.order_by("order_return_id").values_list("order_return_id")
    for _, row, total in entries_merged(_named(made), _keyed(lines.annotate(sum=Sum("total")))):
        look.rows["orders"] += 1
        if row is not None and _unlike(row[0], total, places=2):
            yield Gap("orders", f"return {row[1]}", f"says {_told(row[0])}, but its lines {_told(total)}")
    counted = ReturnedQuantity.objects.order_by("pk").values_list("pk", "quantity")
    back = OrderReturnLine.objects.order_by("line_id").values_list("line_id").annotate(sum=Sum("quantity"))
    for key, row, total in entries_merged(_keyed(counted), _keyed(back)):
        if _unlike(row, total, places=3):
            how = f"counts {_told(row)} as returned, but its returns {_told(total)}"
            yield Gap("orders", f"order line {key[0]}", how)


def _keyed(rows: Any) -> Iterator[tuple[Any, Decimal]]:
    """Key and amount, the amount being last."""
    for row in rows.iterator(chunk_size=CHUNK):
        yield row[:-1], row[-1]


def _named(rows: Any) -> Iterator[tuple[Any, tuple[Decimal, str]]]:
    for key, amount, name in rows.iterator(chunk_size=CHUNK):
        yield (key,), (amount, name)


def _unlike(one: Decimal | None, other: Decimal | None, *, places: int) -> bool:
    return round((one or ZERO) - (other or ZERO), places) != 0


def _told(amount: Decimal | None) -> str:
    return f"{round(amount or ZERO, 3).normalize():f}"
