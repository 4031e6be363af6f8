"""Transfers and what of them is on its way; lots, when they expire and who got them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Lower, Round
from django.utils import timezone

from inventory.models import (
    Location,
    Lot,
    Order,
    OrderReturn,
    Product,
    StockLevel,
    StockMovement,
    Transfer,
    TransferLine,
)
from shop_assistant.agents.errors import ClarificationNeeded, NotFound

ZERO = Decimal(0)
NEVER = "never"
IN_STOCK = StockLevel.objects.filter(lot=OuterRef("pk"), on_hand__gt=0)


@dataclass(frozen=True, slots=True)
class LotStanding:
    lot: Lot
    levels: tuple[StockLevel, ...]
    """with their location, where something of it lies"""

    @property
    def on_hand(self) -> Decimal:
        """In transit included."""
        return sum((level.on_hand for level in self.levels), ZERO)


@dataclass(frozen=True, slots=True)
class LotSold:
    order: Order
    sold: Decimal
    """units of the lot"""
    returned: Decimal


def transfer_get(*, reference: str) -> Transfer:
    """The transfer with this reference, in any case, with its places; one query.

    :raises NotFound:
    """
    rows = Transfer.objects.select_related("source", "destination").alias(folded=Lower("reference"))
    found = rows.filter(folded=Lower(Value(reference.strip()))).first()
    if found is None:
        raise NotFound(f"Transfer {reference} not found", transfer=reference)
    return found


def transfers_list(
    *,
    open_only: bool | None = None,
    location: Location | None = None,
    product: Product | None = None,
    limit: int,
    cursor: str | None = None,
) -> tuple[list[Transfer], str | None]:
    """Transfers, newest first, with places and lines, and where the next page begins; two queries."""
    rows = Transfer.objects.select_related("source", "destination").prefetch_related("lines__product", "lines__lot")
    if open_only is not None:
        rows = rows.filter(closed_at__isnull=open_only)
    if location is not None:
        rows = rows.filter(Q(source=location) | Q(destination=location))
    if product is not None:
        rows = rows.filter(Exists(TransferLine.objects.filter(transfer=OuterRef("pk"), product=product)))
    if cursor:
        rows = rows.filter(pk__lt=int(cursor) if cursor.isdecimal() else 0)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None


def lots_list(
    *,
    product: Product | None = None,
    expiring_within_days: int | None = None,
    blocked: bool | None = None,
    in_stock: bool = True,
    limit: int | None,
    cursor: str | None = None,
) -> tuple[list[LotStanding], str | None]:
    """Lots, what expires first leading, and where the next page begins; two queries.

    :param expiring_within_days: only those that expire by then, the expired included; 0: today or before.
    :param in_stock: only those of which something is on hand.
    """
    rows: QuerySet[Lot, Lot] = Lot.objects.select_related("product")
    if product is not None:
        rows = rows.filter(product=product)
    if expiring_within_days is not None:
        rows = rows.filter(expires_on__lte=timezone.localdate() + timedelta(days=expiring_within_days))
    if blocked is not None:
        rows = rows.filter(blocked=blocked)
    if in_stock:
        rows = rows.filter(Exists(IN_STOCK))
    if cursor:
        rows = rows.filter(_after(cursor))
    rows = rows.order_by(F("expires_on").asc(nulls_last=True), "pk")
    if limit is None:
        return _standing(rows), None
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return _standing(found[:limit]), f"{last.expires_on or NEVER}:{last.pk}" if last else None


def lot_standing(lot: Lot) -> LotStanding:
    """One query."""
    return _standing([lot])[0]


def lots_expiring(*, within_days: int) -> list[LotStanding]:
    """Everything in stock that has expired or will within so many days, what expires first leading; two queries."""
    return lots_list(expiring_within_days=within_days, limit=None)[0]


def _after(cursor: str) -> Q:
    told, _, number = cursor.partition(":")
    try:
        day = None if told == NEVER else date.fromisoformat(told)
        last = int(number)
    except ValueError:
        raise ClarificationNeeded("cursor is no next_cursor of an answer.", field="cursor") from None
    if day is None:
        return Q(expires_on=None, pk__gt=last)
    return Q(expires_on__gt=day) | Q(expires_on=None) | Q(expires_on=day, pk__gt=last)


def _standing(lots: Iterable[Lot]) -> list[LotStanding]:
    every = list(lots)
    lying: dict[int | None, list[StockLevel]] = {}
    rows = StockLevel.objects.filter(lot__in=[lot.pk for lot in every]).exclude(on_hand=0)
    for level in rows.select_related("location").order_by("pk"):
        lying.setdefault(level.lot_id, []).append(level)
    return [LotStanding(lot, tuple(lying.get(lot.pk, ()))) for lot in every]


def lot_orders(*, lot: Lot, limit: int, cursor: str | None = None) -> tuple[list[LotSold], str | None]:
    """The orders that got units of a lot, newest first, and where the next page begins; at most four queries."""
    sold = StockMovement.objects.filter(product=lot.product_id, lot=lot, kind=StockMovement.Kind.SALE)
    rows = Order.objects.filter(reference__in=sold.values("reference")).order_by("-pk")
    if cursor:
        rows = rows.filter(pk__lt=int(cursor) if cursor.isdecimal() else 0)
    found = list(rows[: limit + 1])
    page = found[:limit]
    if not page:
        return [], None
    units = _units(sold, [order.reference for order in page])
    back = dict(OrderReturn.objects.filter(order__in=page).order_by("pk").values_list("reference", "order__reference"))
    came = _units(StockMovement.objects.filter(product=lot.product_id, lot=lot, kind=StockMovement.Kind.RETURN), back)
    returned: dict[str, Decimal] = {}
    for reference, quantity in came.items():
        returned[back[reference]] = returned.get(back[reference], ZERO) + quantity
    told = [LotSold(order, -units[order.reference], returned.get(order.reference, ZERO)) for order in page]
    return told, str(page[-1].pk) if len(found) > limit else None


def lot_order_count(lot: Lot) -> int:
    """How many orders got units of it."""
    sold = StockMovement.objects.filter(product=lot.product_id, lot=lot, kind=StockMovement.Kind.SALE)
    return Order.objects.filter(reference__in=sold.values("reference")).count()


def _units(movements: QuerySet[Any], references: Iterable[str]) -> dict[str, Decimal]:
    asked = list(references)
    if not asked:
        return {}
    rows = movements.filter(reference__in=asked).order_by().values("reference")
    return dict(rows.annotate(sum=Round(Sum("quantity"), precision=3)).values_list("reference", "sum"))
