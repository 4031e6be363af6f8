"""Changes of stock. A level changes only here, and only together with the movement that says why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from inventory.fixed_sql import movement_insert
from inventory.models import Location, Lot, Product, StockLevel, StockMovement, Tracking, Warehouse
from inventory.models.columns import MAX_QUANTITY
from inventory.selectors import Stock
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, InsufficientStock, ValidationFailed
from shop_assistant.agents.fields import json_number

from .levels import kit_refused, levels_locked, place_of, serial_refused, stock_lock
from .lot_naming import lot_for, lot_get, lots_get
from .quantities import GRAIN, ZERO, quantity_check

Kind = StockMovement.Kind

__all__ = [
    "GRAIN",
    "ZERO",
    "Kind",
    "Move",
    "StockChange",
    "Why",
    "levels_locked",
    "location_default",
    "lot_for",
    "lot_get",
    "lots_get",
    "quantity_check",
    "stock_adjust",
    "stock_book",
    "stock_lock",
    "stock_set",
]


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
    """whose product, location and lot are the movement's"""
    quantity: Decimal
    """signed"""
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StockChange:
    movement: StockMovement | None
    """None: a count found what was booked."""
    location: Location
    lot: Lot | None
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
    lot: Lot | None = None,
    kind: Kind = Kind.ADJUSTMENT,
    reason: str = "",
    reference: str = "",
    expected_quantity: Decimal | None = None,
    unit_price: Decimal | None = None,
    unit_cost: Decimal | None = None,
    occurred_at: datetime | None = None,
    locked: Stock | None = None,
) -> StockChange:
    """Change stock by `delta` at the location, or where the product (or its lot) mainly lies.

    :param expected_quantity: what the caller believes to be on hand: at `location` and of `lot`, where named.
    :param locked: the product's stock, where `stock_lock` has locked it already.
    :raises ClarificationNeeded: when a lot or serial number must be named.
    :raises InsufficientStock: when less than nothing, or than what is reserved, would be left there.
    :raises Conflict: when `expected_quantity` is not what is on hand, or a serial number comes in twice.
    :raises ValidationFailed: for parts of a piece, a kit, a place in transit, or more than can be booked.
    """
    quantity_check(product, delta, "delta")
    stock = locked or Stock(levels_locked([product])[product.pk])
    lot = lot or _only_lot(product, stock, location, coming=delta > 0)
    level, stock = _level_locked(product, stock, location, lot)
    _check_expected(stock, location, lot, expected_quantity)
    why = Why(kind=kind, user_id=user_id, task_id=task_id, reason=reason, reference=reference, occurred_at=occurred_at)
    return _change(product, stock, Move(level, delta, unit_price, unit_cost), why)


def stock_set(
    *,
    product: Product,
    quantity: Decimal,
    user_id: str,
    task_id: UUID | None = None,
    location: Location | None = None,
    lot: Lot | None = None,
    reason: str = "",
    reference: str = "",
    expected_quantity: Decimal | None = None,
    occurred_at: datetime | None = None,
    locked: Stock | None = None,
) -> StockChange:
    """Set what is on hand at a location (of a lot) after a count. Without a difference there is no movement.

    :raises ClarificationNeeded: when no location is named and the product lies in several, or a lot must be named.
    :raises InsufficientStock: when less is there than is reserved.
    :raises Conflict: when `expected_quantity` is not what is on hand (see `stock_adjust`).
    :raises ValidationFailed: for parts of a piece, a kit, a place in transit, or more than can be booked.
    """
    quantity_check(product, quantity, "quantity")
    stock = locked or Stock(levels_locked([product])[product.pk])
    lot = lot or _only_lot(product, stock, location, coming=False)
    places = list(dict.fromkeys(v.location for v in _on_shelves(stock) if lot in (None, v.lot)))
    if location is None and len(places) > 1:
        raise ClarificationNeeded(
            f"{product.sku} lies in {len(places)} locations: name the one that was counted.",
            sku=product.sku,
            field="location",
            options=[place.code for place in places],
        )
    level, stock = _level_locked(product, stock, location or next(iter(places), None), lot)
    _check_expected(stock, location, lot, expected_quantity)
    why = Why(
        kind=Kind.COUNT, user_id=user_id, task_id=task_id, reason=reason, reference=reference, occurred_at=occurred_at
    )
    return _change(product, stock, Move(level, quantity - level.on_hand), why)


def stock_book(moves: Iterable[Move], why: Why) -> list[StockMovement]:
    """Write these movements and their levels, which the caller has locked and checked for enough. A level left below
    nothing is marked as oversold; one that is no longer, not.

    :raises ValidationFailed: when a level would hold more than can be booked, or something comes in of a kit.
    """
    touched: dict[int, StockLevel] = {}
    movements = []
    for move in moves:
        level = move.level
        if move.quantity > 0 and getattr(level, "of_kit", False):
            raise kit_refused(level.product)
        level.on_hand += move.quantity
        level.oversold = level.on_hand < 0
        if abs(level.on_hand) > (1 if level.serial else MAX_QUANTITY):
            most = "one of a serial number" if level.serial else str(MAX_QUANTITY)
            raise ValidationFailed(fields={"quantity": f"more than {most} can't be booked at one location"})
        touched[level.pk] = level
        movements.append(
            StockMovement(
                product_id=level.product_id,
                location_id=level.location_id,
                lot_id=level.lot_id,
                kind=why.kind,
                quantity=move.quantity,
                balance=level.on_hand,
                oversold=level.oversold,
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
    _levels_store(touched.values())
    return list(StockMovement.objects.bulk_create(movements))


def _levels_store(levels: Iterable[StockLevel]) -> None:
    """A serial number leaves its old place before it is in the new one."""
    leaving = [level for level in levels if level.serial and not level.on_hand]
    others = [level for level in levels if not level.serial or level.on_hand]
    for rows in filter(None, (leaving, others)):
        StockLevel.objects.bulk_update(rows, ["on_hand", "oversold"])


def location_default() -> Location:
    """Where goods go that lie nowhere yet: the shop's first storage location, made when it has none."""
    found = Location.objects.filter(kind=Location.Kind.STORAGE).order_by("pk").first()
    if found is None:
        warehouse, _ = Warehouse.objects.get_or_create(code="MAIN", defaults={"name": "Main warehouse"})
        found, _ = Location.objects.get_or_create(code="A-01-01", defaults={"warehouse": warehouse})
    return found


def _only_lot(product: Product, stock: Stock, location: Location | None, *, coming: bool) -> Lot | None:
    """The lot meant where none is named: the only one that lies there."""
    if product.tracking == Tracking.NONE:
        return None
    there = [v for v in _on_shelves(stock) if location is None or v.location_id == location.pk]
    lots = list(dict.fromkeys(level.lot for level in there))
    if len(lots) == 1 and not coming:
        return lots[0]
    name = "serial number" if product.tracking == Tracking.SERIAL else "lot"
    raise ClarificationNeeded(
        f"{product.sku} is told apart by {name}: name the one that this is about.",
        sku=product.sku,
        field="lot",
        options=[lot.code for lot in lots if lot],
    )


def _on_shelves(stock: Stock) -> list[StockLevel]:
    """Where something lies; what is in transit lies nowhere."""
    return [v for v in stock.levels if v.on_hand and v.location.kind != Location.Kind.TRANSIT]


def _level_locked(
    product: Product, stock: Stock, location: Location | None, lot: Lot | None
) -> tuple[StockLevel, Stock]:
    if lot is not None and lot.product_id != product.pk:
        raise ValidationFailed(fields={"lot": f"is not one of {product.sku}"})
    if location is not None and location.kind == Location.Kind.TRANSIT:
        raise ValidationFailed(fields={"location": "is where goods in transit lie: they are received, or written off"})
    of_lot = Stock(tuple(level for level in stock.levels if level.lot_id == (lot.pk if lot else None)))
    main = of_lot.main if any(level.on_hand for level in of_lot.levels) else stock.main
    at = location.pk if location else main.location_id if main else location_default().pk
    level = next((level for level in of_lot.levels if level.location_id == at), None)
    if level is None:
        place = (product.pk, at, lot.pk if lot else None)
        stock = Stock(levels_locked([product], create=[place])[product.pk])
        level = next(level for level in stock.levels if place_of(level) == place)
    return level, stock


def _change(product: Product, stock: Stock, move: Move, why: Why) -> StockChange:
    level, previous = move.level, stock.on_hand
    if move.quantity > 0:
        _check_coming(product, stock, level)
    elif move.quantity < 0 and level.on_hand + move.quantity < level.reserved:
        free = max(ZERO, level.on_hand - level.reserved)
        raise InsufficientStock(
            f"Only {_shown(free)} of {product.sku} can be taken from {level.location.code}.",
            sku=product.sku,
            location=level.location.code,
            requested=json_number(-move.quantity),
            available=json_number(free),
            reserved=json_number(level.reserved),
        )
    movements = stock_book([move], why) if move.quantity else []
    return StockChange(movements[0] if movements else None, level.location, level.lot, previous, stock)


def _check_coming(product: Product, stock: Stock, level: StockLevel) -> None:
    if level.serial and (here := next((v for v in stock.levels if v.lot_id == level.lot_id and v.on_hand), None)):
        raise serial_refused(product, here)


def _check_expected(stock: Stock, location: Location | None, lot: Lot | None, expected: Decimal | None) -> None:
    if expected is None:
        return
    actual = stock.on_hand
    if location or lot:
        meant = (v for v in _on_shelves(stock) if lot in (None, v.lot) and location in (None, v.location))
        actual = sum((level.on_hand for level in meant), ZERO)
    if expected != actual:
        raise Conflict(
            f"{_shown(actual)} are on hand, not {_shown(expected)}: look again before you change it.",
            expected_quantity=json_number(expected),
            quantity=json_number(actual),
        )


def _shown(quantity: Decimal) -> str:
    return str(json_number(quantity))
