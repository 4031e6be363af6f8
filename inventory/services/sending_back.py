"""What goes back to a supplier."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from inventory.landed_cost import GRAIN
from inventory.lot_codes import folded_code
from inventory.models import (
    Location,
    Product,
    PurchaseOrder,
    PurchaseOrderLine,
    StockLevel,
    StockMovement,
    SupplierReturn,
    SupplierReturnLine,
    Tracking,
)
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, InsufficientStock, NotFound
from shop_assistant.agents.fields import json_number

from .levels import levels_locked
from .purchasing import purchase_lines_locked, purchase_lock, purchase_must_be
from .references import next_reference
from .stock import Move, Why, quantity_check, stock_book

Status = PurchaseOrder.Status
ZERO = Decimal(0)
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingBack:
    product: Product
    quantity: Decimal
    lot: str = ""
    """its code, or the serial number; empty: of any lot, or all serial numbers that lie there"""
    location: Location | None = None
    """None: from quarantine first, then from wherever something is free"""


def purchase_return(
    *,
    order: PurchaseOrder,
    items: Sequence[GoingBack],
    reason: str,
    user_id: str,
    task_id: UUID | None = None,
) -> SupplierReturn:
    """Send goods back to the supplier that an order brought; each line says what is to be credited: what was charged
    for these units when they came, on average. The order does not wait for others in their stead.

    :raises NotFound: for a product that was not ordered.
    :raises ClarificationNeeded: when it must be said which serial number goes back.
    :raises Conflict: for more than has arrived and is not back yet, or an order of which nothing has arrived.
    :raises InsufficientStock: when less lies there, or is free.
    :raises ValidationFailed: for parts of a piece.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.PARTLY_RECEIVED, Status.CLOSED, what="sent back")
    lines = {line.product_id: line for line in purchase_lines_locked(locked)}
    for item in items:
        _count(locked, lines, item)
    levels = levels_locked(item.product for item in items)
    free = {level.pk: level.on_hand - level.reserved for own in levels.values() for level in own}
    picks = [(item, _pick(item, levels[item.product.pk], free)) for item in items]
    made = SupplierReturn.objects.create(
        reference=next_reference(prefix="SR"), purchase_order=locked, reason=reason, user_id=user_id, task_id=task_id
    )
    rows = [
        SupplierReturnLine(
            supplier_return=made,
            line=lines[item.product.pk],
            location=level.location,
            lot=level.lot,
            quantity=quantity,
            unit_cost=_charged(lines[item.product.pk]),
        )
        for item, taken in picks
        for level, quantity in taken
    ]
    why = Why(
        kind=StockMovement.Kind.SENT_BACK,
        user_id=user_id,
        task_id=task_id,
        reason=reason,
        reference=made.reference,
        occurred_at=made.returned_at,
    )
    going = [(level, quantity) for _, taken in picks for level, quantity in taken]
    stock_book([Move(level, -n, None, row.unit_cost) for (level, n), row in zip(going, rows, strict=True)], why)
    SupplierReturnLine.objects.bulk_create(rows)
    PurchaseOrderLine.objects.change_all({row.line_id: row.line for row in rows}.values(), ["returned"])
    return made


def _count(order: PurchaseOrder, lines: dict[int, PurchaseOrderLine], item: GoingBack) -> None:
    """Add to what went back of its line, not stored yet."""
    line = lines.get(item.product.pk)
    if line is None:
        raise NotFound(
            f"{item.product.sku} is not part of {order.reference}.",
            order=order.reference,
            sku=item.product.sku,
            available_skus=sorted(each.product.sku for each in lines.values()),
        )
    quantity_check(item.product, item.quantity, "quantity")
    left = line.received - line.returned
    if item.quantity > left:
        raise Conflict(
            f"Only {json_number(left)} of {item.product.sku} came with {order.reference} and can go back.",
            order=order.reference,
            sku=item.product.sku,
            requested=json_number(item.quantity),
            returnable=json_number(left),
        )
    line.returned += item.quantity


def _pick(item: GoingBack, levels: Sequence[StockLevel], free: dict[int, Decimal]) -> list[tuple[StockLevel, Decimal]]:
    """Where the goods are taken from; `free` tells what is left afterwards, by the level's primary key."""
    kind = Location.Kind
    here = [
        level
        for level in levels
        if level.location.kind != kind.TRANSIT
        and item.location in (None, level.location)
        and (not item.lot or (level.lot is not None and folded_code(item.lot) == folded_code(level.lot.code)))
    ]
    _check_told(item, here)
    taken, missing = [], item.quantity
    for level in sorted(here, key=lambda level: (level.location.kind != kind.QUARANTINE, level.pk)):
        if (part := min(missing, free[level.pk])) > 0:
            taken.append((level, part))
            free[level.pk] -= part
            missing -= part
    if missing:
        place = f" from {item.location.code}" if item.location else ""
        raise InsufficientStock(
            f"Only {json_number(item.quantity - missing)} of {item.product.sku} can be taken{place} to send back.",
            sku=item.product.sku,
            requested=json_number(item.quantity),
            available=json_number(item.quantity - missing),
        )
    return taken


def _check_told(item: GoingBack, here: Sequence[StockLevel]) -> None:
    """Of serial numbers only some of which go back it must be said which."""
    codes = sorted(level.lot.code for level in here if level.serial and level.lot and level.on_hand)
    if item.product.tracking == Tracking.SERIAL and not item.lot and len(codes) > item.quantity:
        raise ClarificationNeeded(
            f"Which of {item.product.sku} goes back? Name its serial number.",
            sku=item.product.sku,
            field="lot",
            options=codes[:SHOWN],
        )


def _charged(line: PurchaseOrderLine) -> Decimal:
    """What one of its units was charged at when they came."""
    came = list(line.receipt_lines.values_list("quantity", "unit_cost"))
    units = sum((quantity for quantity, _ in came), ZERO)
    return (sum((quantity * cost for quantity, cost in came), ZERO) / units).quantize(GRAIN)
