"""Stock promised for a while. What has run out counts no more by itself: no job is needed for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from inventory.models import Location, Order, Product, Reservation, ReservationLine, StockLevel
from shop_assistant.agents.errors import ClarificationNeeded

from .levels import levels_locked, reserved_end
from .picking import Item, Pick, stock_pick
from .references import next_reference
from .stock import ZERO


def reservation_create(
    *,
    items: Sequence[Item],
    user_id: str,
    task_id: UUID | None = None,
    expires_at: datetime | None = None,
    location: Location | None = None,
    note: str = "",
    expected: Mapping[Product, Decimal] | None = None,
) -> Reservation:
    """Promise these goods: until `expires_at` (None: until they are taken or released) nobody else gets them.

    :param expected: what the caller believes to be available of products asked for.
    :raises Conflict: when `expected` is not what is available, or a lot is not for sale.
    :raises InsufficientStock: naming every SKU that falls short.
    :raises ClarificationNeeded: for a moment that has passed.
    :raises ValidationFailed: for parts of a piece.
    """
    if expires_at and expires_at <= timezone.now():
        raise ClarificationNeeded("expires_at has passed already; name a moment to come.", field="expires_at")
    picks = stock_pick(items=items, location=location, expected=expected)
    made = Reservation.objects.create(
        reference=next_reference(prefix="V"),
        expires_at=expires_at,
        note=note,
        user_id=user_id,
        task_id=task_id,
    )
    _promise(made, picks)
    return made


def _promise(made: Reservation, picks: Sequence[Pick]) -> None:
    levels: dict[int, StockLevel] = {}
    lines = []
    for pick in picks:
        for need in pick.needs:
            for level, quantity in need.taken.items():
                levels[level.pk] = level
                level.reserved += quantity
                level.next_expiry = min(filter(None, (level.next_expiry, made.expires_at)), default=None)
                lines.append(
                    ReservationLine(reservation=made, product=pick.item.product, level=level, quantity=quantity)
                )
    StockLevel.objects.bulk_update(levels.values(), ["reserved", "next_expiry"])
    ReservationLine.objects.bulk_create(lines)


def reservation_release(*, reservation: Reservation) -> dict[int, Decimal]:
    """End the promise: what is free again of each level, by its primary key; nothing, where it had run out.

    :raises Conflict: when it was taken or released already.
    """
    lines = ReservationLine.objects.filter(reservation=reservation).order_by()
    products = [Product(pk=key) for key in lines.values_list("level__product_id", flat=True).distinct()]
    levels = [level for found in levels_locked(products).values() for level in found]
    freed = reserved_end(reservation, levels)
    _end(reservation, Reservation.Outcome.RELEASED, None)
    return {key: quantity for key, quantity in freed.items() if quantity > ZERO}


def reservation_taken(*, reservation: Reservation, order: Order) -> None:
    """Note which order took it; `stock_pick` has locked it, found it open, and freed what it held."""
    _end(reservation, Reservation.Outcome.TAKEN, order)


def _end(reservation: Reservation, outcome: Reservation.Outcome, order: Order | None) -> None:
    reservation.outcome, reservation.order, reservation.ended_at = outcome, order, timezone.now()
    reservation.save(update_fields=["outcome", "order", "ended_at"])
