"""Models that keep a history: `tracked()` goes onto a model as `history`, TrackedManager as its `objects`.

No way of Django's to change their rows passes the history by: `save()` and `delete()` write it in the same transaction,
`create_all` and `change_all` write it for many rows at once, everything else (`update`, `bulk_*`, expressions, the
library's own ways to skip it) is refused. Which events the histories are sealed in is the audit app's to know.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from django.db import models, router, transaction
from simple_history.models import HistoricalRecords
from simple_history.signals import post_create_historical_record

SYSTEM = "system"


@dataclass
class Authorship:
    user_id: str
    reason: str
    _rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """model, key, history id and digest of each row of history made meanwhile. Whoever reads them tells them."""
        self._told = len(self._rows)
        return self._rows

    _told: int = 0

    def note(self, row: dict[str, Any]) -> None:
        self._rows.append(row)

    def take(self) -> list[dict[str, Any]]:
        taken, self._rows, self._told = self._rows, [], 0
        return taken

    @property
    def untold(self) -> list[dict[str, Any]]:
        return self._rows[self._told :]


_current: ContextVar[Authorship | None] = ContextVar("authorship", default=None)


def authorship_now() -> Authorship | None:
    return _current.get()


@contextmanager
def authorship(user_id: str, reason: str) -> Iterator[Authorship]:
    """See `audit.history.authored`."""
    made = Authorship(user_id, reason[:100])
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


def _author(instance: Any, **kwargs: Any) -> str:
    current = _current.get()
    return current.user_id if current else SYSTEM


def _get_author(row: Any) -> str:
    author: str = row.history_user_id
    return author


def _set_author(row: Any, author: Any) -> None:
    """The library's admin hands in the user itself."""
    row.history_user_id = getattr(author, "public_id", author)


def reason_now() -> str | None:
    current = _current.get()
    return current.reason or None if current else None


late_models: list[Any] = []
"""Those whose history begins with an upgrade."""
_records: dict[Any, "_Records"] = {}


class _Records(HistoricalRecords):
    def __init__(self, *args: Any, late: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._late = late

    def get_change_reason_for_object(self, instance: Any, history_type: str, using: str) -> str | None:
        return reason_now()

    def finalize(self, sender: Any, **kwargs: Any) -> None:
        super().finalize(sender, **kwargs)
        if self.cls is sender:
            _records[sender] = self
            if self._late:
                late_models.append(sender)

    def add_extra_methods(self, cls: Any) -> None:
        """Not the library's `save_without_historical_record`, but a save that commits with its history or not at all:
        the library writes that after the row, which in autocommit would be committed by then.
        """
        cls.save_base = _saved_together(cls.save_base)

    def post_save(self, instance: Any, created: bool, using: str | None = None, **kwargs: Any) -> None:
        """Also for what the library would skip: raw saves of a fixture, rows marked to be left out."""
        fields = kwargs.get("update_fields")
        if fields is not None and not created:
            if not {f.name for f in self.fields_included(instance)} & set(fields):
                return
            instance = type(instance)._base_manager.using(using).get(pk=instance.pk)  # others may have changed the rest
        self.create_historical_record(instance, "+" if created else "~", using=using)

    def post_delete(self, instance: Any, using: str | None = None, **kwargs: Any) -> None:
        self.create_historical_record(instance, "-", using=using)


def _saved_together(save_base: Callable[..., None]) -> Callable[..., None]:
    def saved(self: Any, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        for column in self._meta.concrete_fields:
            if hasattr(self.__dict__.get(column.attname), "resolve_expression"):
                raise TypeError(f"{type(self).__name__} keeps a history: give {column.name} its value, no expression")
        using = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            save_base(self, *args, using=using, **kwargs)

    setattr(saved, "alters_data", True)  # noqa: B010  (templates may not call it)
    return saved


def tracked(*, late: bool = False, **options: Any) -> HistoricalRecords:
    """`history = tracked()`: keep every state of the rows of this model, with who and why.

    :param late: migrations make rows of it, whose history begins afterwards (`audit.history.histories_begin`).
    """
    return _Records(
        late=late,
        history_user_id_field=models.CharField(max_length=32),
        history_user_getter=_get_author,
        history_user_setter=_set_author,
        get_user=_author,
        **options,
    )


M = TypeVar("M", bound=models.Model)


class TrackedQuerySet(models.QuerySet[M]):
    """Refuses the calls that would change rows without a history."""

    def update(self, **kwargs: Any) -> int:
        """Only of columns that the history leaves out."""
        kept = {name for column in history_of(self.model).tracked_fields for name in (column.name, column.attname)}
        if not kept.isdisjoint(kwargs) or "pk" in kwargs:
            raise TypeError(f"{self.model.__name__} keeps a history: change its rows one by one with save()")
        return super().update(**kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.model.__name__} keeps a history: use change_all()")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.model.__name__} keeps a history: use create_all()")

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise TypeError(f"{self.model.__name__} keeps a history: use delete()")

    def define_all(self, rows: Iterable[Any]) -> None:
        """Rows that the code defines, after a migrate: their history begins with the upgrade that it is part of."""
        if self.model not in late_models:
            raise TypeError(f"{self.model.__name__} keeps a history from its rows' beginning: use create_all()")
        super().bulk_create(list(rows))

    def create_all(self, rows: Iterable[Any], batch_size: int = 500) -> list[Any]:
        """bulk_create that also writes each row's first history."""
        with transaction.atomic(using=self.db):
            made = super().bulk_create(rows, batch_size=batch_size)
            self._write_history(made, batch_size)
        return made

    def change_all(self, rows: Iterable[Any], fields: Iterable[str], batch_size: int = 500) -> None:
        """bulk_update that also writes each row's next history. The rows have to be locked and as they are stored in
        all other fields.
        """
        changed = list(rows)
        with transaction.atomic(using=self.db):
            models.QuerySet(self.model, using=self.db).bulk_update(changed, fields, batch_size=batch_size)
            self._write_history(changed, batch_size, update=True)

    def _write_history(self, rows: list[Any], batch_size: int, *, update: bool = False) -> None:
        tracked_model: Any = self.model
        written = tracked_model.history.bulk_history_create(
            rows, batch_size=batch_size, update=update, default_change_reason=reason_now() or ""
        )
        all_rows_made.send(sender=self.model, rows=written)


def history_of(model: Any) -> Any:
    """The model of its history."""
    return getattr(model, model._meta.simple_history_manager_attribute).model


def state_write(instance: Any, kind: str = "~") -> None:
    """The row's next history, as it is now: of something that hangs on it, such as a user's roles."""
    _records[type(instance)].create_historical_record(instance, kind, using=instance._state.db)


class _Manager(models.Manager[M]):
    def contribute_to_class(self, cls: Any, name: str) -> None:
        """Also where Django itself reaches for the rows: related objects, `_base_manager`."""
        super().contribute_to_class(cls, name)
        cls._meta.base_manager_name = name


TrackedManager = _Manager.from_queryset(TrackedQuerySet)

row_made = post_create_historical_record
"""The library's signal: `history_instance` was written."""
all_rows_made = models.signals.ModelSignal()
"""`rows` of history were written at once."""
