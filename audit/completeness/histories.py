"""Histories against the events that seal them, and against the rows they are of."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models
from simple_history.models import registered_models

from shop_assistant.tracking import history_of

from ..history import row_digests, stored
from ..models import AuditRecord, Outbox
from .checks import Gap, Look, check

CHUNK = 1000
LISTS = '"history":[{"'
"""In the canonical JSON of every event that lists rows of history."""
NAMED = 100
"""Of so many rows it is said which of their columns differ."""

Entry = dict[str, Any]


class _Numbers:
    """A set of positive numbers, a bit each: the ids of a million rows take 125 KB."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        if number >> 3 >= len(self._bits):
            self._bits.extend(bytes((number >> 3) + 4096 - len(self._bits)))
        self._bits[number >> 3] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        return number >> 3 < len(self._bits) and bool(self._bits[number >> 3] & 1 << (number & 7))


def tracked_models() -> list[Any]:
    """Those that keep a history (the library also registers the tables between many and many)."""
    return sorted(
        (model for model in registered_models.values() if hasattr(model._meta, "simple_history_manager_attribute")),
        key=lambda model: model._meta.label,
    )


@check("history", "rows of history against the events that seal them")
def histories_sealed(look: Look) -> Iterator[Gap]:
    """Each row that an event lists is there as it was; each row that is there was listed."""
    listed: dict[str, _Numbers] = defaultdict(_Numbers)
    for entries in _chunks(_listed(look)):
        yield from _compare(entries, listed)
    for model in tracked_models():
        history, known = history_of(model), listed[model._meta.label]
        rows = history._base_manager.order_by("history_id").values_list("history_id", "history_user_id")
        for number, author in rows.iterator(chunk_size=CHUNK):
            look.rows["history"] += 1
            if number not in known:
                told = f"was added without an event, in the name of {author}"
                yield Gap("history", f"row {number} of the history of {model._meta.label}", told)


def _listed(look: Look) -> Iterator[tuple[bool, Entry]]:
    """What events list, in the log's order, and whether it must be there already."""
    records = AuditRecord.objects.filter(payload__contains=LISTS).order_by("seq").values_list("seq", "payload")
    for seq, payload in records.iterator(chunk_size=CHUNK):
        for entry in _entries(payload):
            yield seq <= look.size, entry
    waiting = Outbox.objects.filter(sealed_at=None, payload__contains=LISTS).order_by("id")
    for payload in waiting.values_list("payload", flat=True).iterator(chunk_size=CHUNK):
        for entry in _entries(payload):
            yield True, entry


def _entries(payload: str) -> list[Entry]:
    try:
        entries = json.loads(payload).get("history")
    except ValueError:
        return []  # no record of ours: audit_verify names it
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _chunks(entries: Iterator[tuple[bool, Entry]]) -> Iterator[list[tuple[bool, Entry]]]:
    chunk: list[tuple[bool, Entry]] = []
    for entry in entries:
        chunk.append(entry)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _compare(entries: list[tuple[bool, Entry]], listed: dict[str, _Numbers]) -> Iterator[Gap]:
    by_model: dict[str, list[tuple[bool, Entry]]] = defaultdict(list)
    for firm, entry in entries:
        by_model[str(entry.get("model"))].append((firm, entry))
    for label, some in by_model.items():
        history = _history_named(label)
        if history is None:
            continue  # of a model that this version no longer has
        found = history._base_manager.in_bulk([entry["history_id"] for _, entry in some], field_name="history_id")
        for firm, entry in some:
            number = entry["history_id"]
            listed[label].add(number)
            row = found.get(number)
            if row is not None and entry["digest"] not in row_digests(row):
                yield Gap("history", f"row {number} of the history of {label} {entry['key']}", "was changed")
            elif row is None and firm:
                yield Gap("history", f"row {number} of the history of {label} {entry['key']}", "was removed")


def _history_named(label: str) -> Any:
    try:
        return history_of(apps.get_model(label))
    except (LookupError, ValueError, AttributeError):
        return None


@check("live", "rows of master data against the newest of their history")
def rows_as_in_history(look: Look) -> Iterator[Gap]:
    for model in tracked_models():
        label = model._meta.label
        look.rows["live"] += model._base_manager.count()
        for number, (key, newest) in enumerate(_run(_unlike(model))):
            yield Gap("live", f"{label} {key}", _unlike_how(model, key, newest, named=number < NAMED))
        for (key,) in _run(_gone(model)):
            yield Gap("live", f"{label} {key}", "was removed past its history")


def _unlike_how(model: Any, key: Any, newest: int | None, *, named: bool) -> str:
    if newest is None:
        return "has no history"
    if not named:
        return "was changed past its history"
    row, told = model._base_manager.get(pk=key), history_of(model)._base_manager.get(history_id=newest)
    if told.history_type == "-":
        return "was added past its history, which says that it was removed"
    pairs = [(c, getattr(row, c.attname), getattr(told, c.attname)) for c in _columns(model)]
    names = [column.name for column, now, then in pairs if stored(column, now) != stored(column, then)]
    return f"was changed past its history: {', '.join(names)}"


def _columns(model: Any) -> list[models.Field[Any, Any]]:
    """What the history keeps of the model."""
    kept = {column.name for column in history_of(model).tracked_fields}
    return [column for column in model._meta.concrete_fields if column.name in kept]


def _unlike(model: Any) -> str:
    """Keys of rows that are not as the newest of their history says, with its id."""
    names, differs = _names(model), {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}[connection.vendor]
    columns = [connection.ops.quote_name(str(column.column)) for column in _columns(model)]
    different = " OR ".join(f"l.{column} {differs} h.{column}" for column in columns)
    return (  # noqa: S608  (names from the models)
        "SELECT l.{key}, h.history_id FROM {live} l LEFT JOIN {history} h ON h.history_id ="
        " (SELECT MAX(n.history_id) FROM {history} n WHERE n.{key} = l.{key})"
        " WHERE h.history_id IS NULL OR h.history_type = '-' OR {different} ORDER BY l.{key}"
    ).format(**names, different=different)


def _gone(model: Any) -> str:
    """Keys of rows that are not there, although their history does not say that they were removed."""
    return (  # noqa: S608  (names from the models)
        "SELECT h.{key} FROM (SELECT MAX(history_id) AS newest FROM {history} GROUP BY {key}) n"
        " JOIN {history} h ON h.history_id = n.newest WHERE h.history_type <> '-'"
        " AND NOT EXISTS (SELECT 1 FROM {live} l WHERE l.{key} = h.{key}) ORDER BY h.{key}"
    ).format(**_names(model))


def _names(model: Any) -> dict[str, str]:
    quote = connection.ops.quote_name
    live, history = model._meta, history_of(model)._meta
    return {"live": quote(live.db_table), "history": quote(history.db_table), "key": quote(str(live.pk.column))}


def _run(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
