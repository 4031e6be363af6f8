"""Below the ORM: the apps' .sql files, and views of one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections, transaction


def run_sql_file(connection: Any, folder: Path, name: str, **names: str) -> None:
    """Run folder/<vendor>/name: statements parted by blank lines, `{names}` filled in."""
    source = (folder / connection.vendor / name).read_text()
    with connection.cursor() as cursor:
        for statement in source.split("\n\n"):
            for key, value in names.items():
                statement = statement.replace("{" + key + "}", value)
            if statement.strip():
                cursor.execute(statement)


@contextmanager
def snapshot(using: str) -> Iterator[None]:
    """Everything read within is of one moment. On SQLite without the write lock that our transactions begin with, so
    that the shop goes on selling; within a transaction of the caller's it is that one's view.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(using=using):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def has_table(using: str, table: str) -> bool:
    """Whether the database is there and has this table. A SQLite file that is not there is not made by looking.

    :raises DatabaseError: when the database can't be reached.
    """
    connection: Any = connections[using]
    in_file = connection.vendor == "sqlite" and not connection.is_in_memory_db()
    if in_file and not Path(connection.settings_dict["NAME"]).exists():
        return False
    return table in connection.introspection.table_names()
