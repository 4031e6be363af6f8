"""Where goods of an order go when they come back: to the shelf they came from, in the lots they came in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from inventory.models import (
    Location,
    Lot,
    Order,
    OrderLine,
    OrderLineComponent,
    Product,
    StockLevel,
    StockMovement,
    Tracking,
    Warehouse,
)
from inventory.refunds import part
from shop_assistant.agents.errors import ClarificationNeeded, Conflict

from .levels import by_place, levels_locked, serial_refused
from .stock import GRAIN, ZERO, Move

Named = Mapping[int, Mapping[Lot, Decimal]]
"""How much came back of lots that somebody named, by the product's primary key."""


@dataclass(frozen=True, slots=True)
class Coming:
    """So much of one product that comes back, as it was sold."""

    product: Product
    location: Location
    quantity: Decimal
    unit_price: Decimal | None
    unit_cost: Decimal | None
    in_kit: bool = False


@dataclass(slots=True)
class _Out:
    """What an order took of a lot at a place, and has not come back."""

    product: int
    lot: int | None
    location: Location
    quantity: Decimal


def coming_of(
    line: OrderLine, components: Sequence[OrderLineComponent], before: Decimal, now: Decimal
) -> Iterable[Coming]:
    """What `now` more of a line brings back, when `before` came earlier: itself, or its share of what the kit was made
    of. Shares are differences of rounded sums, so that all of them together are what was sold.

    :raises Conflict: when it was no kit when it was sold, and is one now.
    """
    if not components and getattr(line, "of_kit", False):
        raise Conflict(
            f"{line.product.sku} was no kit when it was sold, and has no stock of its own now: take it back as written "
            "off (disposition: write_off), and book in what it is made of.",
            sku=line.product.sku,
        )
    if not components:
        yield Coming(line.product, line.location, now, line.unit_price, line.unit_cost)
    for of in components:
        unit = Decimal(1) if of.product.counted_in_pieces else GRAIN
        if share := part(of.quantity, sold=line.quantity, before=before, now=now, unit=unit):
            yield Coming(of.product, of.location, share, None, of.unit_cost, in_kit=True)


def restock_moves(order: Order, coming: Sequence[Coming], *, quarantine: bool, named: Named) -> list[Move]:
    """The movements that put these goods back where they came from, or into that warehouse's quarantine; their levels
    are locked. Those of lots that nobody named go to the lots that the order took, in that order.

    :raises ClarificationNeeded: when it must be said which serial number came back.
    :raises Conflict: for a lot that is not out with this order, or a serial number that lies somewhere already.
    """
    parts = list(_by_lot(order, coming, named))
    houses = Warehouse.objects.in_bulk({at.warehouse_id for _, at, _, _ in parts}) if quarantine else {}
    kept = {key: quarantine_of(house) for key, house in houses.items()}
    places = [(of.product.pk, (kept[at.warehouse_id] if kept else at).pk, lot) for of, at, lot, _ in parts]
    levels = levels_locked((of.product for of in coming), create=places)
    placed = by_place(levels)
    moves = []
    for place, (of, _, _, quantity) in zip(places, parts, strict=True):
        _check_serial(of.product, placed[place], levels[of.product.pk])
        moves.append(Move(placed[place], quantity, of.unit_price, of.unit_cost))
    return moves


def lots_check(order: Order, named: Named) -> None:
    """:raises Conflict: for a lot that is not out with this order."""
    out = _still_out(order, set(named)) if named else []
    for lots in named.values():
        for lot, quantity in lots.items():
            _check_out(lot.product, lot, quantity, out)


def quarantine_of(warehouse: Warehouse) -> Location:
    """The warehouse's place for goods that are not for sale, made where it has none.

    :raises Conflict: when another kind of place has the code it would get.
    """
    kind = Location.Kind.QUARANTINE
    found = Location.objects.filter(warehouse=warehouse, kind=kind).order_by("pk").first()
    if found is None:
        code = f"Q-{warehouse.code}"[:32]
        found, _ = Location.objects.get_or_create(code=code, defaults={"warehouse": warehouse, "kind": kind})
        if found.kind != kind or found.warehouse_id != warehouse.pk:
            raise Conflict(f"{code} is no quarantine of {warehouse.name}: make one.", location=code)
    return found


def _by_lot(
    order: Order, coming: Sequence[Coming], named: Named
) -> Iterable[tuple[Coming, Location, int | None, Decimal]]:
    """Each with the places and lots it came from, and how much of it goes there."""
    tracked = {of.product.pk for of in coming if of.product.tracking != Tracking.NONE}
    out = _still_out(order, tracked) if tracked else []
    asked = {key: dict(lots) for key, lots in named.items()}
    rest = []
    for of in sorted(coming, key=lambda of: of.in_kit):  # what is named was sold by itself
        own = [row for row in out if row.product == of.product.pk]
        missing = of.quantity
        for lot, most in asked.get(of.product.pk, {}).items():
            share = min(missing, most)
            asked[of.product.pk][lot] -= share
            missing -= share
            _check_out(of.product, lot, share, own)
            yield from ((of, *to) for to in _portions(share, [row for row in own if row.lot == lot.pk]))
        rest.append((of, missing))
    _check_told(rest, out)
    for of, missing in rest:
        for to in _portions(missing, [row for row in out if row.product == of.product.pk]):
            missing -= to[2]
            yield of, *to
        if missing:
            yield of, of.location, None, missing


def _portions(quantity: Decimal, out: Sequence[_Out]) -> Iterable[tuple[Location, int | None, Decimal]]:
    for row in out:
        if (share := min(quantity, row.quantity)) > 0:
            row.quantity -= share
            quantity -= share
            yield row.location, row.lot, share


def _still_out(order: Order, products: set[int]) -> list[_Out]:
    """In the order in which it was taken."""
    rows = StockMovement.objects.filter(product__in=products, lot__isnull=False).order_by("pk")
    rows = rows.select_related("location")
    sold = rows.filter(kind=StockMovement.Kind.SALE, reference=order.reference)
    out = [_Out(row.product_id, row.lot_id, row.location, -row.quantity) for row in sold]
    returns = list(order.returns.values_list("reference", flat=True))
    for back in rows.filter(kind=StockMovement.Kind.RETURN, reference__in=returns) if returns else ():
        for _ in _portions(back.quantity, [row for row in out if row.lot == back.lot_id]):
            pass
    return out


def _check_out(product: Product, lot: Lot, quantity: Decimal, out: Sequence[_Out]) -> None:
    if sum((row.quantity for row in out if row.lot == lot.pk), ZERO) < quantity:
        raise Conflict(
            f"So much of {product.sku} {lot.code} is not out with this order.", sku=product.sku, lot=lot.code
        )


def _check_told(rest: Sequence[tuple[Coming, Decimal]], out: Sequence[_Out]) -> None:
    """Of serial numbers only some of which come back it must be said which; not of those within kits."""
    for of, quantity in rest:
        left = [row.lot for row in out if row.product == of.product.pk and row.quantity]
        whole = sum((each for other, each in rest if other.product == of.product), ZERO)
        if not quantity or of.product.tracking != Tracking.SERIAL or of.in_kit or len(left) <= whole:
            continue
        codes = Lot.objects.filter(pk__in=left).order_by("code").values_list("code", flat=True)
        raise ClarificationNeeded(
            f"Which of {of.product.sku} came back? Name its serial number.",
            sku=of.product.sku,
            field="lot",
            options=list(codes),
        )


def _check_serial(product: Product, level: StockLevel, others: Iterable[StockLevel]) -> None:
    if level.serial and (here := next((v for v in others if v.lot_id == level.lot_id and v.on_hand), None)):
        raise serial_refused(product, here)
