"""Stock promised for a while."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from shop_assistant.agents import Context, Effect, operation
from shop_assistant.agents.roles import COUNTER, STAFF

from .. import selectors, services
from ..models import Reservation, ReservationLine
from ..reserving_schemas import (
    Promised,
    Release,
    Released,
    ReservationItem,
    ReservationsPage,
    ReservationsQuery,
    Reserve,
)
from ..selectors.reserving import reservation_lines, reservation_status


class ReservingOperations:
    """Stock promised for a while."""

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/reserve",
        audit="reserved {reservation} until {expires_at}",
    )
    def reserve(self, context: Context, data: Reserve) -> ReservationItem:
        """Promise goods to somebody for a while: until the reservation runs out, is released or taken by a sale, nobody
        else gets them.
        """
        products = selectors.products_get(skus=[line.sku for line in data.lines])
        services.inactive_refuse(products.values())
        lots = services.lots_get((products[line.sku], line.lot) for line in data.lines if line.lot)
        items = [
            services.Item(of, line.quantity, lots[of.pk, line.lot] if line.lot else None)
            for line in data.lines
            for of in [products[line.sku]]
        ]
        made = services.reservation_create(
            items=items,
            expected={products[v.sku]: v.expected_available for v in data.lines if v.expected_available is not None},
            expires_at=_end(data),
            location=selectors.location_get(code=data.location) if data.location else None,
            note=data.note or "",
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return _item(made, reservation_lines(made)[made.pk], timezone.now())

    @operation(
        roles=COUNTER, effect=Effect.WRITE, route="inventory/release", audit="released the reservation {reservation}"
    )
    def release(self, context: Context, data: Release) -> Released:
        """End a reservation before it runs out: what it held can be sold again."""
        reservation = selectors.reservation_get(reference=data.reference)
        lines = reservation_lines(reservation)[reservation.pk]
        freed = services.reservation_release(reservation=reservation)
        return Released(
            reservation=reservation.reference, lines=[_promised(line) for line in lines if line.level_id in freed]
        )

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/reservations", audit="listed reservations")
    def reservations(self, context: Context, data: ReservationsQuery) -> ReservationsPage:
        """List what is promised, the newest first; or also what was."""
        page = selectors.reservation_list(
            product=selectors.product_get(sku=data.sku) if data.sku else None,
            still_open=data.open,
            limit=data.limit,
            cursor=data.cursor,
        )
        now = timezone.now()
        return ReservationsPage(
            items=[_item(row, page.lines[row.pk], now) for row in page.reservations], next_cursor=page.next_cursor
        )


def _end(data: Reserve) -> datetime | None:
    if data.expires_at or data.expires_in_minutes is None:
        return data.expires_at
    return timezone.now() + timedelta(minutes=data.expires_in_minutes)


def _item(row: Reservation, lines: Iterable[ReservationLine], now: datetime) -> ReservationItem:
    return ReservationItem(
        reservation=row.reference,
        status=reservation_status(row, now),
        expires_at=row.expires_at,
        note=row.note,
        order=row.order.reference if row.order else None,
        created_at=row.created_at,
        user_id=row.user_id,
        lines=[_promised(line) for line in lines],
    )


def _promised(line: ReservationLine) -> Promised:
    level = line.level
    return Promised(
        sku=level.product.sku,
        location=level.location.code,
        lot=level.lot.code if level.lot else None,
        quantity=line.quantity,
        for_kit=line.product.sku if line.product_id != level.product_id else None,
    )
