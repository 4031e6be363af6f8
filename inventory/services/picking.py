"""Choosing what a sale, or a promise, takes from where: of lots the one that expires first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from inventory.models import KitComponent, Location, Lot, Product, Reservation, ReservationLine, StockLevel, Tracking
from inventory.selectors import is_sellable, kits_of, lot_is_sellable
from shop_assistant.agents.errors import Conflict, InsufficientStock, ValidationFailed
from shop_assistant.agents.fields import json_number

from .levels import Place, levels_locked, reserved_end
from .stock import ZERO, location_default, quantity_check


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked for."""

    product: Product
    quantity: Decimal
    lot: Lot | None = None
    """this one and no other"""


@dataclass(slots=True)
class Need:
    """So much of one product: the item itself, or something that a kit is made of."""

    product: Product
    quantity: Decimal
    lot: Lot | None = None
    kit: Product | None = None
    taken: dict[StockLevel, Decimal] = field(default_factory=dict)
    """where from; nothing is booked yet"""
    oversold: Decimal = ZERO
    """of that, more than there is"""

    @property
    def source(self) -> StockLevel:
        """Where it, or most of it, is taken from."""
        return max(self.taken, key=lambda level: self.taken[level])

    def take(self, level: StockLevel, quantity: Decimal) -> None:
        self.taken[level] = self.taken.get(level, ZERO) + quantity


@dataclass(frozen=True, slots=True)
class Pick:
    """One item with what it needs."""

    item: Item
    needs: tuple[Need, ...]

    @property
    def is_kit(self) -> bool:
        return self.needs[0].kit is not None

    @property
    def source(self) -> StockLevel:
        return max(self.needs, key=lambda need: need.quantity).source

    @property
    def oversold(self) -> bool:
        return any(need.oversold for need in self.needs)


def inactive_refuse(products: Iterable[Product]) -> None:
    """:raises Conflict: for products that are not sold any more, naming them."""
    if gone := sorted({product.sku for product in products if not product.active}):
        raise Conflict(f"Not sold any more: {', '.join(gone)}.", skus=gone)


def stock_pick(
    *,
    items: Sequence[Item],
    location: Location | None = None,
    reservation: Reservation | None = None,
    below_zero: bool = False,
    expected: Mapping[Product, Decimal] | None = None,
) -> list[Pick]:
    """Lock the stock of these products, kits taken apart, and choose for each item where to take it: what the
    reservation holds, then of lots the one that expires first, else in primary-key order. Nothing is booked yet, but
    what the reservation held is free.

    :param location: take everything from there.
    :param below_zero: what is missing is taken from where the product mainly lies; not of lots, serial numbers, or
        products of which something is reserved.
    :param expected: what the caller believes to be available of products asked for.
    :raises Conflict: for a lot that has expired or is blocked, a reservation that has ended, or when `expected` is not
        what is available.
    :raises InsufficientStock: naming every SKU that falls short, with what is available; an SKU's items are summed.
    :raises ValidationFailed: for parts of a piece, or a lot of another product.
    """
    picks = _taken_apart(items)
    needs = [need for pick in picks for need in pick.needs]
    products = [*(need.product for need in needs), *_products_of(reservation)]
    levels = levels_locked(products)
    if below_zero and (bare := list(_nowhere(needs, levels, location))):
        levels = levels_locked(products, create=bare)
    every = [level for found in levels.values() for level in found]
    shelf = _Shelf(levels, location, reserved_end(reservation, every) if reservation else {})
    _check_expected(picks, shelf, expected or {})
    shelf.check(needs, below_zero=below_zero)
    for need in sorted(needs, key=lambda need: need.lot is None):  # a lot goes first to whom asks for it
        shelf.fill(need)
    return picks


def _taken_apart(items: Sequence[Item]) -> list[Pick]:
    kits = kits_of(item.product for item in items)
    return [Pick(item, tuple(_needs(item, kits.get(item.product.pk)))) for item in items]


def _needs(item: Item, parts: list[KitComponent] | None) -> Iterable[Need]:
    quantity_check(item.product, item.quantity, "quantity")
    if item.lot:
        _check_lot(item.product, item.lot, is_kit=parts is not None)
    if parts is None:
        yield Need(item.product, item.quantity, item.lot)
        return
    for part in parts:
        quantity = part.quantity * item.quantity
        quantity_check(part.component, quantity, "quantity")
        yield Need(part.component, quantity, kit=item.product)


def _check_lot(product: Product, lot: Lot, *, is_kit: bool) -> None:
    if is_kit or lot.product_id != product.pk:
        raise ValidationFailed(fields={"lot": f"is not one of {product.sku}"})
    if not lot_is_sellable(lot):
        why = "is blocked" if lot.blocked else f"expired after {lot.expires_on}"
        raise Conflict(f"{product.sku} {lot.code} {why}: take another.", sku=product.sku, lot=lot.code)


def _nowhere(
    needs: Sequence[Need], levels: Mapping[int, tuple[StockLevel, ...]], location: Location | None
) -> Iterable[Place]:
    """Where products that lie nowhere go below nothing: all of them at once, as everybody makes levels in one order."""
    for product in {need.product for need in needs if need.product.tracking == Tracking.NONE}:
        stored = [level for level in levels[product.pk] if is_sellable(level) and level.lot_id is None]
        if not any(location is None or level.location_id == location.pk for level in stored):
            at = location or location_default()
            if at.kind == Location.Kind.STORAGE:
                yield product.pk, at.pk, None


def _products_of(reservation: Reservation | None) -> Iterable[Product]:
    if reservation is None:
        return ()
    lines = ReservationLine.objects.filter(reservation=reservation).order_by()
    return [Product(pk=key) for key in lines.values_list("level__product_id", flat=True).distinct()]


class _Shelf:
    """What is free of locked levels, while it is handed out."""

    def __init__(
        self, levels: dict[int, tuple[StockLevel, ...]], location: Location | None, held: dict[int, Decimal]
    ) -> None:
        self._location, self._held = location, held
        self._levels = {key: sorted(filter(self._is_here, found), key=_turn) for key, found in levels.items()}
        self._promised = {key for key, found in levels.items() if any(level.reserved for level in found)}
        self._free = {v.pk: v.on_hand - v.reserved for found in self._levels.values() for v in found}

    def _is_here(self, level: StockLevel) -> bool:
        return is_sellable(level) and (self._location is None or level.location_id == self._location.pk)

    def _of(self, product: Product, lot: Lot | None) -> list[StockLevel]:
        return [level for level in self._levels[product.pk] if lot is None or level.lot_id == lot.pk]

    def available(self, product: Product, lot: Lot | None = None) -> Decimal:
        return max(ZERO, sum((self._free[level.pk] for level in self._of(product, lot)), ZERO))

    def check(self, needs: Sequence[Need], *, below_zero: bool) -> None:
        """Whether there is enough; what may be taken below nothing is taken here."""
        wanted: dict[Product, list[Need]] = {}
        for need in needs:
            wanted.setdefault(need.product, []).append(need)
        short: list[dict[str, Any]] = []
        for product, own in wanted.items():
            missing = _sum(own) - self.available(product)
            if missing > 0 and below_zero and self._may_oversell(product):
                self._oversell(own, missing)
            elif missing > 0:
                short.append(_shortage(own, self.available(product)))
            else:
                short += self._lots_short(own)
        if short:
            _refuse(short)

    def _lots_short(self, needs: list[Need]) -> Iterable[dict[str, Any]]:
        for lot in dict.fromkeys(need.lot for need in needs if need.lot):
            own = [need for need in needs if need.lot == lot]
            if _sum(own) > (available := self.available(own[0].product, lot)):
                yield _shortage(own, available) | {"lot": lot.code}

    def _may_oversell(self, product: Product) -> bool:
        return (
            product.tracking == Tracking.NONE
            and product.pk not in self._promised
            and any(level.lot_id is None for level in self._levels[product.pk])
        )

    def _oversell(self, needs: list[Need], missing: Decimal) -> None:
        """The last that ask get what there is not."""
        product = needs[0].product
        here = [level for level in self._levels[product.pk] if level.lot_id is None]
        level = next((level for level in here if level.on_hand), here[0])
        for need in reversed(needs):
            need.oversold = min(missing, need.quantity)
            missing -= need.oversold
            if need.oversold:
                need.take(level, need.oversold)

    def fill(self, need: Need) -> None:
        """First with what was held for it, then in turn."""
        own, missing = self._of(need.product, need.lot), need.quantity - need.oversold
        for level, most in [(v, self._held.get(v.pk, ZERO)) for v in own] + [(v, need.quantity) for v in own]:
            if (part := min(missing, most, self._free[level.pk])) > 0:
                need.take(level, part)
                self._free[level.pk] -= part
                self._held[level.pk] = max(ZERO, self._held.get(level.pk, ZERO) - part)
                missing -= part


def _check_expected(picks: Sequence[Pick], shelf: _Shelf, expected: Mapping[Product, Decimal]) -> None:
    for pick in picks:
        product = pick.item.product
        if product not in expected:
            continue
        actual = min(
            shelf.available(need.product) // (need.quantity / pick.item.quantity)
            if need.kit
            else shelf.available(need.product)
            for need in pick.needs
        )
        if expected[product] != actual:
            raise Conflict(
                f"{json_number(actual)} of {product.sku} are available, not {json_number(expected[product])}: "
                "look again.",
                sku=product.sku,
                expected_available=json_number(expected[product]),
                available=json_number(actual),
            )


def _turn(level: StockLevel) -> tuple[date, int]:
    """First expired, first out."""
    return (level.lot.expires_on if level.lot else None) or date.max, level.pk


def _sum(needs: Iterable[Need]) -> Decimal:
    return sum((need.quantity for need in needs), ZERO)


def _shortage(needs: Sequence[Need], available: Decimal) -> dict[str, Any]:
    kits = sorted({need.kit.sku for need in needs if need.kit})
    told = {
        "sku": needs[0].product.sku,
        "requested": json_number(_sum(needs)),
        "available": json_number(available),
    }
    return told | ({"kits": kits} if kits else {})


def _refuse(short: list[dict[str, Any]]) -> None:
    first = short[0]
    which = f" {first['lot']}" if "lot" in first else f" for {', '.join(first['kits'])}" if "kits" in first else ""
    raise InsufficientStock(
        f"Only {first['available']} of {first['sku']}{which} are available, {first['requested']} are asked for.",
        **first,
        shortages=short,
    )
