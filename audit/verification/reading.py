"""The log's records by the thousand, each with the places of those that have to be looked at closely."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from django.conf import settings
from django.db import OperationalError, connections
from django.db.models import BinaryField, Field, TextField
from django.db.models.functions import Cast

from audit.models import AuditRecord
from audit.payloads import doubtful

CHUNK = 2000
AHEAD = 3
"""Chunks that the other process has waiting for it. With so many this one does the next itself."""

Row = tuple[Any, ...]
"""seq, prev, chain, and what `payloads` compares: payload, leaf, columns."""
Chunk = tuple[list[Row], bool]
"""Rows, and whether their spelling counts."""
Looked = Iterator[tuple[list[Row], list[int]]]
Look = Callable[[Iterable[Chunk]], Looked]


def chunks(first: int, vouched: int) -> Iterator[Chunk]:
    """The records from `first` on. In short reads: none of them keeps the shop waiting.

    :param vouched: a signature covers the bytes of the records up to here, so that their spelling does not count.
    """
    last = first - 1
    while rows := _read(last):
        last = rows[-1][0]
        yield rows, last > vouched


_TEXTS = {
    "sqlite": "event_id, event, task_id, user_id, agent, CAST(timestamp AS text)",
    "postgresql": "event_id::text, event, task_id::text, user_id, agent, timestamp::text",
}
_SQL = "SELECT seq, prev, chain, payload, leaf, {} FROM audit_record WHERE seq > %s ORDER BY seq LIMIT %s"
"""Past the ORM, whose conversions of ids and times take longer than all that is done with them."""


def _read(last: int) -> list[Row]:
    connection = connections[settings.AUDIT_DATABASE]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SQL.format(_TEXTS[connection.vendor]), [last, CHUNK])
            rows = cursor.fetchall()
    except OperationalError:
        if connection.vendor != "sqlite":
            raise
    else:
        if all(type(row[1]) is type(row[2]) is type(row[4]) is bytes and type(row[3]) is str for row in rows):
            return rows
    return _read_anything(last)


def _read_anything(last: int) -> list[Row]:
    """SQLite keeps anything in any column; so everything comes as what it should be, whatever it is."""
    casts: dict[str, Field[Any, Any]] = {
        "prev": BinaryField(),
        "chain": BinaryField(),
        "payload": BinaryField(),
        "leaf": BinaryField(),
    }
    casts |= dict.fromkeys(("event_id", "event", "task_id", "user_id", "agent", "timestamp"), TextField())
    columns = [Cast(name, field) for name, field in casts.items()]
    connection: Any = connections[settings.AUDIT_DATABASE].connection
    usual, connection.text_factory = connection.text_factory, lambda read: read.decode(errors="replace")
    try:
        records = AuditRecord.objects.filter(seq__gt=last).order_by("seq")
        return list(records.values_list("seq", *columns)[:CHUNK])
    finally:
        connection.text_factory = usual


def in_turn(found: Iterable[Chunk]) -> Looked:
    for rows, spelling in found:
        yield rows, doubtful([row[3:] for row in rows], spelling=spelling)


def two_processes(found: Iterable[Chunk]) -> Looked:
    """The same, with a second process that takes about half of the work."""
    waiting: deque[tuple[list[Row], Future[list[int]]]] = deque()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        for rows, spelling in found:
            given = [row[3:] for row in rows]
            if sum(not looked.done() for _, looked in waiting) < AHEAD:
                waiting.append((rows, other.submit(doubtful, given, spelling=spelling)))
            else:
                waiting.append((rows, _done(doubtful(given, spelling=spelling))))
            while waiting and waiting[0][1].done():
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def _done(places: list[int]) -> Future[list[int]]:
    looked: Future[list[int]] = Future()
    looked.set_result(places)
    return looked


def _result(chunk: tuple[list[Row], Future[list[int]]]) -> tuple[list[Row], list[int]]:
    return chunk[0], chunk[1].result()
