"""Locking what lies where. Only who holds a level's lock changes it, and what is reserved of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from inventory.models import KitComponent, Lot, Product, Reservation, ReservationLine, StockLevel
from inventory.selectors import Stock, levels_by_sku, product_get
from inventory.selectors.stock import OF_KIT, ZERO
from shop_assistant.agents.errors import Conflict, ValidationFailed
from shop_assistant.compiled import Compiled

Place = tuple[int, int, int | None]
"""Primary keys of a product, a location and a lot (None: its units are not told apart)."""


def levels_locked(products: Iterable[Product], create: Iterable[Place] = ()) -> dict[int, tuple[StockLevel, ...]]:
    """Every level of these products with its location and lot, locked in primary-key order, by the product's primary
    key; reservations that have run out no longer count.

    :param create: levels that must exist, of the same products; made empty where missing.
    :raises ValidationFailed: when a level would be made for a kit, which has no stock of its own.
    """
    keys = list(dict.fromkeys(product.pk for product in products))
    levels = _lock(keys)
    if missing := set(create) - {place_of(level) for level in levels}:
        _make(missing)
        levels = _lock(keys)
    found: dict[int, list[StockLevel]] = {key: [] for key in keys}
    for level in levels:
        found[level.product_id].append(level)
    return {key: tuple(own) for key, own in found.items()}


def stock_lock(*, sku: str) -> tuple[Product, Stock]:
    """The product with this SKU, in any case, and its stock, locked; one query where it lies somewhere.

    :raises NotFound: with the nearest existing SKUs.
    """
    levels = _settled(_LOCKED_BY_SKU.all(sku=sku.strip()))
    return (levels[0].product, Stock(tuple(levels))) if levels else (product_get(sku=sku), Stock(()))


def reserved_end(reservation: Reservation, levels: Iterable[StockLevel]) -> dict[int, Decimal]:
    """Lock the reservation, which is about to be taken or released, and count it no more: what it held of each of
    these locked levels, by their primary key. Nothing, where it had run out.

    :raises Conflict: when it was taken or released already.
    """
    found = Reservation.objects.select_for_update().get(pk=reservation.pk)
    if found.outcome:
        raise Conflict(
            f"Reservation {found.reference} was {found.outcome} already.",
            reservation=found.reference,
            outcome=found.outcome,
        )
    return _uncount({level.pk: level for level in levels}, timezone.now(), found.pk)


def place_of(level: StockLevel) -> Place:
    return level.product_id, level.location_id, level.lot_id


def by_place(found: Mapping[int, Iterable[StockLevel]]) -> dict[Place, StockLevel]:
    """What `levels_locked` gave, by its place."""
    return {place_of(level): level for own in found.values() for level in own}


def kit_refused(kit: Product) -> ValidationFailed:
    return ValidationFailed(
        f"{kit.sku} is a kit and has no stock of its own: name what it is made of.", fields={"sku": "is a kit"}
    )


def serial_refused(product: Product, here: StockLevel) -> Conflict:
    """For what comes in though it lies `here` already."""
    code, place = here.lot.code if here.lot else "", here.location.code
    return Conflict(f"{product.sku} {code} lies at {place} already.", sku=product.sku, lot=code, location=place)


def _lock(products: list[int]) -> list[StockLevel]:
    rows = _LOCKED.all(product=products[0]) if len(products) == 1 else list(_locked(product__in=products))
    return _settled(rows)


def _locked(**which: Any) -> QuerySet[Any]:
    rows = StockLevel.objects.select_for_update(of=("self",)).filter(**which).order_by("pk")
    return rows.select_related("location", "lot").annotate(of_kit=OF_KIT)


_LOCKED: Compiled[StockLevel] = Compiled(lambda product: _locked(product=product), product=int)
_LOCKED_BY_SKU: Compiled[StockLevel] = Compiled(lambda sku: levels_by_sku(sku).select_for_update(of=("self",)), sku=str)


def _make(missing: set[Place]) -> None:
    if kit := KitComponent.objects.filter(kit__in={place[0] for place in missing}).select_related("kit").first():
        raise kit_refused(kit.kit)
    lots = {lot for _, _, lot in missing if lot}
    serials = set(Lot.objects.filter(pk__in=lots, serial=True).values_list("pk", flat=True)) if lots else set()
    made = sorted(missing, key=lambda place: (*place[:2], place[2] or 0))
    StockLevel.objects.bulk_create(
        (StockLevel(product_id=p, location_id=at, lot_id=lot, serial=lot in serials) for p, at, lot in made),
        ignore_conflicts=True,
    )


def _settled(levels: list[StockLevel]) -> list[StockLevel]:
    """The same locked levels, once reservations that have run out count no more; usually that is so already."""
    now = timezone.now()
    if due := {level.pk: level for level in levels if level.next_expiry and level.next_expiry <= now}:
        _uncount(due, now)
    return levels


def _uncount(levels: dict[int, StockLevel], now: datetime, reservation: int | None = None) -> dict[int, Decimal]:
    """Count what has run out no more, nor what this reservation holds, and note what runs out next: what the
    reservation held, by level.
    """
    gone: list[int] = []
    held: dict[int, Decimal] = {}
    for level in levels.values():
        level.next_expiry = None
    lines = ReservationLine.objects.filter(level__in=levels, counted=True)
    columns = ("pk", "level_id", "quantity", "reservation_id", "reservation__expires_at")
    for pk, key, quantity, owner, expires_at in lines.values_list(*columns):
        level = levels[key]
        if owner != reservation and (expires_at is None or expires_at > now):
            level.next_expiry = min(filter(None, (level.next_expiry, expires_at)), default=None)
            continue
        gone.append(pk)
        level.reserved -= quantity
        if owner == reservation:
            held[key] = held.get(key, ZERO) + quantity
    ReservationLine.objects.filter(pk__in=gone).update(counted=False)
    StockLevel.objects.bulk_update(levels.values(), ["reserved", "next_expiry"])
    return held
