"""XLSX, row by row: what the workbook would unpack to is looked at before it is opened. Pure."""

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from .table import (
    LONGEST_CELL,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_RATIO,
    PREAMBLE,
    SMALL,
    Cell,
    Row,
    Table,
    TableError,
    filled,
    header_checked,
    header_index,
    header_names,
    is_other_header,
    no_header,
    other_header,
    repeats,
)

MOST_BYTES_ELSEWHERE = 200 << 20
"""Of a part that is not a sheet: those are held in memory."""
MOST_ROWS = 1_048_576
MOST_MERGES = 10_000
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]{2,30})"')


class SheetTable(Table):
    def __init__(self, path: Path, *, sheet: str | None) -> None:
        _check_size(path)
        self._file: IO[bytes] = path.open("rb")
        self.notes = []
        try:
            self._open(path, sheet)
        except TableError:
            self._file.close()
            raise
        except Exception as error:  # openpyxl raises whatever a damaged workbook leads it to
            self._file.close()
            raise _damaged(error) from None

    def __iter__(self) -> Iterator[Row]:
        width, names = len(self.header), header_names(self.header)
        for number, cells in _rows(self._sheet, width):
            if number <= self._header_row or not filled(cells):
                continue
            row = Row(number, cells + [None] * (width - len(cells)))
            if number in self._merged:
                row.problem = f"cells are merged here ({self._merged[number]}): unmerge them and fill each one"
            elif repeats(row.cells, self.header):
                row.problem = "repeats the header: were two tables joined?"
            elif is_other_header(row.cells, names):
                raise other_header(number)
            yield row

    def close(self) -> None:
        self._book.close()
        self._file.close()

    def _open(self, path: Path, sheet: str | None) -> None:
        self._book = load_workbook(self._file, read_only=True, data_only=True)
        self._sheet, others = _choose(self._book, sheet)
        self.size = min(self._sheet.max_row or 0, MOST_ROWS)
        self._sheet.reset_dimensions()  # what a workbook says of its own size is often wrong
        if others:
            self.notes.append(f"read the sheet {self._sheet.title}; others are {', '.join(others)} (--sheet)")
        self._find_header(path)

    def _find_header(self, path: Path) -> None:
        first = list(islice(_rows(self._sheet), PREAMBLE * 3))
        filled_rows = [(number, cells) for number, cells in first if filled(cells)]
        if not filled_rows:
            raise TableError(f"The sheet {self._sheet.title} is empty: name another one (--sheet) or fill it.")
        index = header_index([cells for _, cells in filled_rows])
        if index is None:
            raise no_header(filled_rows[0][1], filled_rows[0][0])
        self._header_row, cells = filled_rows[index]
        self._merged = self._merges(path, [number for number, _ in filled_rows[: index + 1]])
        self.header = header_checked(cells, self._header_row)
        if index:
            self.notes.append(f"took row {self._header_row} for the header and left out what stands above it")

    def _merges(self, path: Path, top: list[int]) -> dict[int, str]:
        """The merged range by row. Titles above the header may be merged.

        :raises TableError: when the header itself is.
        """
        found: dict[int, str] = {}
        rows = 0
        for reference in _merge_references(path, self._sheet._worksheet_path):
            left, upper, right, lower = cast("tuple[int, int, int, int]", range_boundaries(reference))
            if upper <= self._header_row <= lower or (upper in top and right > left and lower >= self._header_row):
                raise TableError(
                    f"The header has merged cells ({reference}): unmerge them, so that each column has its own name."
                )
            rows += lower - upper + 1
            if rows > 2 * MOST_ROWS:
                raise TableError("Nearly all cells of the sheet are merged: unmerge them, so that each is filled.")
            for number in range(max(upper, self._header_row + 1), min(lower, MOST_ROWS) + 1):
                found[number] = reference
        return found


def _rows(sheet: Any, width: int = MOST_COLUMNS + 1) -> Iterator[tuple[int, list[Cell]]]:
    """The first `width` cells of each row.

    :raises TableError: for a damaged sheet, or one wider, longer or with longer cells than a table can be.
    """
    try:
        for number, values in enumerate(sheet.iter_rows(values_only=True, max_col=width), start=1):
            if number > MOST_ROWS:
                raise TableError(f"The sheet has more than {MOST_ROWS:,} rows: save it again, or export it as CSV.")
            if len(values) > MOST_COLUMNS and values[-1] is not None:
                raise TableError(
                    f"Row {number} has more than {MOST_COLUMNS:,} columns: a table has one product or sale a row."
                )
            yield number, [_cell(value, number) for value in values]
    except TableError:
        raise
    except Exception as error:  # openpyxl raises whatever a damaged workbook leads it to
        raise _damaged(error) from None


def _cell(value: Any, number: int) -> Cell:
    if isinstance(value, str):
        if len(value) > LONGEST_CELL:
            raise TableError(f"A text in row {number} is longer than {LONGEST_CELL:,} characters.")
        return value
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value.isoformat("minutes") if isinstance(value, time) else str(value) if isinstance(value, timedelta) else ""


def _choose(book: Any, wanted: str | None) -> tuple[Any, list[str]]:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if wanted is not None:
        chosen = next((s for title, s in sheets.items() if title.strip().lower() == wanted.strip().lower()), None)
        if chosen is None:
            raise TableError(f"There is no sheet {wanted}; the workbook has {', '.join(sheets)}.")
        return chosen, []
    filled_sheets = [
        sheet
        for sheet in sheets.values()
        if sheet.sheet_state == "visible" and any(filled(cells) for _, cells in islice(_rows(sheet), PREAMBLE))
    ]
    if not filled_sheets:
        raise TableError("The workbook is empty: there is nothing in any of its sheets.")
    return filled_sheets[0], [sheet.title for sheet in filled_sheets[1:]]


def _check_size(path: Path) -> None:
    """:raises TableError: for a workbook that would unpack to more than a shop's tables ever are."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _damaged(error) from None
    encrypted = any(part.flag_bits & 1 for part in parts)
    packed_too_well = any(part.file_size > SMALL and part.file_size > MOST_RATIO * part.compress_size for part in parts)
    elsewhere = any(
        part.file_size > MOST_BYTES_ELSEWHERE and not part.filename.startswith("xl/worksheets/") for part in parts
    )
    if encrypted:
        raise TableError("The workbook is protected by a password: save it without one.")
    if packed_too_well or elsewhere or sum(part.file_size for part in parts) > MOST_BYTES or len(parts) > 10_000:
        raise TableError(
            "The workbook would unpack to far more than a table is, as files made to do harm do. It was not opened. "
            "Export the table as CSV."
        )


def _merge_references(path: Path, part: str) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive, archive.open(part.lstrip("/")) as sheet:
        count, rest = 0, b""
        while chunk := sheet.read(1 << 20):
            data = rest + chunk
            end = 0
            for match in _MERGE.finditer(data):
                end = match.end()
                count += 1
                if count > MOST_MERGES:
                    raise TableError(f"The sheet has more than {MOST_MERGES:,} merged cells: unmerge them.")
                yield match.group(1).decode("ascii")
            rest = data[max(end, len(data) - 200) :]


def _damaged(error: BaseException) -> TableError:
    return TableError(
        f"The workbook is damaged or not made by the book ({type(error).__name__}): open it in a spreadsheet program, "
        "save it as XLSX or CSV, and give that."
    )
