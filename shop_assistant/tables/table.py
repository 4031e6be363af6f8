"""What a table is, whatever file it came from. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

Cell = str | int | float | Decimal | datetime | None

MOST_COLUMNS = 1000
LONGEST_CELL = 1_000_000
"""Characters; the longest that Excel holds are 32,767, but product descriptions in CSV can be longer."""
MOST_BYTES = 1 << 30
MOST_RATIO = 250
"""What is packed may unpack to so many bytes, and to so many times its size: a table of text shrinks to a tenth."""
SMALL = 4 << 20
"""What unpacks to less is let be, however well it is packed."""
PREAMBLE = 20
"""So many lines may stand above the header."""

_NUMBER_OR_DATE = re.compile(r"[-+(]?[£€$]?\s*\d[\d.,:/ T+-]*\)?%?")


class TableError(ValueError):
    """The file can't be read as a table. The message says what is wrong with it and what to do."""


@dataclass(slots=True)
class Row:
    number: int
    """The line, or the row of the sheet, as a person counts it."""
    cells: list[Cell]
    problem: str = ""
    """Why this row can't be used, where it can't."""


class Table:
    """A header and rows. Iterate it once."""

    header: list[str]
    size: int
    """Lines of the file or rows of the sheet, about: for a progress bar, beside `Row.number`."""
    delimiter: str = ""
    """Between the cells of a text file."""
    notes: list[str]
    """What was guessed about the file, for the one who gave it."""

    def __iter__(self) -> Iterator[Row]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def filled(cells: Sequence[Cell]) -> list[str]:
    """The cells that hold something, as text."""
    return [text for cell in cells if cell is not None and (text := str(cell).strip())]


def header_index(rows: Sequence[Sequence[Cell]]) -> int | None:
    """Which of a table's first rows is its header: the first that is about as full as the fullest, titles above it
    are not. None when there is no row that holds anything but figures.
    """
    best: int | None = None
    most = 0
    for index, cells in enumerate(rows[: PREAMBLE + 1]):
        texts = filled(cells)
        if not texts:
            continue
        if sum(1 for text in texts if _NUMBER_OR_DATE.fullmatch(text)) * 3 > len(texts):
            break
        if best is None or len(texts) * 2 > most * 3:
            best, most = index, len(texts)
    return best


def header_checked(cells: Sequence[Cell], number: int) -> list[str]:
    """The header's names, neat.

    :raises TableError: for too many columns.
    """
    names = [" ".join(str(cell).replace("\ufeff", "").split()) if cell is not None else "" for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise TableError(
            f"Line {number} has {len(names):,} columns; a table of products or sales has at most {MOST_COLUMNS:,}. "
            "Was this exported with rows and columns swapped? Export it again with one product or sale a line."
        )
    return names


def no_header(first: Sequence[Cell], number: int) -> TableError:
    shown = ", ".join(filled(first)[:4])[:80]
    return TableError(
        f"The table has no header: line {number} looks like data ({shown} …). "
        "Put the names of the columns into the first line, such as SKU,Name,Price."
    )


def repeats(cells: Sequence[Cell], header: Sequence[str]) -> bool:
    """Whether a row is the header once more, as in exports joined together."""
    return len(cells) >= len(header) > 0 and all(
        name == cell or name == " ".join(str(cell or "").replace("\ufeff", "").split())
        for name, cell in zip(header, cells, strict=False)
    )


def header_names(header: Sequence[str]) -> frozenset[str]:
    """The columns' names, for `is_other_header`."""
    return frozenset(name for name in header if name)


def is_other_header(cells: Sequence[Cell], names: frozenset[str]) -> bool:
    """Whether a row names the columns once more, in another order."""
    return cells[0] in names and len(found := filled(cells)) > 1 and names.issuperset(found)


def other_header(number: int) -> TableError:
    return TableError(
        f"Line {number} is a second header with its columns in another order: two tables were joined. Cut the file in "
        "two there, and give one after the other."
    )
