"""What is promised to whom. What has run out counts nowhere, whether or not anybody has noted so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from inventory.models import Product, Reservation, ReservationLine
from shop_assistant.agents.errors import NotFound


@dataclass(frozen=True, slots=True)
class ReservationPage:
    reservations: list[Reservation]
    lines: dict[int, list[ReservationLine]]
    """By the reservation's primary key."""
    next_cursor: str | None


def reservation_get(*, reference: str) -> Reservation:
    """The reservation with this reference, in any case; one query.

    :raises NotFound:
    """
    found: Reservation | None = Reservation.objects.filter(reference=reference.strip().upper()).first()
    if found is None:
        raise NotFound(f"There is no reservation {reference}.", reservation=reference)
    return found


def reservation_status(reservation: Reservation, now: datetime) -> str:
    """open, run_out, released or taken."""
    if reservation.outcome:
        return str(reservation.outcome)
    return "run_out" if reservation.expires_at and reservation.expires_at <= now else "open"


def reservations_open(now: datetime) -> QuerySet[Any]:
    return Reservation.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), outcome="")


def reservation_lines(*reservations: Reservation) -> dict[int, list[ReservationLine]]:
    """By the reservation's primary key; one query."""
    rows = ReservationLine.objects.filter(reservation__in=reservations).order_by("pk")
    found: dict[int, list[ReservationLine]] = {reservation.pk: [] for reservation in reservations}
    for row in rows.select_related("product", "level__product", "level__location", "level__lot"):
        found[row.reservation_id].append(row)
    return found


def reservation_list(
    *, product: Product | None = None, still_open: bool = True, limit: int = 50, cursor: str | None = None
) -> ReservationPage:
    """A page of reservations, the newest first, after the one that `cursor` names; two queries.

    :param product: only those of this product, or of kits that it is in.
    :param cursor: `next_cursor` of the page before, a number.
    """
    rows = reservations_open(timezone.now()) if still_open else Reservation.objects.all()
    if product is not None:
        lines = ReservationLine.objects.filter(Q(product=product) | Q(level__product=product))
        rows = rows.filter(pk__in=lines.values("reservation"))
    if cursor:
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows.select_related("order").order_by("-pk")[: limit + 1])
    page = found[:limit]
    return ReservationPage(page, reservation_lines(*page), str(page[-1].pk) if len(found) > limit else None)
