"""Transfers, lots and the ledger as the operations answer them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.utils import timezone

from .models import Location, Lot, Product, Transfer, TransferLine
from .places_schemas import (
    LotDetail,
    LotItem,
    LotOrder,
    LotPlace,
    LotState,
    MovementItem,
    MovementKind,
    PlaceAt,
    PlaceKind,
    StockAt,
    TransferItem,
    TransferPart,
)
from .selectors.history import Booked, StockThen
from .selectors.places import LotSold, LotStanding

Kind = Location.Kind


def transfer_item(transfer: Transfer, lines: Iterable[TransferLine]) -> TransferItem:
    return TransferItem(
        transfer=transfer.reference,
        source=transfer.source.code,
        destination=transfer.destination.code,
        status="closed" if transfer.closed_at else "in transit",
        note=transfer.note,
        lines=[
            TransferPart(
                sku=line.product.sku,
                product_name=line.product.name,
                lot=line.lot.code if line.lot else None,
                unit=line.product.unit,
                sent=line.sent,
                arrived=line.arrived,
                lost=line.lost,
                in_transit=line.sent - line.arrived - line.lost,
            )
            for line in lines
        ],
        sent_at=transfer.sent_at,
        closed_at=transfer.closed_at,
        sent_by=transfer.user_id,
    )


def lot_state(lot: Lot) -> LotState:
    if lot.blocked:
        return "blocked"
    return "expired" if lot.expires_on and lot.expires_on < timezone.localdate() else "for sale"


def lot_item(found: LotStanding) -> LotItem:
    return LotItem(**_about(found))


def lot_detail(found: LotStanding, count: int, orders: Sequence[LotSold], cursor: str | None) -> LotDetail:
    return LotDetail(
        **_about(found),
        order_count=count,
        orders=[
            LotOrder(
                order=each.order.reference,
                sold_at=each.order.occurred_at,
                quantity=each.sold,
                returned=each.returned,
            )
            for each in orders
        ],
        next_cursor=cursor,
    )


def _about(found: LotStanding) -> dict[str, Any]:
    lot = found.lot
    return {
        "sku": lot.product.sku,
        "product_name": lot.product.name,
        "lot": lot.code,
        "serial": lot.serial,
        "expires_on": lot.expires_on,
        "days_left": (lot.expires_on - timezone.localdate()).days if lot.expires_on else None,
        "state": lot_state(lot),
        "on_hand": found.on_hand,
        "places": [
            LotPlace(
                location=level.location.code,
                kind=cast(PlaceKind, level.location.kind),
                on_hand=level.on_hand,
                reserved=level.reserved,
            )
            for level in found.levels
        ],
    }


def movement_item(booked: Booked) -> MovementItem:
    movement = booked.movement
    return MovementItem(
        movement_id=movement.pk,
        occurred_at=movement.occurred_at,
        kind=cast(MovementKind, movement.kind),
        location=movement.location.code,
        lot=movement.lot.code if movement.lot else None,
        quantity=movement.quantity,
        balance=booked.balance,
        place_balance=movement.balance,
        unit_price=movement.unit_price,
        unit_cost=movement.unit_cost,
        reason=movement.reason,
        reference=movement.reference,
        user_id=movement.user_id,
        task_id=str(movement.task_id) if movement.task_id else None,
    )


def stock_at(product: Product, at: datetime, found: StockThen) -> StockAt:
    return StockAt(
        sku=product.sku,
        product_name=product.name,
        at=at,
        quantity=found.on_hand,
        quarantined=found.lying(Kind.QUARANTINE),
        in_transit=found.lying(Kind.TRANSIT),
        reserved=found.reserved,
        unit_price=found.list_price,
        currency=settings.SHOP_CURRENCY,
        unit=product.unit,
        locations=[
            PlaceAt(
                location=place.location.code,
                kind=cast(PlaceKind, place.location.kind),
                lot=place.lot.code if place.lot else None,
                on_hand=place.on_hand,
                reserved=place.reserved,
            )
            for place in found.places
        ],
    )
