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

from .models import AppendOnly

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
    connection = connections[using]
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {name for (name,) in cursor.fetchall()}
    wanted = {f"{m._meta.db_table}_{t}" for m in guarded_models(using) for t in TRIGGERS[connection.vendor]}
    return sorted(wanted - found)
