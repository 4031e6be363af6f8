"""The ledger: what it says of any past moment, and what its sums are against the balances kept beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Round

from audit.completeness import entries_merged
from inventory.models import (
    KitComponent,
    Location,
    Lot,
    Product,
    ReservationLine,
    StockLevel,
    StockMovement,
    TransferLine,
)
from shop_assistant.agents.errors import ClarificationNeeded
from shop_assistant.tracking import history_of

ZERO = Decimal(0)
CHUNK = 5000
WHOLE = Round(Sum("quantity"), precision=3)  # SQLite adds decimals as floats
Key = tuple[int, int, int]
"""Primary keys of a product, a location and a lot; 0: of none."""


@dataclass(frozen=True, slots=True)
class PlaceThen:
    location: Location
    lot: Lot | None
    on_hand: Decimal
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class StockThen:
    places: list[PlaceThen]
    list_price: Decimal | None
    """None: no price of that time is on record."""
    parts: tuple[tuple[Decimal, "StockThen"], ...] = ()
    """Of what was a kit: how much of each component was in one."""

    @property
    def on_hand(self) -> Decimal:
        """On a shelf, quarantine included; of a kit, how many its components made."""
        if self.parts:
            return min(stock.on_hand // quantity for quantity, stock in self.parts)
        return self.lying(Location.Kind.STORAGE, Location.Kind.QUARANTINE)

    def lying(self, *kinds: str) -> Decimal:
        """In places of these kinds."""
        return sum((place.on_hand for place in self.places if place.location.kind in kinds), ZERO)

    @property
    def reserved(self) -> Decimal:
        return sum((place.reserved for place in self.places), ZERO)


@dataclass(frozen=True, slots=True)
class Booked:
    movement: StockMovement
    balance: Decimal
    """of all places asked about together, afterwards"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A balance that is not what the ledger, or the reservations, add up to."""

    product: Product
    location: Location
    lot: Lot | None
    on_hand: Decimal
    """as the balance says; 0 where there is none"""
    moved: Decimal
    """sum of the movements"""
    reserved: Decimal
    promised: Decimal
    """sum of the reservations' lines that count"""

    @property
    def quantity(self) -> Decimal:
        """What the balance has more than the ledger."""
        return self.on_hand - self.moved

    @property
    def key(self) -> Key:
        return self.product.pk, self.location.pk, self.lot.pk if self.lot else 0


def stock_then(*, product: Product, at: datetime) -> StockThen:
    """What lay where at a past moment, what of it was reserved, and the list price; at most six queries, of a kit as
    many again for each component.

    Stock is by when things happened, not by when they were booked: what was booked later for that time counts.
    """
    lying = _lying(product, at)
    promised = _promised(product, at)
    keys = sorted({*lying, *promised})
    locations = Location.objects.in_bulk([key[0] for key in keys])
    lots = Lot.objects.in_bulk([lot for _, lot in keys if lot])
    history = history_of(Product).objects.filter(id=product.pk, history_date__lte=at)
    price = history.order_by("-history_date", "-history_id").values_list("list_price", flat=True).first()
    return StockThen(
        [
            PlaceThen(locations[at_], lots.get(lot), lying.get((at_, lot), ZERO), promised.get((at_, lot), ZERO))
            for at_, lot in keys
        ],
        price,
        () if keys else tuple(_parts(product, at)),
    )


def _parts(kit: Product, at: datetime) -> Iterator[tuple[Decimal, StockThen]]:
    """A kit has no stock of its own: only of what had none it is asked whether it was one."""
    for part in KitComponent.history.as_of(at).filter(kit_id=kit.pk):
        yield part.quantity, stock_then(product=part.component, at=at)


def _lying(product: Product, at: datetime) -> dict[tuple[int, int], Decimal]:
    rows = StockMovement.objects.filter(product=product, occurred_at__lte=at).order_by()
    sums = rows.values("location_id", of=Coalesce("lot_id", Value(0))).annotate(whole=WHOLE)
    return {(row["location_id"], row["of"]): row["whole"] for row in sums if row["whole"]}


def _promised(product: Product, at: datetime) -> dict[tuple[int, int], Decimal]:
    """By location and lot, what was reserved: made by then, and neither ended nor run out."""
    lines = ReservationLine.objects.filter(
        Q(reservation__ended_at=None) | Q(reservation__ended_at__gt=at),
        Q(reservation__expires_at=None) | Q(reservation__expires_at__gt=at),
        level__product=product,
        reservation__created_at__lte=at,
    )
    rows = lines.order_by().values(at=F("level__location_id"), of=Coalesce("level__lot_id", Value(0)))
    return {(row["at"], row["of"]): row["whole"] for row in rows.annotate(whole=WHOLE)}


def movements_page(
    *,
    product: Product,
    location: Location | None = None,
    lot: Lot | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
    cursor: str | None = None,
) -> tuple[list[Booked], str | None]:
    """A product's movements, newest first, each with what was there afterwards; and where the next page begins. Three
    queries.
    """
    scope = StockMovement.objects.filter(product=product)
    if location is not None:
        scope = scope.filter(location=location)
    if lot is not None:
        scope = scope.filter(lot=lot)
    rows = scope.select_related("location", "lot")
    if kind:
        rows = rows.filter(kind=kind)
    if since:
        rows = rows.filter(occurred_at__gte=since)
    if until:
        rows = rows.filter(occurred_at__lt=until)
    if cursor:
        rows = rows.filter(_before(*_moment(cursor)))
    found = list(rows.order_by("-occurred_at", "-pk")[: limit + 1])
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    return _with_balance(scope, page), f"{last.occurred_at.isoformat()}|{last.pk}" if last else None


def _moment(cursor: str) -> tuple[datetime, int]:
    when, _, number = cursor.rpartition("|")
    try:
        return datetime.fromisoformat(when).astimezone(UTC), int(number)
    except (ValueError, OverflowError):
        raise ClarificationNeeded("cursor is no next_cursor of an answer.", field="cursor") from None


def _before(moment: datetime, number: int) -> Q:
    return Q(occurred_at__lt=moment) | Q(occurred_at=moment, pk__lt=number)


def _with_balance(scope: QuerySet[Any], page: list[StockMovement]) -> list[Booked]:
    """The page is newest first; movements between its rows that it does not show count, too."""
    if not page:
        return []
    newest, oldest = page[0], page[-1]
    before = _before(oldest.occurred_at, oldest.pk)
    balance = scope.filter(before).order_by().aggregate(whole=WHOLE)["whole"] or ZERO
    within = scope.exclude(before).filter(_before(newest.occurred_at, newest.pk + 1)).order_by("occurred_at", "pk")
    balances = {}
    for number, quantity in within.values_list("pk", "quantity").iterator(chunk_size=CHUNK):
        balance += quantity
        balances[number] = balance
    return [Booked(movement, balances[movement.pk]) for movement in page]


def ledger_differences(*, product: Product | None = None) -> Iterator[Difference | None]:
    """Every balance against what its movements add up to, and what it counts as reserved against the lines that count:
    None for each that agrees. Four queries, whatever they find; one more for each that differs.
    """
    of = {"product": product} if product else {}
    key = ("product_id", "location_id", Coalesce("lot_id", Value(0)))
    moved = StockMovement.objects.filter(**of).order_by(*key).values_list(*key).annotate(whole=WHOLE)
    levels = StockLevel.objects.filter(**of).order_by(*key).values_list(*key, "pk", "on_hand", "reserved")
    lines = ReservationLine.objects.filter(counted=True, **({"level__product": product} if product else {}))
    promised = dict(lines.order_by().values("level_id").annotate(whole=WHOLE).values_list("level_id", "whole"))
    sums = ((row[:3], row[3]) for row in moved.iterator(chunk_size=CHUNK))
    kept = ((row[:3], row[3:]) for row in levels.iterator(chunk_size=CHUNK))
    for found, total, level in entries_merged(sums, kept):
        pk, on_hand, reserved = level or (0, ZERO, ZERO)
        wanted, whole = promised.get(pk, ZERO), total or ZERO
        yield None if (on_hand, reserved) == (whole, wanted) else _told(found, on_hand, whole, reserved, wanted)


def _told(key: Key, on_hand: Decimal, moved: Decimal, reserved: Decimal, promised: Decimal) -> Difference:
    product, location, lot = key
    return Difference(
        product=Product.objects.get(pk=product),
        location=Location.objects.get(pk=location),
        lot=Lot.objects.select_related("product").get(pk=lot) if lot else None,
        on_hand=on_hand,
        moved=moved,
        reserved=reserved,
        promised=promised,
    )


def transit_differences() -> list[tuple[Product, Decimal, Decimal]]:
    """Products of which another quantity lies in transit than the open transfers say: with what lies there, and what
    they say. Two queries, and one for each that differs.
    """
    lying = StockLevel.objects.filter(location__kind=Location.Kind.TRANSIT).order_by().values("product_id")
    here = dict(lying.annotate(whole=Round(Sum("on_hand"), precision=3)).values_list("product_id", "whole"))
    left = Round(Sum(F("sent") - F("arrived") - F("lost")), precision=3)
    lines = TransferLine.objects.filter(transfer__closed_at=None).order_by().values("product_id")
    told = dict(lines.annotate(whole=left).values_list("product_id", "whole"))
    keys = sorted(key for key in {*here, *told} if here.get(key, ZERO) != told.get(key, ZERO))
    products = Product.objects.in_bulk(keys)
    return [(products[key], here.get(key, ZERO), told.get(key, ZERO)) for key in keys]
