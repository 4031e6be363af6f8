"""What comes back of an order, and the money for it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from django.utils import timezone

from inventory.models import (
    Order,
    OrderLine,
    OrderLineComponent,
    OrderReturn,
    OrderReturnLine,
    Product,
    ReturnedQuantity,
    StockMovement,
)
from inventory.refunds import allocate, part
from inventory.selectors import order_lines
from shop_assistant.agents.errors import Conflict, NotFound
from shop_assistant.agents.fields import json_number
from shop_assistant.money import minor_unit

from .references import next_reference
from .restocking import Coming, Named, coming_of, lots_check, restock_moves
from .stock import Move, Why, quantity_check, stock_book

ZERO = Decimal(0)
Disposition = Literal["restock", "quarantine", "write_off"]
"""What becomes of goods that come back: they can be sold again, must be looked at, or are worth nothing."""


def return_create(
    *,
    order: Order,
    user_id: str,
    task_id: UUID | None = None,
    items: Sequence[tuple[Product, Decimal]] | None = None,
    lots: Named | None = None,
    reason: str = "",
    disposition: Disposition = "restock",
    reference: str | None = None,
    occurred_at: datetime | None = None,
) -> OrderReturn:
    """Take goods of an order back, refund what was paid for them, and put them where they came from (`restock`), into
    that warehouse's quarantine, or nowhere (`write_off`). What points paid is not refunded as money: each line's refund
    is its share of the order's total.

    :param items: what comes back, by product; None: everything that has not come back yet.
    :param lots: how much of which lot or serial number comes back, by the product's primary key, where it is known.
    :raises ClarificationNeeded: when it must be said which serial number came back.
    :raises NotFound: for a product that the order does not have.
    :raises Conflict: for more than was sold and is still out, with what can be returned; or what has become a kit
        meanwhile and is to go back on the shelf.
    :raises ValidationFailed: for parts of a piece.
    """
    lines = order_lines(order)
    returned = _returned_locked(lines)
    left = {line.pk: line.quantity - returned[line.pk].quantity for line in lines}
    coming = _portions(order, lines, left, items)
    moves = []
    if disposition == "write_off":
        lots_check(order, lots or {})
    else:
        back = _coming(lines, returned, coming)
        moves = restock_moves(order, back, quarantine=disposition == "quarantine", named=lots or {})
    parts = _refunds(order, lines, returned, coming)
    made = OrderReturn.objects.create(
        reference=reference or next_reference(prefix="R"),
        order=order,
        occurred_at=occurred_at or timezone.now(),
        reason=reason,
        restocked=disposition != "write_off",
        disposition=disposition,
        total=sum((row.total for row in parts), ZERO),
        tax=sum((row.tax for row in parts), ZERO),
        user_id=user_id,
        task_id=task_id,
    )
    _store_parts(made, parts, returned)
    if moves:
        _restock(made, moves)
    return made


def _returned_locked(lines: Sequence[OrderLine]) -> dict[int, ReturnedQuantity]:
    """What came back of each line so far, by the line's primary key."""
    ReturnedQuantity.objects.bulk_create(
        [ReturnedQuantity(line=line, sold=line.quantity) for line in lines], ignore_conflicts=True
    )
    rows = ReturnedQuantity.objects.select_for_update().filter(line__in=lines).order_by("pk")
    return {row.line_id: row for row in rows}


def _store_parts(made: OrderReturn, parts: Sequence[OrderReturnLine], returned: dict[int, ReturnedQuantity]) -> None:
    for row in parts:
        row.order_return = made
        returned[row.line_id].quantity += row.quantity
        returned[row.line_id].refunded += row.total
    ReturnedQuantity.objects.bulk_update([returned[row.line_id] for row in parts], ["quantity", "refunded"])
    OrderReturnLine.objects.bulk_create(parts)


def _coming(
    lines: Sequence[OrderLine], returned: dict[int, ReturnedQuantity], coming: dict[int, Decimal]
) -> list[Coming]:
    """What these portions bring back, kits taken apart as they were when they were sold."""
    parts: dict[int, list[OrderLineComponent]] = {}
    rows = OrderLineComponent.objects.filter(line__in=coming).select_related("product", "location").order_by("pk")
    for row in rows:
        parts.setdefault(row.line_id, []).append(row)
    return [
        piece
        for line in lines
        if line.pk in coming
        for piece in coming_of(line, parts.get(line.pk, ()), returned[line.pk].quantity, coming[line.pk])
    ]


def _restock(made: OrderReturn, moves: Sequence[Move]) -> None:
    why = Why(
        kind=StockMovement.Kind.RETURN,
        user_id=made.user_id,
        task_id=made.task_id,
        reason=made.reason,
        reference=made.reference,
        occurred_at=made.occurred_at,
    )
    stock_book(moves, why)


def _portions(
    order: Order,
    lines: Sequence[OrderLine],
    left: dict[int, Decimal],
    items: Sequence[tuple[Product, Decimal]] | None,
) -> dict[int, Decimal]:
    """How much comes back of each line, by the line's primary key; a product's lines in their order."""
    if items is None:
        if not any(left.values()):
            raise Conflict(f"Everything of order {order.reference} has come back already.", order=order.reference)
        return {pk: quantity for pk, quantity in left.items() if quantity}
    wanted: dict[Product, Decimal] = {}
    for product, quantity in items:
        quantity_check(product, quantity, "quantity")
        wanted[product] = wanted.get(product, ZERO) + quantity
    coming: dict[int, Decimal] = {}
    for product, quantity in wanted.items():
        own = [line for line in lines if line.product_id == product.pk]
        _check_returnable(order, lines, product, quantity, sum((left[line.pk] for line in own), ZERO))
        for line in own:
            if (taken := min(quantity, left[line.pk])) > 0:
                coming[line.pk] = taken
                quantity -= taken
    return coming


def _check_returnable(
    order: Order, lines: Sequence[OrderLine], product: Product, quantity: Decimal, free: Decimal
) -> None:
    sold = sum((line.quantity for line in lines if line.product_id == product.pk), ZERO)
    if not sold:
        raise NotFound(
            f"{product.sku} is not part of order {order.reference}.",
            order=order.reference,
            sku=product.sku,
            available_skus=sorted({line.product.sku for line in lines}),
        )
    if quantity > free:
        raise Conflict(
            f"Only {json_number(free)} of {product.sku} can still be returned.",
            order=order.reference,
            sku=product.sku,
            requested=json_number(quantity),
            returnable=json_number(free),
            sold=json_number(sold),
        )


def _refunds(
    order: Order,
    lines: Sequence[OrderLine],
    returned: dict[int, ReturnedQuantity],
    coming: dict[int, Decimal],
) -> list[OrderReturnLine]:
    """The return's lines, not stored yet."""
    unit = minor_unit(order.currency)
    paid = allocate(order.total, [line.total for line in lines], unit)
    made = []
    for line, amount in zip(lines, paid, strict=True):
        if now := coming.get(line.pk):
            before = returned[line.pk].quantity
            total = part(amount, sold=line.quantity, before=before, now=now, unit=unit)
            tax = part(line.tax, sold=line.quantity, before=before, now=now, unit=unit)
            made.append(OrderReturnLine(line=line, quantity=now, total=total, tax=tax))
    return made
