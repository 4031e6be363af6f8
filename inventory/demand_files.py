"""Units sold by product and day, from a file: CSV (plain or gzip) or Parquet with the columns sku, date and units."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from shop_assistant.tables.headers import guess
from shop_assistant.tables.reading import TableError, file_check, open_table
from shop_assistant.tables.values import code_of, decimal_of

NEEDED = ("sku", "date", "units")
LARGEST = 1e12
MOST_CELLS = 200_000_000
"""Products x days; eight bytes each."""
MOST_DAYS = 30 * 366
"""A file of more has a wrong date among the right ones."""
TOLD_EVERY = 10_000
SHOWN = 10
Array = NDArray[np.float64]
Record = tuple[int, str, Any, Any, Any]
"""Line, what is wrong with it, and the three cells."""


@dataclass(slots=True)
class Demand:
    """Dense from the file's first day to its last; days without a row are zero."""

    start: date
    units: Array
    """products x days; never below zero, where returns were taken off"""
    rows: int
    rejected: int = 0
    first_rejects: list[tuple[int, str]] = field(default_factory=list)
    """line and reason"""


def demand_read(path: Path, *, progress: Callable[[int], object] = lambda rows: None) -> Demand:
    """Read the file; rows that can't be used are counted and left out, rows of one product and day are added up.

    :raises TableError: when it can't be read, has no such columns, or no usable row.
    """
    file_check(path)
    with path.open("rb") as file:
        parquet = file.read(4) == b"PAR1"
    return _gathered(_parquet(path) if parquet else _text(path), progress)


def _text(path: Path) -> Iterator[Record]:
    with open_table(path) as table:
        places = _places(table.header)
        for row in table:
            sku, day, units = (row.cells[place] if place < len(row.cells) else None for place in places)
            yield row.number, row.problem, sku, day, units


def _parquet(path: Path) -> Iterator[Record]:
    try:
        with duckdb.connect() as memory:
            memory.execute("SET TimeZone = 'UTC'")
            table = memory.read_parquet(str(path))
            wanted = ", ".join(_cell(table.columns[place], str(table.types[place])) for place in _places(table.columns))
            memory.execute(f"SELECT {wanted} FROM read_parquet(?)", [str(path)])  # noqa: S608  (names quoted)
            number = 0
            while some := memory.fetchmany(TOLD_EVERY):
                for sku, day, units in some:
                    number += 1
                    yield number, "", sku, day, units
    except duckdb.Error as error:
        told = str(error).partition("\n")[0]
        raise TableError(f"{path.name} can't be read as Parquet: {told}") from None


def _cell(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    # DuckDB gives such times to Python by a package of its own.
    return f"CAST({quoted} AS TEXT)" if kind == "TIMESTAMP WITH TIME ZONE" else quoted


def _places(header: Iterable[str]) -> list[int]:
    names = list(header)
    places = guess(names, dict.fromkeys(NEEDED, ())).places
    missing = [name for name in NEEDED if name not in places]
    if missing:
        raise TableError(
            f"There is no column {' and none '.join(missing)}: sku, date and units are needed. "
            f"The file has {', '.join(names)[:300]}."
        )
    return [places[name] for name in NEEDED]


def _gathered(records: Iterator[Record], progress: Callable[[int], object]) -> Demand:
    rows: dict[str, int] = {}
    places, days, units = array("q"), array("q"), array("d")
    rejected = seen = 0
    first: list[tuple[int, str]] = []
    for line, problem, sku, day, sold in records:
        seen += 1
        if seen % TOLD_EVERY == 0:
            progress(seen)
        try:
            if problem:
                raise ValueError(problem)
            code, ordinal, number = _code(sku), _ordinal(day), _units(sold)
        except (TypeError, ValueError) as error:
            rejected += 1
            if len(first) < SHOWN:
                first.append((line, str(error)))
            continue
        places.append(rows.setdefault(code, len(rows)))
        days.append(ordinal)
        units.append(number)
    if not rows:
        why = f": line {first[0][0]} {first[0][1]}" if first else ""
        raise TableError(f"The file has no usable row{why}.")
    return Demand(*_dense(places, days, units, len(rows)), seen, rejected, first)


def _dense(places: "array[int]", days: "array[int]", units: "array[float]", count: int) -> tuple[date, Array]:
    at = np.frombuffer(days, dtype=np.int64)
    begin, end = int(at.min()), int(at.max())
    if end - begin >= MOST_DAYS or (end - begin + 1) * count > MOST_CELLS:
        raise TableError(
            f"{count} products over {end - begin + 1} days are too much for one run: is there a wrong date "
            f"({date.fromordinal(begin)} to {date.fromordinal(end)})? Else split the file by product."
        )
    dense = np.zeros((count, end - begin + 1))
    np.add.at(dense, (np.frombuffer(places, dtype=np.int64), at - begin), np.frombuffer(units))
    return date.fromordinal(begin), np.maximum(dense, 0.0)


def _code(cell: Any) -> str:
    code = code_of(cell)
    if not code:
        raise ValueError("has no sku")
    return code


@lru_cache(maxsize=8192)
def _ordinal(cell: Any) -> int:
    """A date, or the date of a time, as written."""
    if isinstance(cell, date):
        return cell.toordinal()
    text = str(cell if cell is not None else "").strip()
    if not text:
        raise ValueError("has no date")
    try:
        return (
            date.fromisoformat(text[:10]).toordinal() if len(text) == 10 else datetime.fromisoformat(text).toordinal()
        )
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date: write it as 2026-12-31") from None


def _units(cell: Any) -> float:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        decimal = decimal_of(cell)
        if decimal is None:
            raise ValueError("has no units") from None
        number = float(decimal)
    if not isfinite(number) or abs(number) > LARGEST:
        raise ValueError(f"{str(cell)[:40]!r} is no number of units")
    return number
