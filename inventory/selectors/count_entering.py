"""Figures that somebody wants to enter, against the sheet: what each is about, and what is wrong with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Max

from inventory.lot_codes import folded_code, plain_code
from inventory.models import CountLine, CountSheet, KitComponent, Location, Product, StockLevel, Tracking
from shop_assistant.agents.errors import NotFound
from shop_assistant.agents.fields import json_number

from .catalog import products_get
from .counting import Spot, counted_elsewhere

GRAIN = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What somebody counted."""

    sku: str
    quantity: Decimal | None = None
    location: str | None = None
    lot: str | None = None
    serials: tuple[str, ...] | None = None
    replaces: Decimal | None = None
    """the figure that is there already"""
    reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lot", plain_code(self.lot) if self.lot else None)
        if self.serials is not None:
            object.__setattr__(self, "serials", tuple(map(plain_code, self.serials)))

    @property
    def counted(self) -> Decimal:
        return Decimal(len(self.serials)) if self.serials is not None else self.quantity or Decimal(0)


@dataclass(frozen=True, slots=True)
class Refused:
    index: int
    """of the figure, from 0"""
    kind: str
    """unknown, invalid or conflict"""
    told: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    index: int
    figure: Figure
    line: CountLine
    """stored already, or (without a primary key) found beside what the sheet has"""
    lot_code: str | None
    """of a new line: the lot may have to be made"""


@dataclass(slots=True)
class Planned:
    taken: list[Taken] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    """indexes of figures that are there already, where that is asked for"""
    refused: list[Refused] = field(default_factory=list)


class _Refusal(Exception):
    def __init__(self, kind: str, told: str, **details: Any) -> None:
        self.kind, self.told, self.details = kind, told, details


def figures_planned(sheet: CountSheet, figures: Sequence[Figure], *, same_is_well: bool = False) -> Planned:
    """What entering these figures would do; a handful of queries however many there are.

    :param same_is_well: a figure that is there already, counted by whomever, is passed over.
    """
    planner, planned = _Planner(sheet, figures), Planned()
    for index, figure in enumerate(figures):
        try:
            taken = planner.take(index, figure)
        except _Refusal as refusal:
            planned.refused.append(Refused(index, refusal.kind, refusal.told, {"sku": figure.sku, **refusal.details}))
            continue
        if same_is_well and _same(taken):
            planned.unchanged.append(index)
            continue
        try:
            _check_replaced(taken, sheet)
        except _Refusal as refusal:
            planned.refused.append(Refused(index, refusal.kind, refusal.told, {"sku": figure.sku, **refusal.details}))
        else:
            planned.taken.append(taken)
    return planned


class _Planner:
    def __init__(self, sheet: CountSheet, figures: Sequence[Figure]) -> None:
        self.sheet = sheet
        self.products = _products(figure.sku for figure in figures)
        lines = sheet.lines.filter(product__in={product.pk for product in self.products.values()})
        self.lines: dict[int, list[CountLine]] = {}
        for line in lines.select_related("product", "location__warehouse", "lot", "entry").order_by("number"):
            self.lines.setdefault(line.product_id, []).append(line)
        self.named: set[tuple[Any, ...]] = set()
        self.last: int | None = None
        self.locations: dict[str, Location] | None = None
        self.elsewhere: dict[Spot, str] | None = None
        self.kits: set[int] | None = None
        self.without_lot: set[tuple[int, int]] | None = None

    def take(self, index: int, figure: Figure) -> Taken:
        """:raises _Refusal:"""
        product = self.products.get(figure.sku)
        if product is None:
            raise _Refusal("unknown", f"There is no product {figure.sku}: look at its label again.")
        _check_figure(product, figure)
        line = self._line(product, figure) or self._found(product, figure)
        self._check_lot(line, figure)
        lot = line.lot.code if line.lot else figure.lot
        key = (line.product_id, line.location_id, (lot or "").lower())
        if key in self.named:
            raise _Refusal("invalid", f"{_told(line)} is named twice: give one figure.", location=line.location.code)
        self.named.add(key)
        return Taken(index, figure, line, None if line.pk else figure.lot)

    def _line(self, product: Product, figure: Figure) -> CountLine | None:
        """The line meant; None where the sheet has none like it."""
        there = self.lines.get(product.pk, [])
        if figure.location:
            there = [line for line in there if line.location.code.lower() == figure.location.lower()]
        if figure.lot:
            there = [line for line in there if line.lot and line.lot.code.lower() == figure.lot.lower()]
        without = [line for line in there if line.lot is None]
        if len(there) > 1 and len(without) != 1:
            raise _Refusal(
                "invalid",
                f"{product.sku} is on {len(there)} lines of this sheet: name the location{_or_lot(there)}.",
                options=[_told(line) for line in there[:20]],
            )
        return (without or there)[0] if there else None

    def _found(self, product: Product, figure: Figure) -> CountLine:
        """A new line for what lies where the books have none of it."""
        sheet, own = self.sheet, self.lines.get(product.pk, [])
        if sheet.round > 1:
            raise _Refusal("conflict", f"{product.sku} there is not on the recount.")
        if (sheet.named or sheet.abc_class) and not own:
            raise _Refusal("invalid", f"{product.sku} is not on {sheet.reference}, which is of {sheet.scope}.")
        location = self._location(figure.location) if figure.location else sheet.location
        if location is None:
            raise _Refusal("invalid", f"Say where {product.sku} lies: {sheet.reference} has no line of it.")
        self._check_place(product, location, figure)
        if self.last is None:
            self.last = sheet.lines.aggregate(last=Max("number"))["last"] or 0
        self.last += 1
        return CountLine(sheet=sheet, number=self.last, product=product, location=location)

    def _check_lot(self, line: CountLine, figure: Figure) -> None:
        """Units of no lot are counted only where the books have some, from before the product was told apart by lot."""
        sku = line.product.sku
        if line.product.tracking != Tracking.LOT or line.lot or figure.lot or (line.pk and not figure.counted):
            return
        if self.without_lot is None:
            keys = [found.pk for found in self.products.values()]
            levels = StockLevel.objects.filter(product__in=keys, product__tracking=Tracking.LOT, lot=None)
            self.without_lot = set(levels.exclude(on_hand=0).values_list("product_id", "location_id"))
        if (line.product_id, line.location_id) not in self.without_lot:
            raise _Refusal("invalid", f"{sku} is told apart by lot: name the lot that was counted.")

    def _check_place(self, product: Product, location: Location, figure: Figure) -> None:
        sheet = self.sheet
        outside = (sheet.location_id or location.pk) != location.pk
        if outside or (sheet.warehouse_id or location.warehouse_id) != location.warehouse_id:
            raise _Refusal("invalid", f"{location.code} is not on {sheet.reference}, which is of {sheet.scope}.")
        if location.kind == Location.Kind.TRANSIT:
            raise _Refusal("invalid", f"{location.code} is no shelf: goods there are on their way.")
        if self.kits is None:
            keys = [found.pk for found in self.products.values()]
            self.kits = set(KitComponent.objects.filter(kit__in=keys).values_list("kit", flat=True))
        if product.pk in self.kits:
            raise _Refusal("invalid", f"{product.sku} is a kit: count what it is made of.")
        if self.elsewhere is None:
            self.elsewhere = counted_elsewhere((p.pk for p in self.products.values()), besides=sheet)
        if other := self.elsewhere.get((product.pk, location.pk, (figure.lot or "").lower())):
            raise _Refusal("conflict", f"{product.sku} at {location.code} is being counted on {other}: enter it there.")

    def _location(self, code: str) -> Location:
        if self.locations is None:
            self.locations = {found.code.lower(): found for found in Location.objects.all()}
        found = self.locations.get(code.lower())
        if found is None:
            raise _Refusal("unknown", f"There is no location {code}: look at the shelf's label again.")
        return found


def _products(skus: Iterable[str]) -> dict[str, Product]:
    """By each spelling that was given; those unknown are missing."""
    asked = list(dict.fromkeys(skus))
    try:
        return products_get(skus=asked)
    except NotFound as error:
        unknown = set(error.details.get("unknown", asked))
        known = [sku for sku in asked if sku not in unknown]
        return products_get(skus=known) if known else {}


def _check_figure(product: Product, figure: Figure) -> None:
    if product.tracking == Tracking.SERIAL:
        if figure.serials is None and figure.quantity:
            raise _Refusal("invalid", f"{product.sku} has serial numbers: list those that lie there.")
        if figure.lot:
            raise _Refusal("invalid", f"{product.sku} has serial numbers: list them in serials, not as a lot.")
        if len(set(map(folded_code, figure.serials or ()))) != len(figure.serials or ()):
            raise _Refusal("invalid", f"{product.sku}: serials names one twice.")
    elif figure.serials is not None:
        raise _Refusal("invalid", f"{product.sku} has no serial numbers: give how many lie there.")
    if product.tracking == Tracking.NONE and figure.lot:
        raise _Refusal("invalid", f"{product.sku} is not told apart by lot: leave the lot out.")
    if product.counted_in_pieces and figure.counted % 1:
        raise _Refusal("invalid", f"{product.sku} is counted in pieces: give a whole number.")
    if figure.counted % GRAIN:
        raise _Refusal("invalid", f"{product.sku} is measured in thousandths: give at most three decimals.")


def _same(taken: Taken) -> bool:
    entry = taken.line.entry
    if entry is None or entry.quantity != taken.figure.counted or taken.figure.replaces not in (None, entry.quantity):
        return False
    given = taken.figure.serials
    return given is None or set(map(folded_code, entry.serials or ())) == set(map(folded_code, given))


def _check_replaced(taken: Taken, sheet: CountSheet) -> None:
    """:raises _Refusal: unless it says which figure it replaces, and that is the one there; and off the recount."""
    if taken.line.round != sheet.round:
        raise _Refusal("conflict", f"{_told(taken.line)} is counted already: it is not on the recount.")
    entry, replaces = taken.line.entry, taken.figure.replaces
    if entry is None and replaces is None:
        return
    if entry is None:
        raise _Refusal(
            "conflict", f"Nothing has been entered for {_told(taken.line)} yet: there is nothing to replace."
        )
    if replaces != entry.quantity:
        counted = json_number(entry.quantity)
        raise _Refusal(
            "conflict",
            f"{_told(taken.line)} was counted as {counted} already: to replace that, say so (replaces: {counted}).",
            location=taken.line.location.code,
            lot=taken.line.lot.code if taken.line.lot else None,
            counted=counted,
            counted_by=entry.user_id,
        )


def _told(line: CountLine) -> str:
    lot = f" {line.lot.code}" if line.lot else ""
    return f"{line.product.sku}{lot} at {line.location.code}"


def _or_lot(lines: Iterable[CountLine]) -> str:
    return " and the lot" if any(line.lot for line in lines) else ""
