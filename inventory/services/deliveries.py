"""What a supplier is said to have delivered, checked against what was ordered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from inventory.lot_codes import folded_code
from inventory.models import Location, Lot, Product, PurchaseOrder, PurchaseOrderLine, Tracking
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound, ValidationFailed
from shop_assistant.agents.fields import json_number

from .lot_naming import lot_for, lots_for
from .stock import quantity_check

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A part of a delivery: of one product, in one lot, put in one place."""

    product: Product
    quantity: Decimal
    lot: str = ""
    """as printed; needed where the product is tracked by lot"""
    expires_on: date | None = None
    """None: after the product's shelf life"""
    serials: Sequence[str] = ()
    """one for each unit; needed where the product is tracked by serial number"""
    location: Location | None = None
    """None: where the product mainly lies"""
    unit_cost: Decimal | None = None
    """charged for one unit; None: as ordered"""
    expected_received: Decimal | None = None
    """what the caller believes to have arrived of the line before"""


@dataclass(slots=True, kw_only=True)
class Part:
    """What is booked as one: of a line, in one lot (or a single serial number), in one place."""

    line: PurchaseOrderLine
    quantity: Decimal
    unit_cost: Decimal
    lot: Lot | None
    location: Location | None
    landed: Decimal = ZERO
    """its share of the landed costs"""

    @property
    def product(self) -> Product:
        return self.line.product

    @property
    def total(self) -> Decimal:
        return self.quantity * self.unit_cost + self.landed


def all_missing(lines: Sequence[PurchaseOrderLine]) -> list[Delivered]:
    return [
        Delivered(product=line.product, quantity=line.quantity - line.received)
        for line in lines
        if line.quantity > line.received
    ]


def parts_of(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], delivered: Sequence[Delivered]) -> list[Part]:
    """The parts of a delivery, each serial number by itself; their lots are made where they are new.

    :raises NotFound: for a product that was not ordered.
    :raises ClarificationNeeded: when a lot, serial numbers or a cost must be named.
    :raises Conflict: for a lot that is known to expire on another day, or when something else had arrived before than
        was expected.
    :raises ValidationFailed: for parts of a piece, or lots where units are not told apart.
    """
    if not delivered:
        raise ValidationFailed(fields={"lines": "say what arrived"})
    by_product = {line.product_id: line for line in lines}
    parts = []
    for given in delivered:
        line = by_product.get(given.product.pk)
        if line is None:
            raise NotFound(
                f"{given.product.sku} is not part of {order.reference}: order it, or book it by itself "
                "(inventory.update).",
                order=order.reference,
                sku=given.product.sku,
                available_skus=sorted(each.product.sku for each in lines),
            )
        quantity_check(given.product, given.quantity, "quantity")
        if given.expected_received is not None and given.expected_received != line.received:
            raise Conflict(
                f"{json_number(line.received)} of {given.product.sku} had arrived before, not "
                f"{json_number(given.expected_received)}: look at {order.reference} again.",
                order=order.reference,
                sku=given.product.sku,
                received=json_number(line.received),
            )
        lots = _lots(given)
        quantity = Decimal(1) if given.serials else given.quantity
        cost = _cost(line, given)
        parts += [Part(line=line, quantity=quantity, unit_cost=cost, lot=lot, location=given.location) for lot in lots]
    return parts


def progress_count(order: PurchaseOrder, parts: Sequence[Part]) -> list[PurchaseOrderLine]:
    """Add to what was received of each line, not stored yet; the lines that something came of.

    :raises Conflict: for more than was ordered and the supplier's tolerance allows.
    """
    coming: dict[PurchaseOrderLine, Decimal] = {}
    for part in parts:
        coming[part.line] = coming.get(part.line, ZERO) + part.quantity
    for line, quantity in coming.items():
        line.most = line.quantity if line.most is None else line.most
        if line.received + quantity > line.most:
            raise _too_many(order, line, quantity, line.most)
        line.received += quantity
    return list(coming)


def _too_many(order: PurchaseOrder, line: PurchaseOrderLine, came: Decimal, most: Decimal) -> Conflict:
    sku, room, supplier = line.product.sku, json_number(most - line.received), order.supplier
    before = f", {json_number(line.received)} arrived before" if line.received else ""
    return Conflict(
        f"{json_number(came)} of {sku} are too many: {json_number(line.quantity)} were ordered{before}, and "
        f"{supplier.name} may deliver {json_number(supplier.over_delivery)} % beyond that. "
        + (f"Receive {room} and refuse the rest" if room else "Refuse them")
        + ", or order what you keep.",
        order=order.reference,
        sku=sku,
        delivered=json_number(came),
        ordered=json_number(line.quantity),
        received=json_number(line.received),
        acceptable=room,
    )


def _cost(line: PurchaseOrderLine, given: Delivered) -> Decimal:
    cost = line.unit_cost if given.unit_cost is None else given.unit_cost
    if cost is None:
        raise ClarificationNeeded(
            f"What does one of {given.product.sku} cost? The order does not say: give unit_cost.",
            sku=given.product.sku,
            field="unit_cost",
        )
    return cost


def _lots(given: Delivered) -> Sequence[Lot | None]:
    product, serials = given.product, list(given.serials)
    if product.tracking == Tracking.SERIAL:
        if len({folded_code(serial) for serial in serials}) != given.quantity or len(serials) != given.quantity:
            raise ClarificationNeeded(
                f"{product.sku} is told apart by serial number: name each of the {json_number(given.quantity)} once.",
                sku=product.sku,
                field="serials",
            )
        return lots_for(product=product, codes=serials, expires_on=given.expires_on)
    if serials:
        raise ValidationFailed(f"{product.sku} has no serial numbers.", fields={"serials": "must be left out"})
    if given.lot:
        return [lot_for(product=product, code=given.lot, expires_on=given.expires_on)]
    if product.tracking == Tracking.LOT:
        raise ClarificationNeeded(
            f"{product.sku} is told apart by lot: name the one that arrived.", sku=product.sku, field="lot"
        )
    if given.expires_on:
        raise ValidationFailed(
            f"{product.sku} is not told apart by lot: track it so before you say when it expires.",
            fields={"expires_on": "must be left out"},
        )
    return [None]
