"""An export's rows, by the thousand: from one snapshot of the database, in constant memory."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from shop_assistant.agents.fields import iso_utc
from shop_assistant.sql import snapshot
from shop_assistant.tables.writing import Value
from shop_assistant.vault.services import Opener

from .definitions import Column, Kind, Part

__all__ = ["chunks", "names_in", "selected", "snapshot"]
CHUNK = 2000
_CONVERTERS: dict[Kind, Callable[[Any], Value]] = {
    Kind.TIME: iso_utc,
    Kind.ID: str,
    Kind.HEX: lambda value: bytes(value).hex(),
}


def names_in(part: Part, columns: Sequence[Column]) -> list[str]:
    """Those of the columns that this part fills."""
    return [column.name for column in columns if column.name in part.sources]


def selected(part: Part, rows: QuerySet[Any], columns: Sequence[Column]) -> QuerySet[Any]:
    """The query of exactly these columns, in this order."""
    return rows.values_list(*(part.sources[name] for name in names_in(part, columns)))


def chunks(part: Part, rows: QuerySet[Any], columns: Sequence[Column]) -> Iterator[list[list[Value]]]:
    """The part's rows as cells, personal ones opened with one query a chunk (empty where the key is gone)."""
    names = names_in(part, columns)
    found = selected(part, rows, columns).iterator(chunk_size=CHUNK)
    places = [names.index(column.name) if column.name in part.sources else None for column in columns]
    converters = [(n, _CONVERTERS[c.kind]) for n, c in enumerate(columns) if c.kind in _CONVERTERS]
    personal = [column for column in columns if column.personal]
    while chunk := list(islice(found, CHUNK)):
        opened = _opened(chunk, names, personal) if personal else chunk
        yield [_cells(row, places, converters) for row in opened]


def _cells(
    row: Sequence[Any], places: list[int | None], converters: list[tuple[int, Callable[[Any], Value]]]
) -> list[Value]:
    cells = [row[place] if place is not None else None for place in places]
    for number, convert in converters:
        if cells[number] is not None:
            cells[number] = convert(cells[number])
    return cells


def _opened(chunk: list[tuple[Any, ...]], names: list[str], personal: list[Column]) -> Iterator[list[Any]]:
    """:raises WrongKey: when a text was tampered with."""
    where = [(names.index(column.name), column) for column in personal]
    opener = Opener([row[number] for row in chunk for number, _ in where])
    for row in chunk:
        known, cells = dict(zip(names, row, strict=True)), list(row)
        for number, column in where:
            if cells[number] and column.place:
                open_it = opener.open if column.kind is Kind.DOCUMENT else opener.text
                cells[number] = open_it(cells[number], column.place(known))
        yield cells
