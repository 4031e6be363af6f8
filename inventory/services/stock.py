"""Changes of stock. A level changes only here, and only together with the movement that says why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from inventory.fixed_sql import movement_insert
from inventory.models import Location, Product, StockLevel, StockMovement, Warehouse
from inventory.models.columns import MAX_QUANTITY
from inventory.selectors import Stock, levels_by_sku, product_get
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, InsufficientStock, ValidationFailed
from shop_assistant.agents.fields import json_number
from shop_assistant.compiled import Compiled

ZERO = Decimal(0)
GRAIN = Decimal("0.001")
Kind = StockMovement.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a movement says beside its figures."""

    kind: Kind
    user_id: str
    task_id: UUID | None = None
    reason: str = ""
    reference: str = ""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    level: StockLevel
    quantity: Decimal
    """signed"""
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StockChange:
    movement: StockMovement | None
    """None: a count found what was booked."""
    location: Location
    previous: Decimal
    """on hand before, over all locations"""
    stock: Stock
    """as it is now"""


def stock_adjust(
    *,
    product: Product,
    delta: Decimal,
    user_id: str,
    task_id: UUID | None = None,
    location: Location | None = None,
    kind: Kind = Kind.ADJUSTMENT,
    reason: str = "",
    reference: str = "",
    expected_quantity: Decimal | None = None,
    unit_price: Decimal | None = None,
    unit_cost: Decimal | None = None,
    occurred_at: datetime | None = None,
    locked: Stock | None = None,
) -> StockChange:
    """Change stock by `delta` at the location, or where the product mainly lies.

    :param expected_quantity: what the caller believes to be on hand: at `location`, or in all when that is left out.
    :param locked: the product's stock, where `stock_lock` has locked it already.
    :raises InsufficientStock: when less than nothing, or than what is reserved, would be left there.
    :raises Conflict: when `expected_quantity` is not what is on hand.
    :raises ValidationFailed: for parts of a piece, or more than can be booked.
    """
    quantity_check(product, delta, "delta")
    level, stock = _level_locked(product, location, locked)
    _check_expected(level.on_hand if location else stock.on_hand, expected_quantity)
    why = Why(kind=kind, user_id=user_id, task_id=task_id, reason=reason, reference=reference, occurred_at=occurred_at)
    return _change(product, stock, Move(level, delta, unit_price, unit_cost), why)


def stock_set(
    *,
    product: Product,
    quantity: Decimal,
    user_id: str,
    task_id: UUID | None = None,
    location: Location | None = None,
    reason: str = "",
    reference: str = "",
    expected_quantity: Decimal | None = None,
    occurred_at: datetime | None = None,
    locked: Stock | None = None,
) -> StockChange:
    """Set what is on hand at a location after a count. Without a difference there is no movement.

    :raises ClarificationNeeded: when no location is named and the product lies in several.
    :raises InsufficientStock: when less is there than is reserved.
    :raises Conflict: when `expected_quantity` is not what is on hand (see `stock_adjust`).
    :raises ValidationFailed: for parts of a piece, or more than can be booked.
    """
    quantity_check(product, quantity, "quantity")
    level, stock = _level_locked(product, location, locked)
    places = [found.location.code for found in stock.levels if found.on_hand]
    if location is None and len(places) > 1:
        raise ClarificationNeeded(
            f"{product.sku} lies in {len(places)} locations: name the one that was counted.",
            sku=product.sku,
            field="location",
            options=places,
        )
    _check_expected(level.on_hand if location else stock.on_hand, expected_quantity)
    why = Why(
        kind=Kind.COUNT, user_id=user_id, task_id=task_id, reason=reason, reference=reference, occurred_at=occurred_at
    )
    return _change(product, stock, Move(level, quantity - level.on_hand), why)


def stock_pick(
    *, items: Sequence[tuple[Product, Decimal]], location: Location | None = None
) -> list[list[tuple[StockLevel, Decimal]]]:
    """Lock the stock of these products and choose, for each item, where to take it: at the location, or wherever
    something is free, in primary-key order. Nothing is booked yet.

    :raises InsufficientStock: naming every SKU that falls short, with what is available; an SKU's items are summed.
    """
    wanted: dict[Product, Decimal] = {}
    for product, quantity in items:
        wanted[product] = wanted.get(product, ZERO) + quantity
    levels = levels_locked(wanted)
    free = {
        level.pk: level.on_hand - level.reserved
        for found in levels.values()
        for level in found
        if location is None or level.location_id == location.pk
    }
    _check_free(wanted, {p: sum((free.get(v.pk, ZERO) for v in levels[p.pk]), ZERO) for p in wanted})
    picks = []
    for product, quantity in items:
        taken, missing = [], quantity
        for level in levels[product.pk]:
            if (part := min(missing, free.get(level.pk, ZERO))) > 0:
                taken.append((level, part))
                free[level.pk] -= part
                missing -= part
        picks.append(taken)
    return picks


def stock_book(moves: Iterable[Move], why: Why) -> list[StockMovement]:
    """Write these movements and their levels, which the caller has locked and checked for enough.

    :raises ValidationFailed: when a level would hold more than can be booked.
    """
    touched: dict[int, StockLevel] = {}
    movements = []
    for move in moves:
        move.level.on_hand += move.quantity
        if move.level.on_hand > MAX_QUANTITY:
            raise ValidationFailed(fields={"quantity": f"more than {MAX_QUANTITY} can't be booked at one location"})
        touched[move.level.pk] = move.level
        movements.append(
            StockMovement(
                product_id=move.level.product_id,
                location_id=move.level.location_id,
                kind=why.kind,
                quantity=move.quantity,
                balance=move.level.on_hand,
                unit_price=move.unit_price,
                unit_cost=move.unit_cost,
                reason=why.reason,
                reference=why.reference,
                user_id=why.user_id,
                task_id=why.task_id,
                occurred_at=why.occurred_at or timezone.now(),
            )
        )
    if len(movements) == 1:
        movement_insert(movements[0], *touched.values())
        return movements
    StockLevel.objects.bulk_update(touched.values(), ["on_hand"])
    return list(StockMovement.objects.bulk_create(movements))


def levels_locked(
    products: Iterable[Product], create: Iterable[tuple[int, int]] = ()
) -> dict[int, tuple[StockLevel, ...]]:
    """Every level of these products, locked in primary-key order, by the product's primary key.

    :param create: (product, location) primary keys that must have a level; made empty where missing.
    """
    found: dict[int, list[StockLevel]] = {product.pk: [] for product in products}
    if pairs := sorted(set(create)):
        have = set(StockLevel.objects.filter(product__in=found).values_list("product_id", "location_id"))
        missing = [StockLevel(product_id=p, location_id=at) for p, at in pairs if (p, at) not in have]
        StockLevel.objects.bulk_create(missing, ignore_conflicts=True)
    for level in _LOCKED.all(product=next(iter(found))) if len(found) == 1 else _locked(product__in=found):
        found[level.product_id].append(level)
    return {pk: tuple(levels) for pk, levels in found.items()}


def _locked(**which: Any) -> QuerySet[StockLevel]:
    rows = StockLevel.objects.select_for_update(of=("self",)).filter(**which).order_by("pk")
    return rows.select_related("location")


_LOCKED = Compiled(lambda product: _locked(product=product), product=int)
_LOCKED_BY_SKU = Compiled(lambda sku: levels_by_sku(sku).select_for_update(of=("self",)), sku=str)


def stock_lock(*, sku: str) -> tuple[Product, Stock]:
    """The product with this SKU, in any case, and its stock, locked; one query where it lies somewhere.

    :raises NotFound: with the nearest existing SKUs.
    """
    levels = _LOCKED_BY_SKU.all(sku=sku.strip())
    return (levels[0].product, Stock(tuple(levels))) if levels else (product_get(sku=sku), Stock(()))


def location_default() -> Location:
    """Where goods go that lie nowhere yet: the shop's first location, made when it has none."""
    found = Location.objects.order_by("pk").first()
    if found is None:
        warehouse, _ = Warehouse.objects.get_or_create(code="MAIN", defaults={"name": "Main warehouse"})
        found, _ = Location.objects.get_or_create(code="A-01-01", defaults={"warehouse": warehouse})
    return found


def quantity_check(product: Product, quantity: Decimal, field: str) -> None:
    """:raises ValidationFailed: for parts of a piece, or of a thousandth of another unit."""
    if product.counted_in_pieces and quantity % 1:
        raise ValidationFailed(f"{product.sku} is counted in pieces.", fields={field: "must be a whole number"})
    if quantity % GRAIN:
        raise ValidationFailed(f"{product.sku} is measured in thousandths.", fields={field: "has too many decimals"})


def _level_locked(product: Product, location: Location | None, locked: Stock | None) -> tuple[StockLevel, Stock]:
    stock = locked or Stock(levels_locked([product])[product.pk])
    level = next((v for v in stock.levels if v.location_id == location.pk), None) if location else stock.main
    if level is None:
        location = location or location_default()
        stock = Stock(levels_locked([product], create=[(product.pk, location.pk)])[product.pk])
        level = next(v for v in stock.levels if v.location_id == location.pk)
    return level, stock


def _change(product: Product, stock: Stock, move: Move, why: Why) -> StockChange:
    level, previous = move.level, stock.on_hand
    left = level.on_hand + move.quantity
    if left < level.reserved:
        raise InsufficientStock(
            f"Only {_shown(level.on_hand - level.reserved)} of {product.sku} can be taken from {level.location.code}.",
            sku=product.sku,
            location=level.location.code,
            requested=json_number(-move.quantity),
            available=json_number(level.on_hand - level.reserved),
            reserved=json_number(level.reserved),
        )
    movements = stock_book([move], why) if move.quantity else []
    return StockChange(movements[0] if movements else None, level.location, previous, stock)


def _check_expected(actual: Decimal, expected: Decimal | None) -> None:
    if expected is not None and expected != actual:
        raise Conflict(
            f"{_shown(actual)} are on hand, not {_shown(expected)}: look again before you change it.",
            expected_quantity=json_number(expected),
            quantity=json_number(actual),
        )


def _check_free(wanted: dict[Product, Decimal], free: dict[Product, Decimal]) -> None:
    shortages = [
        {"sku": product.sku, "requested": json_number(quantity), "available": json_number(free[product])}
        for product, quantity in wanted.items()
        if quantity > free[product]
    ]
    if shortages:
        first = shortages[0]
        raise InsufficientStock(
            f"Only {first['available']} of {first['sku']} are available, {first['requested']} are asked for.",
            **first,
            shortages=shortages,
        )


def _shown(quantity: Decimal) -> str:
    return str(json_number(quantity))
