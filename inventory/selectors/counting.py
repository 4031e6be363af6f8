"""Count sheets, and what would go on one."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Round
from django.utils import timezone

from inventory.models import CountEntry, CountLine, CountSheet, Location, Lot, Product, StockLevel, Tracking, Warehouse
from shop_assistant.agents.errors import NotFound
from shop_assistant.money import round_money

from .analysis import stock_looks

ZERO = Decimal(0)
RUNNING = (CountSheet.Status.OPEN, CountSheet.Status.RECOUNT, CountSheet.Status.COUNTED)
"""Sheets of which nothing is booked yet."""

Spot = tuple[int, int, str]
"""Primary keys of product and location, and the lot's code in lower case; empty: none."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a line of a count sheet is about."""

    product: Product
    location: Location
    lot: Lot | None = None

    @property
    def spot(self) -> Spot:
        return self.product.pk, self.location.pk, self.lot.code.lower() if self.lot else ""


def count_get(*, reference: str) -> CountSheet:
    """The count sheet with this reference, in any case; one query, two where it is unknown.

    :raises NotFound: with the latest that are not posted yet.
    """
    rows = CountSheet.objects.select_related("location", "warehouse")
    found = rows.filter(reference=reference.strip().upper()).first()
    if found is None:
        running = CountSheet.objects.filter(status__in=RUNNING).order_by("-pk")
        raise NotFound(
            f"There is no count sheet {reference}.",
            sheet=reference,
            available=list(running.values_list("reference", flat=True)[:5]),
        )
    return found


def warehouse_get(*, code: str) -> Warehouse:
    """:raises NotFound: with some existing ones."""
    found = Warehouse.objects.filter(code__iexact=code.strip()).first()
    if found is None:
        known = list(Warehouse.objects.order_by("code").values_list("code", flat=True)[:20])
        raise NotFound(f"There is no warehouse {code}.", warehouse=code, available=known)
    return found


def with_progress(sheets: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate how many lines a sheet has, how many are counted and differ, and by how much money (by cost)."""
    value = (F("lines__entry__quantity") - F("lines__entry__booked")) * F("lines__product__cost")
    return sheets.annotate(
        all_lines=Count("lines"),
        counted_lines=Count("lines__entry"),
        differing=Count("lines", filter=Q(lines__entry__off__gt=0)),
        value=Round(Coalesce(Sum(value), ZERO), precision=4),
    )


def count_page(
    *, status: str | None = None, location: Location | None = None, limit: int = 50, cursor: str | None = None
) -> tuple[list[Any], str | None]:
    """Count sheets with their progress, the latest first; one query.

    :param cursor: primary key of the last one before.
    """
    rows = CountSheet.objects.select_related("location", "warehouse").order_by("-pk")
    if status:
        rows = rows.filter(status=status)
    if location is not None:
        rows = rows.filter(pk__in=CountLine.objects.filter(location=location).values("sheet"))
    if cursor:
        rows = rows.filter(pk__lt=int(cursor))
    found = list(with_progress(rows).order_by("-pk")[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None


def count_lines(
    sheet: CountSheet, *, only: str | None = None, by_value: bool = False, limit: int | None = None, after: int = 0
) -> list[CountLine]:
    """Lines in their order with all that is shown of them; one query.

    :param only: to_count, counted or different.
    :param by_value: the largest differences in money first.
    :param after: number of the line before the first.
    """
    rows: QuerySet[Any] = sheet.lines.select_related("product", "location", "lot", "entry__replaces")
    rows = rows.filter(number__gt=after).order_by("number")
    if only == "to_count":
        rows = rows.filter(entry=None)
    elif only == "counted":
        rows = rows.filter(entry__isnull=False)
    elif only == "different":
        rows = rows.filter(entry__off__gt=0)
    if by_value:
        rows = rows.annotate(worth=F("entry__off") * Coalesce("product__cost", ZERO)).order_by(
            F("worth").desc(nulls_last=True), F("entry__off").desc(nulls_last=True), "number"
        )
    return list(rows[:limit] if limit else rows)


def value_of(line: CountLine) -> Decimal | None:
    """The difference in money, by cost; None where nothing was counted or nobody knows the cost."""
    if line.entry is None or line.product.cost is None:
        return None
    return round_money(line.entry.difference * line.product.cost, settings.SHOP_CURRENCY)


def has_counted(sheet: CountSheet, user_id: str) -> bool:
    """Whether this person entered any figure of the sheet; one query."""
    return CountEntry.objects.filter(line__sheet=sheet, user_id=user_id).exists()


def places_to_count(
    *,
    location: Location | None = None,
    warehouse: Warehouse | None = None,
    abc_class: str = "",
    products: Iterable[Product] | None = None,
) -> list[Place]:
    """What lies there by the books, in the order of place, SKU and lot; all of it is on a shelf, nothing in transit.
    Products that are named are there also where nothing of them should lie.
    """
    rows = StockLevel.objects.exclude(location__kind=Location.Kind.TRANSIT)
    if location is not None:
        rows = rows.filter(location=location)
    if warehouse is not None:
        rows = rows.filter(location__warehouse=warehouse)
    named = None if products is None else list(products)
    rows = rows.exclude(on_hand=0) if named is None else rows.filter(product__in=named)
    if abc_class:
        of_class = products_of_class(abc_class)
        levels = [level for level in rows.select_related("product", "location", "lot") if level.product_id in of_class]
    else:
        levels = list(rows.select_related("product", "location", "lot"))
    found: dict[Spot, Place] = {}
    for level in levels:
        lot = None if level.product.tracking == Tracking.SERIAL else level.lot
        if level.on_hand or lot is None:
            place = Place(level.product, level.location, lot)
            found.setdefault(place.spot, place)
    return sorted(found.values(), key=_order)


def _order(place: Place) -> tuple[str, str, str]:
    return place.location.code, place.product.sku, place.lot.code if place.lot else ""


def products_of_class(wanted: str) -> set[int]:
    """Primary keys of the products of an ABC class, as the analysis of the stock has it; six queries."""
    return {look.key for look in stock_looks(today=timezone.localdate()) if look.abc == wanted}


def counted_elsewhere(products: Iterable[int], *, besides: CountSheet | None = None) -> dict[Spot, str]:
    """Reference of the other sheet, of which nothing is booked yet, by what is on it; one query."""
    rows = CountLine.objects.filter(sheet__status__in=RUNNING, product__in=set(products))
    if besides is not None:
        rows = rows.exclude(sheet=besides)
    told = rows.values_list("product", "location", "lot__code", "sheet__reference")
    return {(product, location, (lot or "").lower()): reference for product, location, lot, reference in told}
