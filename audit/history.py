"""History of master data: django-simple-history, with the author as a plain id and each row sealed in an event.

`tracked()` goes onto a model as `history`, TrackedManager as its `objects`. Within `authored(...)` every row of
history that is made names the author, and is listed for the event that will commit with it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from django.db import models, transaction
from django.dispatch import receiver
from simple_history.models import HistoricalRecords
from simple_history.signals import post_create_historical_record

from .events import canonical
from .services import digest

SYSTEM = "system"


@dataclass
class Authorship:
    user_id: str
    reason: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    """model, key, history id and digest of each row of history made meanwhile."""


_current: ContextVar[Authorship | None] = ContextVar("authorship", default=None)


@contextmanager
def authored(user_id: str, reason: str = "") -> Iterator[Authorship]:
    """Everything changed within is this user's doing."""
    authorship = Authorship(user_id, reason[:100])
    token = _current.set(authorship)
    try:
        yield authorship
    finally:
        _current.reset(token)


def noted_rows() -> list[dict[str, Any]]:
    """Take the rows of history made so far, for an event."""
    current = _current.get()
    if current is None:
        return []
    taken, current.rows = current.rows, []
    return taken


def _author(instance: Any, **kwargs: Any) -> str:
    current = _current.get()
    return current.user_id if current else SYSTEM


def _get_author(row: Any) -> str:
    author: str = row.history_user_id
    return author


def _set_author(row: Any, author: Any) -> None:
    """The library's admin hands in the user itself."""
    row.history_user_id = getattr(author, "public_id", author)


def _reason() -> str | None:
    current = _current.get()
    return current.reason or None if current else None


class _Records(HistoricalRecords):
    def get_change_reason_for_object(self, instance: Any, history_type: str, using: str) -> str | None:
        return _reason()


def tracked(**options: Any) -> HistoricalRecords:
    """`history = tracked()`: keep every state of the rows of this model, with who and why."""
    return _Records(
        history_user_id_field=models.CharField(max_length=32),
        history_user_getter=_get_author,
        history_user_setter=_set_author,
        get_user=_author,
        **options,
    )


M = TypeVar("M", bound=models.Model)


class TrackedQuerySet(models.QuerySet[M]):
    """Refuses the calls that would change rows without a history."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.model.__name__} keeps a history: change its rows one by one with save()")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.model.__name__} keeps a history: change its rows one by one with save()")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.model.__name__} keeps a history: use create_all()")

    def create_all(self, rows: Iterable[Any], batch_size: int = 500) -> list[Any]:
        """bulk_create that also writes each row's first history."""
        with transaction.atomic():
            made = super().bulk_create(rows, batch_size=batch_size)
            tracked_model: Any = self.model
            history = tracked_model.history.bulk_history_create(
                made, batch_size=batch_size, default_change_reason=_reason() or ""
            )
            for row in history:
                _note(row)
        return made

    def change_all(self, rows: Iterable[Any], fields: Iterable[str], batch_size: int = 500) -> None:
        """bulk_update that also writes each row's next history."""
        changed = list(rows)
        with transaction.atomic():
            models.QuerySet(self.model, using=self.db).bulk_update(changed, fields, batch_size=batch_size)
            tracked_model: Any = self.model
            history = tracked_model.history.bulk_history_create(
                changed, batch_size=batch_size, update=True, default_change_reason=_reason() or ""
            )
            for row in history:
                _note(row)


TrackedManager = models.Manager.from_queryset(TrackedQuerySet)


@receiver(post_create_historical_record)
def _note_created(sender: Any, history_instance: Any, **kwargs: Any) -> None:
    _note(history_instance)


def _note(row: Any) -> None:
    """Not business logic: it only lists the row for the event that seals it."""
    if current := _current.get():
        current.rows.append(
            {
                "model": row.instance_type._meta.label,
                "key": str(getattr(row, row.instance_type._meta.pk.attname)),
                "history_id": row.history_id,
                "digest": row_digest(row),
            }
        )


def row_digest(row: Any) -> str:
    """SHA-256 of a history row's columns in canonical JSON, as the database will give them back."""
    values = {f.attname: _stored(f, getattr(row, f.attname)) for f in row._meta.concrete_fields}
    return digest(values)


def _stored(column: models.Field[Any, Any], value: Any) -> str | None:
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
