"""The books of stock and sales against what they add up to."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from audit.completeness import Gap, Look, check, entries_merged

from . import books  # noqa: F401  (it defines a check)
from .models import (
    Order,
    OrderLine,
    OrderReturn,
    OrderReturnLine,
    PurchaseOrderLine,
    ReceiptLine,
    ReturnedQuantity,
    StockMovement,
    SupplierReturnLine,
)
from .selectors.history import ledger_differences, transit_differences

CHUNK = 2000
ZERO = Decimal(0)


@check("stock", "stock movements against stock on hand, reservations and transfers")
def stock_adds_up(look: Look) -> Iterator[Gap]:
    for found in ledger_differences():
        look.rows["stock"] += 1
        if found is None:
            continue
        lot = f" lot {found.lot.code}" if found.lot else ""
        what = f"stock of {found.product.sku} at location {found.location.pk}{lot}"
        if found.quantity:
            told = f"is {_told(found.on_hand)}, but its movements add up to {_told(found.moved)}"
            yield Gap("stock", what, told)
        if found.reserved != found.promised:
            told = f"has {_told(found.reserved)} reserved, but its reservations add up to {_told(found.promised)}"
            yield Gap("stock", what, told)
    for product, here, sent in transit_differences():
        told = f"is {_told(here)}, but transfers that are on their way add up to {_told(sent)}"
        yield Gap("stock", f"stock of {product.sku} in transit", told)


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


@check("purchases", "purchase orders against their deliveries, and these against the stock movements")
def purchases_add_up(look: Look) -> Iterator[Gap]:
    lines = PurchaseOrderLine.objects.order_by("pk")
    for name, rows, what in (
        ("received", ReceiptLine.objects, "its deliveries"),
        ("returned", SupplierReturnLine.objects, "what went back"),
    ):
        parts = rows.order_by("line_id").values_list("line_id").annotate(sum=Sum("quantity"))
        for key, told, total in entries_merged(_keyed(lines.values_list("pk", name)), _keyed(parts)):
            look.rows["purchases"] += 1
            if _unlike(told, total, places=3):
                how = f"says {_told(told)} {name}, but {what} add up to {_told(total)}"
                yield Gap("purchases", f"purchase order line {key[0]}", how)
    came = ReceiptLine.objects.order_by("receipt__reference").values_list("receipt__reference")
    booked = StockMovement.objects.filter(kind="receipt", reference__startswith="GR-").order_by("reference")
    worth = F("quantity") * F("unit_cost")
    charged = _keyed(came.annotate(sum=Sum(worth + F("landed"))))
    for key, told, total in entries_merged(charged, _keyed(booked.values_list("reference").annotate(sum=Sum(worth)))):
        look.rows["purchases"] += 1
        if told is not None and _unlike(told, total, places=2):
            yield Gap("purchases", f"delivery {key[0]}", f"cost {_told(told)}, but its movements {_told(total)}")


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
