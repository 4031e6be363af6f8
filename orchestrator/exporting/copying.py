"""PostgreSQL's COPY for exports without personal data: the same columns and rows, written by the server itself.

The server makes of each kind of column what `reading` and `writing` make of it; a test holds the two together.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from .definitions import Column, Kind, Part
from .reading import names_in, selected

FORMATS = ("csv", "jsonl")
_TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
_VALUES = {
    Kind.TEXT: "{0}",
    Kind.NUMBER: "trim_scale({0}::numeric)",
    Kind.FLAG: "{0}",
    Kind.TIME: _TIME,
    Kind.ID: "{0}::text",
    Kind.HEX: "encode({0}, 'hex')",
}
_FORMULA = r"E'^\'*[=+@\t\r\n＝＋－＠-]'"  # noqa: RUF001
_FIRST = r"E'=+@\t\r\n＝＋－＠-\''"  # noqa: RUF001
_DEFUSED = (
    f"nullif(CASE WHEN strpos({_FIRST}, left({{0}}, 1)) = 0 THEN {{0}} "  # most texts: no need to look any closer
    f"WHEN {{0}} ~ {_FORMULA} THEN '''' || {{0}} ELSE {{0}} END, '')"
)
_IN_CSV = {Kind.TEXT: _DEFUSED, Kind.FLAG: "{0}::text"}
_JSON_AS_IT_IS = r"FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01', ESCAPE E'\x01'"
"""JSON has neither of these characters, so nothing is quoted."""


def copied(
    using: str, part: Part, rows: QuerySet[Any], columns: Sequence[Column], format: str, delimiter: str
) -> Iterator[bytes]:
    """The part's rows as bytes, one at a time, each with its line's end."""
    connection: Any = connections[using]
    try:
        sql, params = selected(part, rows, columns).query.sql_with_params()
    except EmptyResultSet:
        return
    query = connection.ops.compose_sql(sql, params)
    filled = names_in(part, columns)
    raw = ", ".join(f"c{number}" for number in range(len(filled)))
    cells = ", ".join(f'{_cell(column, filled, format)} AS "{column.name}"' for column in columns)
    statement = f"SELECT {cells} FROM ({query}) AS found ({raw})"  # noqa: S608  (made of column definitions)
    if format == "jsonl":
        statement, how, end = f"SELECT row_to_json(exported) FROM ({statement}) AS exported", _JSON_AS_IT_IS, b"\n"  # noqa: S608
    else:
        how, end = f"FORMAT csv, DELIMITER '{delimiter}'", b"\r\n"
    command = f"COPY ({statement}) TO STDOUT WITH ({how})"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(command) as copy:
        for line in copy:
            yield bytes(line[:-1]) + end


def _cell(column: Column, filled: list[str], format: str) -> str:
    if column.name not in filled:
        return "NULL"
    value = _VALUES[column.kind].format(f"c{filled.index(column.name)}")
    if format == "csv":
        return _IN_CSV.get(column.kind, "{0}").format(value)
    return value
