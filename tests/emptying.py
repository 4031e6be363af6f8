"""Leaves the database as it was made, after a test with real transactions.

Django's flush empties all of the hundred tables, and then makes permissions, roles and triggers anew: a second for each
such test. This touches only what the test did. Where the test took a trigger away, or changed one, flush does it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

from audit.append_only import TRIGGERS, guarded_models

Row = tuple[Any, ...]
SCHEMA = {
    "sqlite": "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": "SELECT tgrelid::regclass::text, tgname::text, tgenabled::text || pg_get_triggerdef(oid) "
    "FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT 'function', proname::text, prosrc FROM pg_proc "
    "WHERE pronamespace = 'public'::regnamespace UNION ALL SELECT tablename::text, rulename::text, definition "
    "FROM pg_rules WHERE schemaname = 'public' ORDER BY 1, 2",
}
"""Table, name and text of everything that acts by itself; PostgreSQL's begins with whether, and when, it is on."""


@dataclass(frozen=True)
class Made:
    tables: list[str]
    schema: list[Row]
    rows: dict[str, list[Row]]
    """Of the tables that are not empty in a new shop."""


_made: dict[str, Made] = {}
_flush: Callable[[TransactionTestCase], None] = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def remember() -> None:
    """What the databases hold now is what each test with real transactions finds."""
    for alias in connections:
        connection = connections[alias]
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        with connection.cursor() as cursor:
            rows = {table: _rows(cursor, table) for table in _filled(cursor, tables)}
            _made[alias] = Made(tables, _schema(cursor), rows)
    TransactionTestCase._fixture_teardown = _leave_as_made  # type: ignore[attr-defined]


def _leave_as_made(case: TransactionTestCase) -> None:
    found = [connections[alias] for alias in case._databases_names(include_mirrors=False)]  # type: ignore[attr-defined]
    if any(_altered(connection) for connection in found):
        for connection in found:
            _without_guards(connection)
        _flush(case)
    for connection in found:
        _empty(connection, _made[connection.alias])


def _altered(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        return _schema(cursor) != _made[connection.alias].schema


def _empty(connection: BaseDatabaseWrapper, made: Made) -> None:
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        now = {table: _rows(cursor, table) if table in made.rows else None for table in _filled(cursor, made.tables)}
        for table in made.rows.keys() - now.keys():
            now[table] = []
        changed = [t for t, rows in now.items() if rows is None or _sorted(rows) != _sorted(made.rows[t])]
        with _unguarded(cursor, made, changed):
            for table in changed:
                cursor.execute(f"DELETE FROM {table}")
            for table in changed:
                if rows := made.rows.get(table):
                    marks = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


@contextmanager
def _unguarded(cursor: CursorWrapper, made: Made, tables: list[str]) -> Iterator[None]:
    """Without the tables' triggers."""
    triggers = [(table, name, text) for table, name, text in made.schema if table in tables]
    on_postgresql = cursor.db.vendor == "postgresql"
    for table, name, _ in triggers:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}" if on_postgresql else f"DROP TRIGGER {name}")
    yield
    if on_postgresql:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is still to be checked keeps tables from being altered
    for table, name, text in triggers:
        always = "ALWAYS " if text.startswith("A") else ""
        cursor.execute(f"ALTER TABLE {table} ENABLE {always}TRIGGER {name}" if on_postgresql else text)


def _without_guards(connection: BaseDatabaseWrapper) -> None:
    """Else the append-only triggers would refuse the flush; it sends post_migrate, which installs them again."""
    with connection.cursor() as cursor:
        for table in (model._meta.db_table for model in guarded_models(connection.alias)):
            on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
            for name in TRIGGERS[connection.vendor]:
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on_table}")


def _schema(cursor: CursorWrapper) -> list[Row]:
    cursor.execute(SCHEMA[cursor.db.vendor])
    return cursor.fetchall()


def _filled(cursor: CursorWrapper, tables: list[str]) -> list[str]:
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables))
    return [name for (name,) in cursor.fetchall()]


def _rows(cursor: CursorWrapper, table: str) -> list[Row]:
    cursor.execute(f"SELECT * FROM {table}")
    return cursor.fetchall()


def _sorted(rows: list[Row]) -> list[str]:
    return sorted(map(repr, rows))
