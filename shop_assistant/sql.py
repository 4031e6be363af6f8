"""Runs the apps' .sql files: one per vendor, statements parted by blank lines, `{names}` filled in."""

from pathlib import Path
from typing import Any


def run_sql_file(connection: Any, folder: Path, name: str, **names: str) -> None:
    """Run folder/<vendor>/name."""
    source = (folder / connection.vendor / name).read_text()
    with connection.cursor() as cursor:
        for statement in source.split("\n\n"):
            for key, value in names.items():
                statement = statement.replace("{" + key + "}", value)
            if statement.strip():
                cursor.execute(statement)
