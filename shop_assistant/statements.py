"""INSERT and UPDATE statements made once from a model, for the rows that every request writes.

The values are what the model's own fields make of them, so a statement writes what save() would; it only leaves
out building the statement anew each time.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from django.db import connection, models

Statement = tuple[str, list[Any]]
SIMPLE = (models.BooleanField, models.CharField, models.IntegerField, models.TextField)
TAKEN_AS_THEY_ARE = {
    "postgresql": (*SIMPLE, models.DateTimeField, models.DecimalField, models.ForeignKey, models.UUIDField),
    "sqlite": SIMPLE,
}
"""Fields whose values the database's driver takes as Python has them."""


@cache
def on_postgresql() -> bool:
    """Whether the main database is PostgreSQL, without the way through the connection of this thread."""
    return connection.vendor == "postgresql"


class _Columns:
    """Some fields of a model, and the values for them."""

    def __init__(self, fields: Sequence[Any]) -> None:
        self.quoted = [f'"{field.column}"' for field in fields]
        self._fields = fields

    def of(self, rows: Iterable[Any]) -> list[Any]:
        ways = self._ways
        return [way(getattr(row, name)) if way else getattr(row, name) for row in rows for name, way in ways]

    @cached_property
    def _ways(self) -> list[tuple[str, Callable[[Any], Any] | None]]:
        """For each field what makes its value ready for the database; None: nothing need be done."""
        return [(field.attname, _way(field)) for field in self._fields]


def _way(field: Any) -> Callable[[Any], Any] | None:
    if isinstance(field, TAKEN_AS_THEY_ARE[connection.vendor]):
        return None
    if isinstance(field, models.UUIDField):
        return _hexadecimal
    return lambda value: field.get_db_prep_save(value, connection)


def _hexadecimal(value: UUID | None) -> str | None:
    return value.hex if value else None


class Insert:
    """Rows of one model; anything that has attributes of the fields' names will do for a row."""

    def __init__(self, model: type[models.Model], fields: Sequence[str] | None = None) -> None:
        meta = model._meta
        chosen = [meta.get_field(name) for name in fields] if fields else meta.concrete_fields
        self._columns = _Columns([f for f in chosen if not isinstance(f, models.AutoField)])
        self._places = ", ".join(["%s"] * len(self._columns.quoted))
        self._head = f'INSERT INTO "{meta.db_table}" ({", ".join(self._columns.quoted)})'

    @cache  # noqa: B019  (there is one for a model, for as long as the process lives)
    def _sql(self, rows: int) -> str:
        return f"{self._head} VALUES {', '.join([f'({self._places})'] * rows)}"

    def of(self, rows: Sequence[Any]) -> Statement:
        return self._sql(len(rows)), self._columns.of(rows)

    def if_any(self, row: Any, table: str) -> Statement:
        """One row, inserted where the named table (of a WITH clause) has one."""
        return f"{self._head} SELECT {self._places} FROM {table}", self._columns.of([row])  # noqa: S608


class Update:
    """Some fields of one row."""

    def __init__(self, model: type[models.Model], fields: Sequence[str], where: Sequence[str]) -> None:
        meta = model._meta
        self._columns = _Columns([meta.get_field(name) for name in fields])
        self._where: list[Any] = [meta.get_field(name) for name in where]
        assigned = ", ".join(f"{column} = %s" for column in self._columns.quoted)
        condition = " AND ".join(f'"{field.column}" = %s' for field in self._where)
        self._sql = f'UPDATE "{meta.db_table}" SET {assigned} WHERE {condition}'  # noqa: S608  (names of our own columns)

    def of(self, row: Any, **where: Any) -> Statement:
        """Only while the row is as `where` says."""
        return self._sql, self._columns.of([row]) + [f.get_db_prep_save(where[f.name], connection) for f in self._where]


def execute(statement: Statement) -> int:
    """Run it; how many rows it concerned."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return int(cursor.rowcount)
