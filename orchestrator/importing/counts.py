"""A count sheet that was filled in as a file: `counts_import`. Figures are entered through inventory.count_enter."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils import timezone
from pydantic import ValidationError

from inventory.counting_schemas import CountFigure
from inventory.models import CountSheet
from inventory.selectors.count_entering import Figure, figures_planned
from inventory.selectors.counting import count_get
from shop_assistant.agents import call
from shop_assistant.agents.context import Actor
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import iso_utc, json_number
from shop_assistant.tables.headers import MappingError, guess
from shop_assistant.tables.moments import moment_of
from shop_assistant.tables.reading import TableError, open_table
from shop_assistant.tables.rejects import Rejects, rejects_path
from shop_assistant.tables.table import Cell, Row
from shop_assistant.tables.values import code_of, comma_of, decimal_of, text_of

Progress = Callable[[str, int, int], None]
ALIASES = {
    "sheet": ("Sheet", "Count sheet", "Reference"),
    "sku": ("SKU", "Product code", "Item code", "Article number", "Article", "Stock code", "Artikelnummer"),
    "location": ("Location", "Location code", "Bin", "Shelf", "Lagerplatz"),
    "lot": ("Lot", "Batch", "Lot code", "Charge"),
    "counted": ("Counted", "Count", "Counted quantity", "Quantity", "Qty", "Found", "Gezählt", "Menge"),
    "serials": ("Serials", "Serial numbers", "Serial number", "Serial"),
    "replaces": ("Replaces",),
    "counted_at": ("Counted at", "Time"),
    "reason": ("Reason", "Why", "Remark", "Comment"),
}
FIELDS = tuple(ALIASES)
AT_ONCE = 1000
"""Lines of one task."""
MOST_ROWS = 100_000
SHOWN = 20
SAMPLE = 5000


@dataclass
class CountsImported:
    """How it went. The rows read are those entered, unchanged, left empty and rejected."""

    read: int = 0
    entered: int = 0
    unchanged: int = 0
    empty: int = 0
    rejected: int = 0
    sheets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    preview: list[str] = field(default_factory=list)
    first_rejects: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason."""
    rejects_path: Path | None = None

    @property
    def summary(self) -> str:
        parts = [f"read {self.read}", f"entered {self.entered}", f"unchanged {self.unchanged}"]
        return ", ".join([*parts, f"left empty {self.empty}", f"rejected {self.rejected}"])


@dataclass(frozen=True, slots=True)
class _Entry:
    row: Row
    sheet: str
    moment: datetime | None
    figure: Figure


def counts_import(
    *,
    path: Path,
    user: Actor | None = None,
    channel: str = "command",
    count: str | None = None,
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,
    rejects: Path | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Progress = lambda text, done, total: None,
) -> CountsImported:
    """Enter the figures of a file; rows without one are left alone, and so are figures that are there already.

    :param user: who counted; left out: this machine's `system`.
    :param count: the count sheet, where the file has no column that says so.
    :param mapping: header by field, where the guess is wrong.
    :param dry_run: only say what would be entered.
    :param sheet: of a workbook.
    :raises TableError: when the file can't be read, or the rejected rows can't be written.
    :raises MappingError: for an unknown field or column, or when the columns needed aren't found.
    """
    result = CountsImported()
    with open_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet) as table:
        columns = guess(table.header, ALIASES, mapping)
        _check_columns(columns.places, table.header, count)
        result.notes += [*table.notes, *columns.notes]
        rows = list(islice(table, MOST_ROWS + 1))
        size, header = table.size, table.header
    if len(rows) > MOST_ROWS:
        raise TableError(f"The file has more than {MOST_ROWS:,} rows: cut it into several, each with the header.")
    if not rows:
        raise TableError("The file has a header and nothing below it: export the count sheet again.")
    result.read = len(rows)
    refused: list[tuple[Row, str]] = []
    entries = list(_entries(rows, columns.places, count, result, refused))
    groups: dict[tuple[str, datetime | None], list[_Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.sheet.upper(), entry.moment), []).append(entry)
    result.sheets = sorted({sheet for sheet, _ in groups})
    with Rejects(rejects_path(path, rejects), header, write=not dry_run) as kept:
        done = 0
        for (name, moment), found in groups.items():
            for at in range(0, len(found), AT_ONCE):
                part = found[at : at + AT_ONCE]
                if dry_run:
                    refused += _looked_at(name, part, result)
                else:
                    refused += _entered(name, moment, part, result, {"user": user} if user else {}, channel)
                done += len(part)
                progress("entering", size * done // len(entries), size)
        for row, reason in sorted(refused, key=lambda pair: pair[0].number):
            kept.add(row, reason)
        kept.flush()
        result.rejected, result.first_rejects = kept.count, kept.first
        result.rejects_path = kept.path if kept.count and not dry_run else None
    return result


def _check_columns(places: dict[str, int], header: list[str], count: str | None) -> None:
    missing = [name for name in ("sku", "counted") if name not in places]
    if missing == ["counted"] and "serials" in places:
        missing = []
    shown = ", ".join(name for name in header if name)[:500]
    if missing:
        raise MappingError(
            f"This does not look like a count: no column for {' and '.join(missing)} was found. The columns are "
            f"{shown}. Say which is which, such as --map counted=… (fields: {', '.join(FIELDS)})."
        )
    if count is None and "sheet" not in places:
        raise MappingError(f"The file does not say which count sheet it is: name it (--count). It has {shown}.")


def _entries(
    rows: list[Row],
    places: dict[str, int],
    count: str | None,
    result: CountsImported,
    refused: list[tuple[Row, str]],
) -> Iterator[_Entry]:
    def cell(row: Row, name: str) -> Cell:
        return row.cells[places[name]] if name in places else None

    comma = comma_of(cell(row, "counted") for row in rows[:SAMPLE])
    for row in rows:
        if row.problem:
            refused.append((row, row.problem))
            continue
        try:
            quantity = decimal_of(cell(row, "counted"), comma=comma)
            serials = _serials(text_of(cell(row, "serials")))
            if quantity is None and serials is None:
                result.empty += 1
                continue
            yield _Entry(
                row,
                count or _needed(code_of(cell(row, "sheet")), "count sheet"),
                moment_of(cell(row, "counted_at"), zone=timezone.get_default_timezone()),
                _checked(
                    Figure(
                        sku=_needed(code_of(cell(row, "sku")), "SKU"),
                        quantity=None if serials is not None else _figure(quantity),
                        serials=serials,
                        location=code_of(cell(row, "location")) or None,
                        lot=code_of(cell(row, "lot")) or None,
                        replaces=decimal_of(cell(row, "replaces"), comma=comma),
                        reason=text_of(cell(row, "reason"))[:500] or None,
                    )
                ),
            )
        except ValueError as error:
            refused.append((row, str(error)))


def _needed(code: str, what: str) -> str:
    if not code or len(code) > 64:
        raise ValueError(f"has no {what}" if not code else f"has a {what} of more than 64 characters")
    return code


def _checked(figure: Figure) -> Figure:
    """:raises ValueError: for what inventory.count_enter would refuse along with all the others of its task."""
    try:
        CountFigure.model_validate(_line(figure))
    except ValidationError as error:
        found = [(found["loc"][0] if found["loc"] else "row", found["msg"]) for found in error.errors()]
        raise ValueError("; ".join(f"{name}: {told}" for name, told in found)) from None
    return figure


def _figure(quantity: Decimal | None) -> Decimal:
    if quantity is None or not 0 <= quantity < 10**9:
        raise ValueError(f"{quantity} is no count: give what lies there, 0 or more")
    return quantity


def _serials(text: str) -> tuple[str, ...] | None:
    """Apart by spaces, commas or semicolons, or as JSON; `none` for none, nothing where nobody has looked."""
    if not text:
        return None
    return () if text.lower() == "none" else tuple(dict.fromkeys(filter(None, re.split(r"[\s,;\[\]\"]+", text))))


def _looked_at(name: str, part: list[_Entry], result: CountsImported) -> list[tuple[Row, str]]:
    """What entering them would do; nothing is written."""
    try:
        found = count_get(reference=name)
    except AgentError as error:
        return [(entry.row, error.message) for entry in part]
    if not found.counting:
        told = CountSheet.Status(found.status).value
        return [(entry.row, f"{found} is {told}: figures are no longer entered") for entry in part]
    planned = figures_planned(found, [entry.figure for entry in part], same_is_well=True)
    result.entered += len(planned.taken)
    result.unchanged += len(planned.unchanged)
    for taken in planned.taken[: SHOWN - len(result.preview)]:
        line = taken.line
        result.preview.append(f"{line.product.sku} at {line.location.code}: {json_number(taken.figure.counted)}")
    return [(part[refusal.index].row, refusal.told) for refusal in planned.refused]


def _entered(
    name: str,
    moment: datetime | None,
    part: list[_Entry],
    result: CountsImported,
    who: dict[str, Any],
    channel: str,
) -> list[tuple[Row, str]]:
    payload: dict[str, Any] = {"sheet": name, "partial": True, "same_is_well": True}
    payload["lines"] = [_line(entry.figure) for entry in part]
    if moment is not None:
        payload["counted_at"] = iso_utc(moment)
    try:
        made = call("inventory", "count_enter", payload, channel=channel, **who)
    except AgentError as error:
        told = "; ".join([error.message, *map(str, error.details.get("fields", {}).values())])
        return [(entry.row, told) for entry in part]
    result.entered += made["entered"]
    result.unchanged += made["unchanged"]
    return [(part[refused["index"]].row, refused["reason"]) for refused in made["refused"]]


def _line(figure: Figure) -> dict[str, Any]:
    told = {"sku": figure.sku, "location": figure.location, "lot": figure.lot, "reason": figure.reason}
    line: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    if figure.replaces is not None:
        line["replaces"] = json_number(figure.replaces)
    if figure.serials is not None:
        return {**line, "serials": list(figure.serials)}
    return {**line, "quantity": json_number(figure.counted)}
