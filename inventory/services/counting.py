"""Count sheets: opening, closing, counting again. Figures are entered by `count_entering`, booked by `count_posting`.

Each takes the sheet's lock first, then levels in primary-key order, as everywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from inventory.models import (
    CountLine,
    CountSheet,
    KitComponent,
    Location,
    Product,
    Warehouse,
)
from inventory.selectors import stocks_of
from inventory.selectors.counting import Place, counted_elsewhere, places_to_count
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound, ValidationFailed

from .references import next_reference
from .stock import location_default

PREFIX = "CS"
MOST_LINES = 5000
SHOWN = 50
ZERO = Decimal(0)
Status = CountSheet.Status


@dataclass(frozen=True, slots=True)
class Opened:
    sheet: CountSheet
    lines: int
    left_out: dict[str, int]
    """how many lines are on other sheets already, by those sheets' references"""


def count_open(
    *,
    user_id: str,
    task_id: UUID | None = None,
    location: Location | None = None,
    warehouse: Warehouse | None = None,
    abc_class: str = "",
    products: Sequence[Product] | None = None,
    note: str = "",
    **limits: Decimal | None,
) -> Opened:
    """A sheet of what lies there by the books. What another sheet has that is not posted yet is left out.

    :param limits: recount_units, recount_percent, recount_money; those left out are the model's defaults.
    :raises ValidationFailed: when nothing narrows it, for a kit, or when it would have more than 5,000 lines.
    :raises Conflict: when there is nothing to count, or all of it is on other sheets.
    """
    if not (location or warehouse or abc_class or products):
        raise ValidationFailed("Say what to count: a location, a warehouse, an ABC class, or SKUs.")
    if location and location.kind == Location.Kind.TRANSIT:
        raise ValidationFailed(fields={"location": "is no shelf: goods there are on their way"})
    _refuse_kits(products or ())
    reference = next_reference(prefix=PREFIX)  # its lock lets one sheet be opened at a time
    places = places_to_count(location=location, warehouse=warehouse, abc_class=abc_class, products=products)
    if products and not warehouse and not abc_class:
        places += _nowhere(products, places, location)
    elsewhere = counted_elsewhere(place.product.pk for place in places)
    left_out: dict[str, int] = {}
    for place in places:
        if other := elsewhere.get(place.spot):
            left_out[other] = left_out.get(other, 0) + 1
    places = [place for place in places if place.spot not in elsewhere]
    _check_size(places, left_out)
    sheet = CountSheet(
        reference=reference,
        location=location,
        warehouse=warehouse,
        abc_class=abc_class,
        named=products is not None,
        note=note,
        user_id=user_id,
        task_id=task_id,
        **limits,
    )
    sheet.save()
    CountLine.objects.bulk_create(
        (
            CountLine(sheet=sheet, number=number, product=place.product, location=place.location, lot=place.lot)
            for number, place in enumerate(places, start=1)
        ),
        batch_size=500,
    )
    return Opened(sheet, len(places), left_out)


def count_close(*, sheet: CountSheet, leave_uncounted: bool = False) -> tuple[CountSheet, list[CountLine]]:
    """Counting is done: lines far from the books are to be counted again, once; else the sheet waits for approval.

    :param leave_uncounted: lines without a figure stay as they are booked.
    :return: the sheet, and the lines to count again.
    :raises ClarificationNeeded: when lines are not counted; on a recount all must be.
    :raises Conflict: when it is closed already, or nothing was counted.
    """
    locked = sheet_locked(sheet, Status.OPEN, Status.RECOUNT)
    lines = sheet_lines(locked)
    missing = [line for line in lines if line.entry is None and line.round == locked.round]
    if len(missing) == len(lines):
        raise Conflict(f"Nothing has been counted on {locked}: enter figures, or cancel it.", status=locked.status)
    if missing and (locked.round > 1 or not leave_uncounted):
        way = "" if locked.round > 1 else ", or say that they are left as they are (leave_uncounted)"
        raise ClarificationNeeded(
            f"{len(missing)} lines of {locked} are not counted: count them{way}.",
            missing="leave_uncounted" if locked.round == 1 else "lines",
            uncounted=len(missing),
            lines=[line.number for line in missing[:SHOWN]],
        )
    doubtful = [v for v in lines if v.entry and locked.doubts(v.entry, v.product.cost)] if locked.round == 1 else []
    if doubtful:
        _again(locked, doubtful)
    else:
        locked.status = Status.COUNTED
        locked.save()
    return locked, doubtful


def count_recount(*, sheet: CountSheet, numbers: Iterable[int] | None = None) -> tuple[CountSheet, list[CountLine]]:
    """Have lines counted again before deciding: these, or every one that differs. Their earlier figures stay on record.

    :raises Conflict: when the sheet does not wait for approval, or no line differs.
    :raises NotFound: for a number that is not on the sheet.
    """
    locked = sheet_locked(sheet, Status.COUNTED)
    lines = {line.number: line for line in sheet_lines(locked)}
    asked = None if numbers is None else list(dict.fromkeys(numbers))
    if unknown := [number for number in asked or () if number not in lines]:
        raise NotFound(f"{locked} has no line {unknown[0]}.", lines=unknown)
    chosen = [lines[n] for n in asked] if asked is not None else [v for v in lines.values() if v.entry and v.entry.off]
    if not chosen:
        raise Conflict(f"No line of {locked} differs from the books: there is nothing to count again.")
    _again(locked, chosen)
    return locked, chosen


def count_cancel(*, sheet: CountSheet, user_id: str) -> CountSheet:
    """Give a sheet up; nothing of it is booked.

    :raises Conflict: when it is posted or cancelled already.
    """
    locked = sheet_locked(sheet, Status.OPEN, Status.RECOUNT, Status.COUNTED)
    locked.status, locked.decided_by, locked.decided_at = Status.CANCELLED, user_id, timezone.now()
    locked.save()
    return locked


NEXT = {
    Status.OPEN: "it is being counted: close it first (count_close)",
    Status.RECOUNT: "some of its lines are counted again: close it first (count_close)",
    Status.COUNTED: "it waits for approval: ask for a recount to change it (count_recount)",
    Status.POSTED: "its differences are booked: open a new sheet",
    Status.CANCELLED: "it was given up: open a new sheet",
}


def sheet_locked(sheet: CountSheet, *expected: CountSheet.Status) -> CountSheet:
    """The sheet as it is now, its row locked, so that of two at once one finds what the other did."""
    rows: QuerySet[Any] = CountSheet.objects.select_for_update(of=("self",)).select_related("location", "warehouse")
    locked: CountSheet = rows.get(pk=sheet.pk)
    if locked.status not in expected:
        status = Status(locked.status)
        raise Conflict(f"{locked} is {status.value}: {NEXT[status]}.", status=status.value)
    return locked


def sheet_lines(sheet: CountSheet) -> list[CountLine]:
    return list(sheet.lines.select_related("product", "location", "lot", "entry").order_by("number"))


def _again(sheet: CountSheet, lines: list[CountLine]) -> None:
    sheet.round += 1
    sheet.status = Status.RECOUNT
    sheet.save()
    for line in lines:
        line.round, line.entry = sheet.round, None
    CountLine.objects.bulk_update(lines, ["round", "entry"], batch_size=500)


def _refuse_kits(products: Sequence[Product]) -> None:
    kit = KitComponent.objects.filter(kit__in=products).select_related("kit").first() if products else None
    if kit is not None:
        raise ValidationFailed(f"{kit.kit.sku} is a kit: count what it is made of.", fields={"skus": "names a kit"})


def _nowhere(products: Sequence[Product], places: Sequence[Place], location: Location | None) -> list[Place]:
    """A line each for named products of which nothing lies there, by the books."""
    there = {place.product.pk for place in places}
    missing = [product for product in products if product.pk not in there]
    stocks = stocks_of(missing) if missing and location is None else {}
    found = []
    for product in missing:
        main = stocks[product.pk].main if product.pk in stocks else None
        found.append(Place(product, location or (main.location if main else location_default())))
    return found


def _check_size(places: Sequence[Place], left_out: dict[str, int]) -> None:
    if len(places) > MOST_LINES:
        raise ValidationFailed(f"{len(places):,} lines are too many for one sheet: count by location or class.")
    if not places and left_out:
        raise Conflict(f"All of it is being counted already, on {', '.join(sorted(left_out))}.", sheets=left_out)
    if not places:
        raise Conflict("Nothing lies there by the books: name the products (skus) to count them all the same.")
