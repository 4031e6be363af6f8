"""INSERT and UPDATE statements made once from a model, for the rows that every request writes.

The values are what the model's own fields make of them, so a statement writes what save() would; it only leaves
out building the statement anew each time.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models

Statement = tuple[str, list[Any]]
TAKEN_AS_THEY_ARE = (
    models.BooleanField, models.CharField, models.DateTimeField, models.DecimalField, models.ForeignKey,
    models.IntegerField, models.TextField, models.UUIDField,
)  # fmt: skip
"""Fields whose values PostgreSQL's driver takes as Python has them."""


@cache
def on_postgresql() -> bool:
    """Whether the main database is PostgreSQL, without the way through the connection of this thread."""
    return connection.vendor == "postgresql"


class _Columns:
    """Some fields of a model, and the values for them."""

    def __init__(self, fields: Sequence[Any]) -> None:
        self.quoted = [f'"{field.column}"' for field in fields]
        self._fields = [(field.attname, field, isinstance(field, TAKEN_AS_THEY_ARE)) for field in fields]

    def of(self, rows: Iterable[Any]) -> list[Any]:
        driver_takes_them = on_postgresql()
        return [
            getattr(row, name)
            if as_is and driver_takes_them
            else field.get_db_prep_save(getattr(row, name), connection)
            for row in rows
            for name, field, as_is in self._fields
        ]


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
