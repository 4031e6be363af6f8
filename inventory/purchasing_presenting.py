"""Purchase orders as the operations answer them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from shop_assistant.agents.fields import json_number
from shop_assistant.money import round_money

from .models import PurchaseOrder, PurchaseOrderLine, SupplierProduct, SupplierReturn
from .offers import orderable
from .purchasing_schemas import (
    PurchaseLineItem,
    PurchaseOrderItem,
    PurchaseReceived,
    PurchaseReturned,
    ReceivedPart,
    ReturnedPart,
)
from .selectors import missing_of, offer_terms
from .services.receiving import Received

ZERO = Decimal(0)


def purchase_item(
    order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], offers: dict[int, SupplierProduct] | None = None
) -> PurchaseOrderItem:
    """:param offers: of its supplier, by the product's primary key: what the notes of a draft rest on."""
    items = [_line(order, line) for line in lines]
    approval: Any = "self-approved" if order.self_approved else "four eyes"
    return PurchaseOrderItem(
        order=order.reference,
        supplier=order.supplier.code,
        supplier_name=order.supplier.name,
        status=_status(order),
        created_at=order.created_at,
        approved_at=order.approved_at,
        approval=approval if order.approved_at else None,
        sent_at=order.sent_at,
        expected_on=order.expected_on,
        late=is_late(order, lines, timezone.localdate()),
        ended_at=order.ended_at,
        currency=order.currency,
        total=sum((item.cost for item in items if item.cost is not None), ZERO),
        lines=items,
        notes=_notes(lines, offers or {}),
    )


def is_late(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], today: date) -> bool:
    """Sent, and something is missing that should have arrived before today."""
    due = order.expected_on if order.sent_at else None
    return due is not None and due < today and any(missing_of(order, line) for line in lines)


def line_cost(line: PurchaseOrderLine) -> Decimal | None:
    """Of the quantity ordered, rounded as the supplier would invoice it; None: not known."""
    return None if line.unit_cost is None else round_money(line.quantity * line.unit_cost, settings.SHOP_CURRENCY)


def purchase_received(made: Received) -> PurchaseReceived:
    parts = [
        ReceivedPart(
            sku=row.line.product.sku,
            quantity=row.quantity,
            lot=row.lot.code if row.lot else None,
            expires_on=row.lot.expires_on if row.lot else None,
            location=row.location.code,
            unit_cost=row.unit_cost,
            landed_cost=row.landed,
            value=round_money(row.quantity * row.unit_cost + row.landed, settings.SHOP_CURRENCY),
        )
        for row in made.parts
    ]
    goods = sum((row.quantity * row.unit_cost for row in made.parts), ZERO)
    return PurchaseReceived(
        order=made.order.reference,
        receipt=made.receipt.reference,
        delivery_note=made.receipt.delivery_note or None,
        status=_status(made.order),
        parts=parts,
        lines=[_line(made.order, line) for line in made.lines],
        goods=round_money(goods, settings.SHOP_CURRENCY),
        landed=sum((row.landed for row in made.parts), ZERO),
        notes=[*_beyond(made), *_still_missing(made)],
    )


def purchase_returned(made: SupplierReturn) -> PurchaseReturned:
    rows = list(made.lines.select_related("line__product", "lot", "location"))
    credit = sum((row.quantity * row.unit_cost for row in rows), ZERO)
    return PurchaseReturned(
        order=made.purchase_order.reference,
        reference=made.reference,
        parts=[
            ReturnedPart(
                sku=row.line.product.sku,
                quantity=row.quantity,
                lot=row.lot.code if row.lot else None,
                location=row.location.code,
                unit_cost=row.unit_cost,
            )
            for row in rows
        ],
        credit=round_money(credit, made.purchase_order.currency),
        currency=made.purchase_order.currency,
    )


def _status(order: PurchaseOrder) -> Any:
    return str(order.status)


def _line(order: PurchaseOrder, line: PurchaseOrderLine) -> PurchaseLineItem:
    return PurchaseLineItem(
        sku=line.product.sku,
        product_name=line.product.name,
        supplier_sku=line.supplier_sku or None,
        quantity=line.quantity,
        received=line.received,
        returned=line.returned,
        missing=missing_of(order, line),
        unit_cost=line.unit_cost,
        cost=line_cost(line),
    )


def _notes(lines: Sequence[PurchaseOrderLine], offers: dict[int, SupplierProduct]) -> list[str]:
    notes = []
    for line in lines:
        sku = line.product.sku
        if line.unit_cost is None:
            notes.append(f"{sku}: its cost is not known; the order can't be approved without")
        offer = offers.get(line.product_id)
        if offer is None:
            continue
        terms = offer_terms(offer)
        if (least := orderable(terms, line.quantity)) != line.quantity:
            packs = f"packs of {json_number(terms.pack_size)}, at least {json_number(terms.minimum_order)}"
            notes.append(f"{sku}: sold in {packs}: order {json_number(least)}")
    return notes


def _beyond(made: Received) -> list[str]:
    now = {row.line_id for row in made.parts}
    return [
        f"{line.product.sku}: {json_number(line.received - line.quantity)} more than ordered, which was accepted"
        for line in made.lines
        if line.pk in now and line.received > line.quantity
    ]


def _still_missing(made: Received) -> list[str]:
    return [
        f"{line.product.sku}: {json_number(missing)} still to come"
        for line in made.lines
        if (missing := missing_of(made.order, line))
    ]
