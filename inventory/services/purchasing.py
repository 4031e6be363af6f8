"""Purchase orders, from draft to end; receiving.py books what arrives of them, sending_back.py what goes back.

An order's row is locked first, before its lines and any stock: of two people who receive, close or cancel at once, the
second one sees what the first one did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from math import ceil
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from inventory.models import KitComponent, Product, PurchaseOrder, PurchaseOrderLine, Supplier
from inventory.models.columns import MAX_QUANTITY
from inventory.offers import offer_price
from inventory.selectors import offer_terms, supplier_lead_time, supplier_offers
from shop_assistant.accounts.four_eyes import self_approval
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, ValidationFailed
from shop_assistant.money import BOOKABLE

from .levels import kit_refused
from .references import next_reference
from .stock import GRAIN, quantity_check

Status = PurchaseOrder.Status
PREFIX = "PO"
PERMISSION = "inventory.purchase_approve"
ZERO = Decimal(0)
NEXT = {
    Status.DRAFT: "approve it first",
    Status.APPROVED: "mark it as sent first",
    Status.SENT: "receive what arrives of it, or cancel it",
    Status.PARTLY_RECEIVED: "receive the rest, or close it",
    Status.CLOSED: "make a new one",
    Status.CANCELLED: "make a new one",
}
"""What can be done with an order in this state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLine:
    product: Product
    quantity: Decimal
    unit_cost: Decimal | None = None
    """None: as the supplier offers it for that quantity, else as the product's cost is known"""
    reason: dict[str, Any] = field(default_factory=dict)


def purchase_lock(*, order: PurchaseOrder) -> PurchaseOrder:
    """The same order as it is now, locked."""
    return PurchaseOrder.objects.select_for_update(of=("self",)).select_related("supplier").get(pk=order.pk)


def purchase_lines_locked(order: PurchaseOrder) -> list[PurchaseOrderLine]:
    """Its lines with their product, locked."""
    return list(order.lines.select_for_update(of=("self",)).select_related("product").order_by("pk"))


def purchase_create(
    *,
    supplier: Supplier,
    lines: Sequence[WantedLine],
    user_id: str,
    task_id: UUID | None = None,
    expected_on: date | None = None,
    reference: str | None = None,
) -> PurchaseOrder:
    """A draft.

    :param reference: its number, where it has one already.
    :raises ValidationFailed: for a product named twice, a kit, parts of a piece, or more money than can be booked.
    """
    made = _lines(supplier, lines)
    order = PurchaseOrder.objects.create(
        reference=reference or next_reference(prefix=PREFIX),
        supplier=supplier,
        currency=settings.SHOP_CURRENCY,
        expected_on=expected_on,
        user_id=user_id,
        task_id=task_id,
    )
    _store(order, made)
    return order


def purchase_change(
    *,
    order: PurchaseOrder,
    user_id: str,
    task_id: UUID | None = None,
    lines: Sequence[WantedLine] | None = None,
    expected_on: date | None = None,
) -> PurchaseOrder:
    """Give a draft other lines (None: it keeps its own), or another day on which it should arrive. Whoever does has
    proposed it from then on, and can't be the one who approves it.

    :raises Conflict: when it is no draft any more.
    :raises ValidationFailed: as `purchase_create`.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.DRAFT, what="changed")
    if lines is not None:
        _replace(locked, _lines(locked.supplier, lines))
    locked.expected_on = expected_on or locked.expected_on
    locked.user_id, locked.task_id = user_id, task_id
    locked.save()
    return locked


def purchase_approve(*, order: PurchaseOrder, user_id: str, confirm: bool = False) -> PurchaseOrder:
    """Approve a draft. Above PURCHASE_APPROVAL_LIMIT another person than who made or last changed it has to, where the
    shop has another who may.

    :param confirm: the second confirmation that approving the own order needs where nobody else may.
    :raises Conflict: when it is no draft, has no lines, or its supplier is no longer active.
    :raises ClarificationNeeded: when a line has no cost, or it was not confirmed.
    :raises PermissionDenied: when another person has to.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.DRAFT, what="approved")
    lines = list(locked.lines.select_related("product"))
    if not lines:
        raise Conflict(f"{locked.reference} has no lines: add what to order first.", order=locked.reference)
    if not locked.supplier.active:
        raise Conflict(
            f"{locked.supplier.name} is no longer ordered from: make it active again, or cancel {locked.reference}.",
            order=locked.reference,
            supplier=locked.supplier.code,
        )
    if unknown := [line.product.sku for line in lines if line.unit_cost is None]:
        raise ClarificationNeeded(
            f"What does {unknown[0]} cost? Every line of {locked.reference} needs its cost before it is approved.",
            order=locked.reference,
            skus=unknown,
            field="unit_cost",
        )
    own = locked.user_id == user_id
    if own and purchase_total(lines) > settings.PURCHASE_APPROVAL_LIMIT:
        self_approval(
            permission=PERMISSION,
            proposer=locked.user_id,
            user_id=user_id,
            confirm=confirm,
            what="approve purchase orders",
        )
    for line in lines:
        line.most = _most(line, locked.supplier)
    PurchaseOrderLine.objects.change_all(lines, ["most"])
    locked.status, locked.approved_at = Status.APPROVED, timezone.now()
    locked.approved_by, locked.self_approved = user_id, own
    locked.save()
    return locked


def purchase_send(*, order: PurchaseOrder) -> PurchaseOrder:
    """Mark an approved order as sent: from now on it is late or in time. Where nobody said when it should arrive, it is
    expected as its supplier's deliveries usually take.

    :raises Conflict: when it is not approved, or was sent already.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.APPROVED, what="sent")
    locked.status, locked.sent_at = Status.SENT, timezone.now()
    if locked.expected_on is None:
        days = ceil(supplier_lead_time(locked.supplier).mean_days)
        locked.expected_on = timezone.localdate() + timedelta(days=days)
    locked.save()
    return locked


def purchase_close(*, order: PurchaseOrder) -> PurchaseOrder:
    """End an order of which the rest will not come.

    :raises Conflict: when nothing of it has arrived (it can be cancelled), or it has ended already.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.PARTLY_RECEIVED, what="closed")
    return _end(locked, Status.CLOSED)


def purchase_cancel(*, order: PurchaseOrder) -> PurchaseOrder:
    """End an order of which nothing has arrived.

    :raises Conflict: when something of it has arrived (it can be closed), or it has ended already.
    """
    locked = purchase_lock(order=order)
    purchase_must_be(locked, Status.DRAFT, Status.APPROVED, Status.SENT, what="cancelled")
    return _end(locked, Status.CANCELLED)


def purchase_must_be(order: PurchaseOrder, *states: str, what: str) -> None:
    """:raises Conflict: when the order is in none of these states; it says what can be done instead."""
    if order.status not in states:
        told = order.get_status_display().lower()
        raise Conflict(
            f"{order.reference} is {told} and can't be {what}: {NEXT[Status(order.status)]}.",
            order=order.reference,
            status=order.status,
        )


def purchase_total(lines: Sequence[PurchaseOrderLine]) -> Decimal:
    """What the lines cost, without tax; those without a known cost left out."""
    return sum((line.quantity * line.unit_cost for line in lines if line.unit_cost is not None), ZERO)


def purchase_lines_check(*, items: Sequence[tuple[Product, Decimal]]) -> None:
    """:raises ValidationFailed: for a product named twice, a kit, or parts of a piece."""
    products = [product for product, _ in items]
    if len({product.pk for product in products}) < len(products):
        raise ValidationFailed(fields={"lines": "name each product once"})
    if kit := KitComponent.objects.filter(kit__in=products).select_related("kit").first():
        raise kit_refused(kit.kit)
    for product, quantity in items:
        quantity_check(product, quantity, "quantity")


def purchase_lines_price(*, order: PurchaseOrder) -> None:
    """Give the lines of a draft what its supplier calls their products, and those that have no cost yet what it offers
    them for, else what is known of the product.
    """
    lines = list(order.lines.select_related("product"))
    before = {line.pk: (line.unit_cost, line.supplier_sku) for line in lines}
    _price(order.supplier, lines)
    changed = [line for line in lines if (line.unit_cost, line.supplier_sku) != before[line.pk]]
    PurchaseOrderLine.objects.change_all(changed, ["unit_cost", "supplier_sku"])


def _lines(supplier: Supplier, wanted: Sequence[WantedLine]) -> list[PurchaseOrderLine]:
    """Checked and priced, not stored yet."""
    purchase_lines_check(items=[(each.product, each.quantity) for each in wanted])
    made = [
        PurchaseOrderLine(product=each.product, quantity=each.quantity, unit_cost=each.unit_cost, reason=each.reason)
        for each in wanted
    ]
    _price(supplier, made)
    if purchase_total(made) >= BOOKABLE:
        raise ValidationFailed(fields={"lines": "more money than can be booked in one order"})
    return made


def _price(supplier: Supplier, lines: Sequence[PurchaseOrderLine]) -> None:
    offers = supplier_offers(supplier, [line.product for line in lines])
    for line in lines:
        offer = offers.get(line.product_id)
        line.supplier_sku = offer.supplier_sku if offer else ""
        if line.unit_cost is None:
            line.unit_cost = offer_price(offer_terms(offer), line.quantity) if offer else line.product.cost


def _store(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> None:
    for line in lines:
        line.purchase_order = order
    PurchaseOrderLine.objects.create_all(lines)


def _replace(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> None:
    """Lines of products that were in it before keep the reason why they are."""
    wanted = {line.product_id: line for line in lines}
    changed = []
    for old in order.lines.all():
        new = wanted.pop(old.product_id, None)
        if new is None:
            old.delete()
        elif (old.quantity, old.unit_cost, old.supplier_sku) != (new.quantity, new.unit_cost, new.supplier_sku):
            old.quantity, old.unit_cost, old.supplier_sku = new.quantity, new.unit_cost, new.supplier_sku
            changed.append(old)
    PurchaseOrderLine.objects.change_all(changed, ["quantity", "unit_cost", "supplier_sku"])
    _store(order, list(wanted.values()))


def _most(line: PurchaseOrderLine, supplier: Supplier) -> Decimal:
    grain = Decimal(1) if line.product.counted_in_pieces else GRAIN
    over = line.quantity * supplier.over_delivery / 100
    return min(line.quantity + over.quantize(grain, ROUND_DOWN), MAX_QUANTITY)


def _end(order: PurchaseOrder, status: str) -> PurchaseOrder:
    order.status, order.ended_at = status, timezone.now()
    order.save()
    return order
