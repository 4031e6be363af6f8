"""History of master data (see `shop_assistant.tracking`): every row of it is sealed in an event.

Within `authored(...)` every row of history that is made names the author, and is listed for the event that will commit
with it. What is changed outside of it (a shell, a command of Django's) is the system's doing and gets an event at once.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db import models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField
from django.dispatch import receiver

from shop_assistant.tracking import (
    SYSTEM,
    Authorship,
    all_rows_made,
    authorship,
    authorship_now,
    late_models,
    row_made,
    state_write,
)

from . import events
from .events import canonical
from .services import event_record

ROWS_AN_EVENT = 500


@contextmanager
def authored(user_id: str, reason: str = "") -> Iterator[Authorship]:
    """Everything changed within is this user's doing. Rows of history that nobody took for an event get one of their
    own at the end.
    """
    with authorship(user_id, reason) as current:
        yield current
    _tell(current.untold, user_id)


def noted_rows() -> list[dict[str, Any]]:
    """Take the rows of history made so far, for an event."""
    current = authorship_now()
    return current.take() if current else []


@receiver(row_made)
def _note_one(sender: Any, history_instance: Any, **kwargs: Any) -> None:
    _note([history_instance])


@receiver(all_rows_made)
def _note_all(sender: Any, rows: list[Any], **kwargs: Any) -> None:
    _note(rows)


def _note(rows: list[Any]) -> None:
    """Not business logic: it only lists the rows for the event that seals them."""
    listed = [
        {
            "model": row.instance_type._meta.label,
            "key": str(getattr(row, row.instance_type._meta.pk.attname)),
            "history_id": row.history_id,
            "digest": row_digest(row),
        }
        for row in rows
    ]
    if current := authorship_now():
        for entry in listed:
            current.note(entry)
    else:
        _tell(listed, SYSTEM)


def _tell(rows: list[dict[str, Any]], user_id: str) -> None:
    """Events of their own: as many as it takes."""
    for start in range(0, len(rows), ROWS_AN_EVENT):
        some = rows[start : start + ROWS_AN_EVENT]
        names = sorted({row["model"] for row in some})
        event_record(
            events.OBJECT_CHANGED,
            user_id=user_id,
            change="changed",
            model=", ".join(names),
            key=some[0]["key"] if len(some) == 1 else f"{len(some)} rows",
            by=_program(),
            history=some,
        )


def histories_begin() -> int:
    """Write the first history of rows that migrations, or versions without a history of theirs, have made; how many."""
    begun = 0
    for model in late_models:
        history = getattr(model, model._meta.simple_history_manager_attribute)
        key = model._meta.pk.attname
        rows = list(model._base_manager.exclude(pk__in=history.values(key)).order_by("pk"))
        if rows:
            with transaction.atomic(), authored(SYSTEM, "upgrade"):
                for row in rows:
                    state_write(row, "+")
        begun += len(rows)
    return begun


def _program() -> str:
    """Such as `manage.py changepassword`, without what was given to it."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    return f"{name} {sys.argv[1]}" if name == "manage.py" and len(sys.argv) > 1 else "python"


def row_digest(row: Any) -> str:
    """SHA-256 of a history row's columns in canonical JSON, as the database will give them back."""
    return _digest(row, row._meta.concrete_fields)


def row_digests(row: Any) -> Iterator[str]:
    """The row's digest, and those it had before each column that migrations have added since, the youngest first.

    A row sealed long ago fits one of them; one that was changed in a column it had then fits none.
    """
    columns = list(row._meta.concrete_fields)
    yield _digest(row, columns)
    for name in _added(row._meta.app_label, row._meta.model_name):
        columns = [column for column in columns if column.name != name]
        yield _digest(row, columns)


@cache
def _added(app: str, name: str) -> list[str]:
    """Columns of this table of history that are younger than it, the youngest first; from the migrations."""
    migrations: Any = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    added: list[str] = []
    for key in sorted(key for key in migrations if key[0] == app):
        for step in migrations[key].operations:
            if isinstance(step, AddField) and step.model_name_lower == name:
                added.insert(0, step.name)
    return added


def _digest(row: Any, columns: Iterable[Any]) -> str:
    values = {f.attname: stored(f, getattr(row, f.attname)) for f in columns}
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def stored(column: models.Field[Any, Any], value: Any) -> str | None:
    """One spelling for a value before and after its trip through the database."""
    if value is None:
        return None
    value = column.to_python(value)
    if isinstance(column, models.DecimalField):
        return f"{value:.{column.decimal_places}f}"
    if isinstance(column, models.JSONField):
        return canonical(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
