"""Goods that go from one place to another. Until they arrive they lie in transit, and are on no shelf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from inventory.models import Location, Lot, Product, StockLevel, Tracking, Transfer, TransferLine, Warehouse
from inventory.selectors.kits import kits_of
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, InsufficientStock, ValidationFailed
from shop_assistant.agents.fields import json_number

from .levels import Place, by_place, kit_refused, levels_locked
from .references import next_reference
from .stock import Kind, Move, Why, quantity_check, stock_book

ZERO = Decimal(0)
TRANSIT = Location.Kind.TRANSIT


@dataclass(frozen=True, slots=True)
class Item:
    product: Product
    quantity: Decimal
    lot: Lot | None = None
    """None: the only one there, where units are told apart."""
    expected: Decimal | None = None
    """what the caller believes to be on hand where it is taken from"""

    def at(self, location: Location) -> Place:
        return self.product.pk, location.pk, self.lot.pk if self.lot else None


def location_transit() -> Location:
    """Where goods lie between two places, made when the shop has none. There is one; no shelf is in it."""
    found = Location.objects.filter(kind=TRANSIT).order_by("pk").first()
    if found is None:
        warehouse, _ = Warehouse.objects.get_or_create(code="TRANSIT", defaults={"name": "In transit"})
        found, _ = Location.objects.get_or_create(code="IN-TRANSIT", defaults={"warehouse": warehouse, "kind": TRANSIT})
        if found.kind != TRANSIT:
            raise Conflict(f"{found.code} is a shelf: give it another code, it is where goods in transit lie.")
    return found


def transfer_send(
    *,
    source: Location,
    destination: Location,
    items: Sequence[Item],
    user_id: str,
    task_id: UUID | None = None,
    note: str = "",
    receive: bool | None = None,
) -> Transfer:
    """Take goods from one place and send them to another.

    :param receive: True: they are there at once; False: they are in transit until `transfer_receive`; None: at once
        within a warehouse, in transit between two.
    :raises ValidationFailed: for a place that goods can't go from or to, a kit, or parts of a piece.
    :raises InsufficientStock: naming whatever falls short there; what is reserved stays.
    :raises Conflict: when something else than was expected is on hand there.
    :raises ClarificationNeeded: when a lot or serial number must be named.
    """
    _check_places(source, destination)
    through = source.warehouse_id == destination.warehouse_id if receive is None else receive
    target = destination if through else location_transit()
    for item in items:
        quantity_check(item.product, item.quantity, "quantity")
    found = levels_locked(item.product for item in items)
    wanted = _by_lot(items, source, found)
    there = by_place(found)
    _check_expected(wanted, source, there)
    _check_there(wanted, source, there)
    levels = _levels(there, wanted, target)
    now = timezone.now()
    transfer = Transfer.objects.create(
        reference=next_reference(prefix="TR"),
        source=source,
        destination=destination,
        note=note,
        sent_at=now,
        closed_at=now if through else None,
        user_id=user_id,
        task_id=task_id,
    )
    TransferLine.objects.bulk_create(
        TransferLine(
            transfer=transfer,
            product=item.product,
            lot=item.lot,
            sent=item.quantity,
            arrived=item.quantity if through else ZERO,
        )
        for item in wanted
    )
    why = Why(
        kind=Kind.TRANSFER,
        user_id=user_id,
        task_id=task_id,
        reason=note,
        reference=transfer.reference,
        occurred_at=now,
    )
    stock_book(moves_between(wanted, levels, source, target), why)
    return transfer


def _check_places(source: Location, destination: Location) -> None:
    if source.pk == destination.pk:
        raise ValidationFailed(fields={"to": "is where the goods lie already"})
    for field, place in (("from", source), ("to", destination)):
        if place.kind == TRANSIT:
            raise ValidationFailed(fields={field: f"{place.code} is where goods in transit lie: name a shelf"})


def _by_lot(items: Sequence[Item], source: Location, found: Mapping[int, tuple[StockLevel, ...]]) -> list[Item]:
    """One for each product and lot, in the order asked for."""
    wanted: dict[Place, Item] = {}
    for item in items:
        if item.product.tracking != Tracking.NONE and item.lot is None:
            here = [v for v in found[item.product.pk] if v.location_id == source.pk and v.on_hand]
            item = replace(item, lot=only_lot([level.lot for level in here], item.product))
        known = wanted.get(item.at(source))
        if known:
            expected = known.expected if item.expected is None else item.expected
            item = replace(item, quantity=item.quantity + known.quantity, expected=expected)
        wanted[item.at(source)] = item
    return list(wanted.values())


def only_lot(lots: Sequence[Lot | None], product: Product) -> Lot | None:
    """:raises ClarificationNeeded: where there are several, naming them."""
    several = list(dict.fromkeys(lots))
    if len(several) > 1:
        name = "serial number" if product.tracking == Tracking.SERIAL else "lot"
        raise ClarificationNeeded(
            f"{product.sku} is told apart by {name}: name the one that this is about.",
            sku=product.sku,
            field="lot",
            options=[lot.code for lot in several if lot][:50],
        )
    return several[0] if several else None


def _check_expected(items: Sequence[Item], source: Location, levels: Mapping[Place, StockLevel]) -> None:
    for item in items:
        level = levels.get(item.at(source))
        actual = level.on_hand if level else ZERO
        if item.expected is not None and item.expected != actual:
            of_lot = f" {item.lot.code}" if item.lot else ""
            raise Conflict(
                f"{json_number(actual)} of {item.product.sku}{of_lot} lie at {source.code}, not "
                f"{json_number(item.expected)}: look again.",
                sku=item.product.sku,
                location=source.code,
                expected_quantity=json_number(item.expected),
                on_hand=json_number(actual),
            )


def _check_there(items: Sequence[Item], source: Location, levels: Mapping[Place, StockLevel]) -> None:
    short = []
    for item in items:
        level = levels.get(item.at(source))
        free = level.on_hand - level.reserved if level else ZERO
        if item.quantity > free:
            short.append(
                {
                    "sku": item.product.sku,
                    "lot": item.lot.code if item.lot else None,
                    "requested": json_number(item.quantity),
                    "available": json_number(max(free, ZERO)),
                    "reserved": json_number(level.reserved if level else ZERO),
                }
            )
    if not short:
        return
    if kits := kits_of(item.product for item in items):
        raise kit_refused(next(item.product for item in items if item.product.pk in kits))
    first = short[0]
    more = f", {first['reserved']} more are reserved" if first["reserved"] else ""
    of_lot = f" {first['lot']}" if first["lot"] else ""
    raise InsufficientStock(
        f"Only {first['available']} of {first['sku']}{of_lot} can be taken from {source.code}{more}.",
        **first,
        location=source.code,
        shortages=short,
    )


def _levels(levels: dict[Place, StockLevel], items: Sequence[Item], target: Location) -> dict[Place, StockLevel]:
    """Every level of these products by its place, those at the target made where missing."""
    places = [item.at(target) for item in items]
    if all(place in levels for place in places):
        return levels
    return by_place(levels_locked((item.product for item in items), create=places))


def moves_between(
    items: Sequence[Item], levels: Mapping[Place, StockLevel], source: Location, target: Location
) -> list[Move]:
    """What goes out comes first: a serial number leaves its old place before it is in the new one."""
    out = [Move(levels[item.at(source)], -item.quantity) for item in items]
    return out + [Move(levels[item.at(target)], item.quantity) for item in items]
