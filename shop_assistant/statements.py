"""INSERT and UPDATE statements made once from a model, for the rows that every request writes.

The values are what the model's own fields make of them, so a statement writes what save() would; it only leaves
out building the statement anew each time.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models

Statement = tuple[str, list[Any]]


class Insert:
    """Rows of one model; anything that has attributes of the fields' names will do for a row."""

    def __init__(self, model: type[models.Model], fields: Sequence[str] | None = None) -> None:
        meta = model._meta
        chosen = [meta.get_field(name) for name in fields] if fields else meta.concrete_fields
        self._fields: list[Any] = [f for f in chosen if not isinstance(f, models.AutoField)]
        quoted = ", ".join(f'"{field.column}"' for field in self._fields)
        self._head = f'INSERT INTO "{meta.db_table}" ({quoted})'

    @cache  # noqa: B019  (there is one for a model, for as long as the process lives)
    def _sql(self, rows: int) -> str:
        row = f"({', '.join(['%s'] * len(self._fields))})"
        return f"{self._head} VALUES {', '.join([row] * rows)}"

    def of(self, rows: Sequence[Any]) -> Statement:
        return self._sql(len(rows)), self._values(rows)

    def if_any(self, row: Any, table: str) -> Statement:
        """One row, inserted where the named table (of a WITH clause) has one."""
        places = ", ".join(["%s"] * len(self._fields))
        return f"{self._head} SELECT {places} FROM {table}", self._values([row])  # noqa: S608

    def _values(self, rows: Iterable[Any]) -> list[Any]:
        return [f.get_db_prep_save(getattr(row, f.attname), connection) for row in rows for f in self._fields]


class Update:
    """Some fields of one row."""

    def __init__(self, model: type[models.Model], fields: Sequence[str], where: Sequence[str]) -> None:
        meta = model._meta
        self._fields: list[Any] = [meta.get_field(name) for name in fields]
        self._where: list[Any] = [meta.get_field(name) for name in where]
        assigned = ", ".join(f'"{field.column}" = %s' for field in self._fields)
        condition = " AND ".join(f'"{field.column}" = %s' for field in self._where)
        self._sql = f'UPDATE "{meta.db_table}" SET {assigned} WHERE {condition}'  # noqa: S608  (names of our own columns)

    def of(self, row: Any, **where: Any) -> Statement:
        """Only while the row is as `where` says."""
        values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in self._fields]
        return self._sql, values + [f.get_db_prep_save(where[f.name], connection) for f in self._where]


def execute(statement: Statement) -> int:
    """Run it; how many rows it concerned."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return int(cursor.rowcount)
