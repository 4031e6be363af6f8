"""The triggers that make the database itself refuse to change or remove what was recorded.

Installed after every migrate, because SQLite drops a table's triggers whenever a migration rebuilds it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connections, router
from simple_history.models import registered_models

from shop_assistant.sql import run_sql_file

from .models import AppendOnly, Outbox

SQL = Path(__file__).parent / "sql"
TRIGGERS = {
    "postgresql": ("append_only", "no_truncate"),
    "sqlite": ("no_update", "no_delete", "no_replace"),
}


def guarded_models(using: str) -> list[Any]:
    """The append-only models whose tables are in this database: ledgers, records, every history."""
    ledgers = [m for m in apps.get_models() if issubclass(m, AppendOnly)]
    histories = [getattr(m, m._meta.simple_history_manager_attribute).model for m in registered_models.values()]
    return [m for m in ledgers + histories if router.allow_migrate_model(using, m)]


def install(using: str, **kwargs: Any) -> None:
    """Idempotent."""
    connection = connections[using]
    existing = set(connection.introspection.table_names())
    _drop_changed(using)
    for model in guarded_models(using):
        if model._meta.db_table in existing:
            run_sql_file(connection, SQL, "append_only.sql", table=model._meta.db_table, taken=_taken(model))


def _taken(model: Any) -> str:
    """SQL that finds the row which an INSERT OR REPLACE would quietly replace."""
    alone = [(field.name,) for field in model._meta.concrete_fields if field.unique]
    together = [constraint.fields for constraint in model._meta.total_unique_constraints]
    return " OR ".join(f"({_same(model, names)})" for names in [*alone, *together])


def _same(model: Any, names: Iterable[str]) -> str:
    columns = [model._meta.get_field(name).column for name in names]
    return " AND ".join(f"{column} = NEW.{column}" for column in columns)


def missing_triggers(using: str) -> list[str]:
    """Names of the triggers that should guard a table of this database but don't."""
    return sorted(_wanted(using).keys() - _found(using).keys())


def changed_triggers(using: str) -> list[str]:
    """Names of the triggers that are there, but no longer do what ours do."""
    found = _found(using)
    return sorted(name for name, wanted in _wanted(using).items() if found.get(name, wanted) != wanted)


def foreign_triggers(using: str) -> list[str]:
    """Triggers, and rules of PostgreSQL's, on the trail's tables that are none of ours: they could swallow what is
    written, or write something else.
    """
    return sorted(_there(using) - _wanted(using).keys())


def triggers_switched_off(using: str) -> set[str]:
    """Names of our triggers that are there, but not in force (PostgreSQL's DISABLE TRIGGER)."""
    return (_there(using) & _wanted(using).keys()) - _found(using).keys()


def _there(using: str) -> set[str]:
    """Names of all triggers and rules on the trail's tables, in force or not."""
    connection = connections[using]
    tables = [model._meta.db_table for model in [*guarded_models(using), Outbox]]
    query = {"sqlite": _SQLITE_ALL, "postgresql": _POSTGRESQL_ALL}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for name, table in cursor.fetchall() if table in tables}


def _drop_changed(using: str) -> None:
    """SQLite replaces no trigger; ours are made anew where a table's unique columns are others now."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in changed_triggers(using):
                cursor.execute(f"DROP TRIGGER {name}")


def _found(using: str) -> dict[str, str]:
    """The triggers that are in force, by name, each with what it does."""
    connection = connections[using]
    query = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name: _spaced(does) for name, does in cursor.fetchall()}


def _wanted(using: str) -> dict[str, str]:
    vendor = connections[using].vendor
    source = (SQL / vendor / "append_only.sql").read_text()
    wanted = {}
    for model in guarded_models(using):
        table = model._meta.db_table
        if vendor == "postgresql":
            body = source.split("$$")[1]
            wanted[f"{table}_append_only"] = _spaced(f"{table} {_BEFORE_UPDATE_OR_DELETE} true {body}")
            wanted[f"{table}_no_truncate"] = _spaced(f"{table} {_BEFORE_TRUNCATE} true {body}")
            continue
        for statement in source.replace("{table}", table).replace("{taken}", _taken(model)).split("\n\n"):
            does = _spaced(statement.replace("IF NOT EXISTS ", "")).removesuffix(";")
            wanted[does.split()[2]] = does
    return wanted


def _spaced(text: str) -> str:
    return " ".join(text.split())


_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
_SQLITE_ALL = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
_BEFORE_UPDATE_OR_DELETE, _BEFORE_TRUNCATE = 27, 34
"""https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_trigger.h: row 1, before 2,
delete 8, update 16, truncate 32"""
_POSTGRESQL = """
    SELECT t.tgname, c.relname || ' ' || t.tgtype || ' ' || (t.tgqual IS NULL AND t.tgattr = '') || ' ' || p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND t.tgenabled = 'A'
"""
_POSTGRESQL_ALL = """
    SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.rulename, c.relname FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
"""
