"""What arrives of a purchase order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from inventory import landed_cost
from inventory.models import (
    LandedCost,
    Product,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    StockLevel,
    StockMovement,
)
from inventory.selectors import Stock
from shop_assistant.agents.errors import Conflict, ValidationFailed
from shop_assistant.money import BOOKABLE, minor_unit

from .deliveries import Delivered, Part, all_missing, parts_of, progress_count
from .levels import Place, by_place, levels_locked
from .purchasing import purchase_lines_locked, purchase_lock, purchase_must_be
from .references import next_reference
from .stock import Move, Why, location_default, stock_book

Status = PurchaseOrder.Status
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedAmount:
    kind: LandedCost.Kind
    amount: Decimal
    by: LandedCost.By


@dataclass(frozen=True, slots=True)
class Received:
    receipt: Receipt
    order: PurchaseOrder
    """as it is now"""
    parts: list[ReceiptLine]
    lines: list[PurchaseOrderLine]
    """all of the order's, as they are now"""


def purchase_receive(
    *,
    order: PurchaseOrder,
    user_id: str,
    task_id: UUID | None = None,
    delivered: Sequence[Delivered] | None = None,
    delivery_note: str = "",
    landed_costs: Sequence[LandedAmount] = (),
    update_cost: bool = False,
    received_at: datetime | None = None,
) -> Received:
    """Book what arrived. A movement's unit cost is what was charged with its share of the landed costs; all movements
    together cost exactly what both add up to. What is missing stays on order, and the order is closed when nothing is.

    :param delivered: None: everything that is still missing, as it was ordered.
    :param update_cost: make what this delivery's units cost their products' cost.
    :raises NotFound: for a product that was not ordered.
    :raises Conflict: for more than the supplier's tolerance allows, a delivery note that was booked already, a serial
        number that is in stock already, or an order of which nothing can arrive.
    :raises ClarificationNeeded: when a lot, serial numbers or a cost must be named.
    :raises ValidationFailed: for parts of a piece, or more than can be booked.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.SENT, Status.PARTLY_RECEIVED, what="received")
    _check_note(locked, delivery_note)
    lines = purchase_lines_locked(locked)
    parts = parts_of(locked, lines, all_missing(lines) if delivered is None else delivered)
    touched = progress_count(locked, parts)
    _share(parts, landed_costs)
    levels = _levels_locked(parts)
    receipt = Receipt.objects.create(
        reference=next_reference(prefix="GR"),
        purchase_order=locked,
        delivery_note=delivery_note,
        received_at=received_at or timezone.now(),
        user_id=user_id,
        task_id=task_id,
    )
    LandedCost.objects.bulk_create(
        LandedCost(receipt=receipt, kind=cost.kind, amount=cost.amount, by=cost.by) for cost in landed_costs
    )
    rows = _book(receipt, parts, levels)
    if update_cost:
        _costs_update(parts)
    PurchaseOrderLine.objects.change_all(touched, ["received", "most"])
    done = all(line.received >= line.quantity for line in lines)
    locked.status = Status.CLOSED if done else Status.PARTLY_RECEIVED
    locked.ended_at = receipt.received_at if done else None
    locked.save()
    return Received(receipt, locked, rows, lines)


def _check_note(order: PurchaseOrder, note: str) -> None:
    if note and (known := order.receipts.filter(delivery_note__iexact=note).first()):
        raise Conflict(
            f"Delivery note {note} was booked already, as {known.reference}. If this is another delivery, give its own "
            "number.",
            order=order.reference,
            delivery_note=note,
            receipt=known.reference,
        )


def _share(parts: Sequence[Part], costs: Sequence[LandedAmount]) -> None:
    unit = minor_unit(settings.SHOP_CURRENCY)
    if any(cost.amount % unit for cost in costs):
        raise ValidationFailed(fields={"landed_costs": f"amounts must be whole multiples of {unit}"})
    shares = landed_cost.landed(
        [landed_cost.Cost(amount=cost.amount, by_value=cost.by == LandedCost.By.VALUE) for cost in costs],
        [landed_cost.Part(quantity=part.quantity, unit_cost=part.unit_cost) for part in parts],
        unit,
    )
    for part, share in zip(parts, shares, strict=True):
        part.landed = share
        if max(part.total, part.total / part.quantity) >= BOOKABLE - 1:
            raise ValidationFailed(fields={"lines": "more money than can be booked"})


def _levels_locked(parts: Sequence[Part]) -> list[StockLevel]:
    """The level that each part goes to.

    :raises Conflict: for a serial number that is in stock already.
    """
    products = [part.product for part in parts]
    found = levels_locked(products)
    for part in parts:
        main = Stock(found[part.product.pk]).main
        part.location = part.location or (main.location if main else location_default())
    places = [_place(part) for part in parts]
    found = levels_locked(products, create=places)
    lying = {level.lot_id: level for own in found.values() for level in own if level.serial and level.on_hand}
    for part in parts:
        if here := lying.get(part.lot.pk if part.lot else None):
            raise Conflict(
                f"{part.product.sku} {part.lot} lies at {here.location.code} already: look at the number again.",
                sku=part.product.sku,
                serial=str(part.lot),
                location=here.location.code,
            )
    levels = by_place(found)
    return [levels[place] for place in places]


def _place(part: Part) -> Place:
    if part.location is None:
        raise ValueError("the place is not known yet")
    return part.product.pk, part.location.pk, part.lot.pk if part.lot else None


def _book(receipt: Receipt, parts: Sequence[Part], levels: Sequence[StockLevel]) -> list[ReceiptLine]:
    why = Why(
        kind=StockMovement.Kind.RECEIPT,
        user_id=receipt.user_id,
        task_id=receipt.task_id,
        reason="delivery",
        reference=receipt.reference,
        occurred_at=receipt.received_at,
    )
    moves = [
        Move(level, units, None, cost)
        for part, level in zip(parts, levels, strict=True)
        for units, cost in landed_cost.units_at(part.quantity, part.total)
    ]
    stock_book(moves, why)
    return list(
        ReceiptLine.objects.bulk_create(
            ReceiptLine(
                receipt=receipt,
                line=part.line,
                location=part.location,
                lot=part.lot,
                quantity=part.quantity,
                unit_cost=part.unit_cost,
                landed=part.landed,
            )
            for part in parts
        )
    )


def _costs_update(parts: Sequence[Part]) -> None:
    for product in Product.objects.select_for_update().filter(pk__in={p.product.pk for p in parts}).order_by("pk"):
        own = [part for part in parts if part.product == product]
        units = sum((part.quantity for part in own), ZERO)
        product.cost = (sum((part.total for part in own), ZERO) / units).quantize(landed_cost.GRAIN)
        product.save()
