"""Many rows at once: COPY on PostgreSQL, executemany on SQLite, many times as fast as the ORM's bulk_create.

Only for tables that are filled by the ten thousand. The caller names the columns and gives every value that the
database asks for: defaults of the models, `save()` and validation have no part in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

Model = type[models.Model]


def keys_reserve(model: Model, count: int) -> Sequence[int]:
    """Primary keys for rows about to be inserted, which nobody else will get, ascending. Within a transaction."""
    if not count:
        return ()
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [_quoted(table), model._meta.pk.column, count],
            )
            return sorted(key for (key,) in cursor.fetchall())
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        first = found[0] + 1 if found else 1
        statement = "UPDATE sqlite_sequence SET seq = %s WHERE name = %s"
        if not found:
            statement = "INSERT INTO sqlite_sequence (seq, name) VALUES (%s, %s)"
        cursor.execute(statement, [first + count - 1, table])
        return range(first, first + count)


def rows_insert(
    model: Model, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, using: str = DEFAULT_DB_ALIAS
) -> None:
    """Insert rows; `columns` are the model's attributes (`order_id`, not `order`), in the order of each row's values.

    Times must be aware; decimals must fit their column. On PostgreSQL what a row refers to is checked at the end of
    the transaction, or by `references_check`.
    """
    _refuse_tracked(model)
    connection = connections[using]
    fields: list[Any] = [model._meta.get_field(name) for name in columns]
    table, names = _quoted(model._meta.db_table), ", ".join(_quoted(str(f.column)) for f in fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = f"COPY {table} ({names}) FROM STDIN"
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(fields))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  (names from the model)
        adapted: Any = map(_adapter(fields), rows)
        cursor.executemany(statement, adapted)


def rows_update(model: Model, column: str, values: Mapping[int, Any]) -> None:
    """Set one column of the rows with these primary keys."""
    _refuse_tracked(model)
    table, key = _quoted(model._meta.db_table), _quoted(model._meta.pk.column)
    field = model._meta.get_field(column)
    adapt = _plain if connection.vendor == "postgresql" else _adapters().get(type(field), _plain)
    statement = f"UPDATE {table} SET {_quoted(column)} = %s WHERE {key} = %s"  # noqa: S608  (names from the model)
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(adapt(value), pk) for pk, value in values.items()])


def _refuse_tracked(model: Model) -> None:
    if hasattr(model._meta, "simple_history_manager_attribute"):
        raise TypeError(f"{model.__name__} keeps a history: use create_all() or change_all()")


def references_check() -> None:
    """Have what was inserted so far checked now, not at the end of the transaction, when others may be waiting."""
    if connection.vendor == "postgresql":  # SQLite checks as it inserts
        connection.check_constraints()


def _adapter(fields: Sequence[Any]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What turns a row into the values that Django's SQLite columns keep."""
    known = _adapters()
    adapters = [known.get(type(field), _plain) for field in fields]

    def adapted(row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(value if value is None else adapt(value) for adapt, value in zip(adapters, row, strict=True))

    return adapted


def _adapters() -> dict[type, Callable[[Any], Any]]:
    return {models.DecimalField: _decimal, models.DateTimeField: _moment, models.UUIDField: _uuid}


def _plain(value: Any) -> Any:
    return value


def _decimal(value: Decimal) -> str:
    return f"{value:f}"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _uuid(value: UUID) -> str:
    return value.hex


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
