"""Reads a sales file whole: which column is which, how it writes numbers and dates, its lines, and what is wrong."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from sys import intern
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from shop_assistant.tables.headers import Columns, folded, guess
from shop_assistant.tables.moments import Order, date_order_of
from shop_assistant.tables.reading import open_table
from shop_assistant.tables.table import Cell, Row, TableError
from shop_assistant.tables.values import comma_of

from .sales_buyers import identity_of
from .sales_fields import FIELDS, NEEDED, OWN, PRESETS
from .sales_lines import CANCELLATION, Interpreter, Terms
from .sales_model import Buyer, Kind, Refused, SaleLine, Seen

NUMBERS = ("quantity", "unit_price", "line_total", "line_discount")
REPORT_EVERY = 5000

Report = Callable[[str, int, int], None]
"""What is being done, how far it is, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read a file, where that is told."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    preset: str | None = None
    zone: ZoneInfo | None = None
    date_order: Order | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(slots=True)
class SalesFile:
    """What a file says."""

    lines: list[SaleLine]
    buyers: list[Buyer]
    products: dict[str, Seen]
    read: int
    refused: list[tuple[Row, str]]
    header: list[str]
    notes: list[str]
    own: bool
    """whether it is what `export sales` wrote"""
    sha256: str
    special: dict[int, Row]
    """by number: the rows of products that were asked for"""


def sales_read(
    path: Path,
    reading: Reading,
    pieces: Collection[str],
    names: Mapping[str, str],
    report: Report,
    special: Collection[str] = (),
) -> SalesFile:
    """Read it.

    :param pieces: SKUs, in lower case, of which there are no parts.
    :param names: SKUs of known products by their names, in lower case, for lines without a SKU.
    :param special: SKUs, in lower case, of which the rows are kept.
    :raises TableError: when it can't be read as a table of sales.
    :raises MappingError: when the mapping names a field or column that is not there.
    """
    with open_table(path, encoding=reading.encoding, delimiter=reading.delimiter, sheet=reading.sheet) as table:
        preset = reading.preset or _preset(table.header)
        columns, notes = _columns(table.header, preset, reading.mapping)
        rows = _rows(table, table.size, report)
        notes = [*table.notes, *notes]
        header = table.header
    interpreter = Interpreter(_terms(rows, columns.places, reading, pieces, names, notes))
    lines, refused = _interpreted(interpreter, rows, report)
    numbers = {line.row for line in lines if line.sku in special} if special else set()
    if not interpreter.negative:
        _turn_cancellations(lines)
    if interpreter.partly_refunded:
        notes.append(
            f"{interpreter.partly_refunded:,} lines are of orders refunded in part; the file does not say which goods "
            "came back, so they are booked as sold"
        )
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return SalesFile(
        lines=lines,
        buyers=interpreter.buyers,
        products=interpreter.products,
        read=len(rows),
        refused=refused,
        header=header,
        notes=notes,
        own=preset == OWN,
        sha256=digest.hexdigest(),
        special={row.number: row for row in rows if row.number in numbers},
    )


def _preset(header: Sequence[str]) -> str | None:
    names = {folded(name) for name in header}
    return next((p for p, (marks, _) in PRESETS.items() if all(folded(mark) in names for mark in marks)), None)


def _columns(header: Sequence[str], preset: str | None, mapping: Mapping[str, str]) -> tuple[Columns, list[str]]:
    """:raises TableError: when a column is missing without which there are no sales."""
    names = {folded(name) for name in header}
    usual = PRESETS[preset][1] if preset else {}
    told = {name: column for name, column in usual.items() if not column or folded(column) in names}
    columns = guess(header, FIELDS, {**told, **mapping})
    places = columns.places
    missing = [name for name in NEEDED if name not in places and not (name == "date" and "time" in places)]
    if "sku" not in places and "description" not in places:
        missing.append("sku or description")
    if "unit_price" not in places and "line_total" not in places:
        missing.append("unit_price or line_total")
    if missing:
        shown = ", ".join(name for name in header if name)[:500]
        raise TableError(
            f"No column for {', '.join(missing)} among {shown}. Name it, such as --map {missing[0].split()[0]}=Header; "
            f"the fields are {', '.join(FIELDS)}."
        )
    if "unit_price" in places:
        places.pop("line_total", None)
    if "line_discount" not in places and (unused := next((n for n in header if folded(n) == "discount"), None)):
        columns.notes.append(
            f"the column {unused} is not used; if it is money taken off the line, say --map line_discount={unused}"
        )
    read_as = ", ".join(f"{name} from {header[at]}" for name, at in places.items())
    kind = "" if preset is None else "as this program's own export: " if preset == OWN else f"as a {preset} export: "
    notes = [f"read {kind}{read_as}", *columns.notes]
    return columns, [note for note in notes if "line_total" not in note or "line_total" in places]


def _rows(table: Any, size: int, report: Report) -> list[Row]:
    """All rows, each text kept once."""
    kept: list[Row] = []
    for row in table:
        row.cells = [intern(cell) if type(cell) is str else cell for cell in row.cells]
        kept.append(row)
        if len(kept) % REPORT_EVERY == 0:
            report("reading", row.number, max(size, row.number))
    report("reading", size, size)
    return kept


def _terms(
    rows: list[Row],
    places: dict[str, int],
    reading: Reading,
    pieces: Collection[str],
    names: Mapping[str, str],
    notes: list[str],
) -> Terms:
    shop_zone = ZoneInfo(settings.SHOP_TIMEZONE)
    commas = {name: comma_of(set(_column(rows, places[name]))) for name in NUMBERS if name in places}
    return Terms(
        columns=places,
        zone=reading.zone or shop_zone,
        shop_zone=shop_zone,
        currency=settings.SHOP_CURRENCY,
        order=reading.date_order or _date_order(rows, places, notes),
        commas=commas,
        pieces=pieces,
        names=names,
        now=timezone.now(),
        number_of=_number_of,
    )


def _date_order(rows: list[Row], places: dict[str, int], notes: list[str]) -> Order:
    at = places.get("date", places.get("time", 0))
    first: dict[Cell, int] = {}
    for row in rows:
        if at < len(row.cells):
            first.setdefault(row.cells[at], row.number)
    try:
        order, sure = date_order_of((line, cell) for cell, line in first.items())
    except ValueError as error:
        raise TableError(f"{error} Or say which it is: --date-order dmy or mdy.") from None
    if not sure:
        notes.append("the dates may be day first or month first: read day first (--date-order mdy for the other)")
    return order


def _number_of(day: str, time: str, who: str) -> str:
    """A sale without an invoice's number is known by its time and its buyer."""
    return "-".join(filter(None, [day if time == "000000" else f"{day}T{time}", who and identity_of(who)]))


def _interpreted(
    interpreter: Interpreter, rows: list[Row], report: Report
) -> tuple[list[SaleLine], list[tuple[Row, str]]]:
    lines: list[SaleLine] = []
    refused: list[tuple[Row, str]] = []
    count = len(rows)
    for done, row in enumerate(rows, start=1):
        try:
            lines.extend([*interpreter.read(row)])
        except Refused as error:
            refused.append((row, str(error)))
        if done % REPORT_EVERY == 0:
            report("understanding", done, count)
    report("understanding", count, count)
    return lines, refused


def _turn_cancellations(lines: list[SaleLine]) -> None:
    """Where a file writes no negative quantities at all, the number alone tells a cancellation."""
    for line in lines:
        if line.kind is Kind.SALE and CANCELLATION.match(line.number):
            line.kind, line.original = Kind.RETURN, line.number[1:]


def _column(rows: list[Row], at: int) -> Iterator[Cell]:
    return (row.cells[at] for row in rows if at < len(row.cells))
