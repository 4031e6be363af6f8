"""Bringing the databases up to this version, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from audit.history import histories_begin

from .backups.postgres import parameters

LOCK = 0x5E_A2  # the advisory lock's number on PostgreSQL


def upgrade() -> None:
    """Migrate every database. Of several processes that start at once one does it, the others wait and find it done.

    :raises CommandError: when the database can't be reached.
    """
    with _alone():
        for alias in settings.DATABASES:
            make_private(alias)
            call_command("migrate", database=alias, interactive=False, verbosity=0)
        histories_begin()


def make_private(alias: str) -> None:
    """A new SQLite file only its owner can read, whatever the umask."""
    connection: Any = connections[alias]
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():
        path = Path(connection.settings_dict["NAME"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)


@contextmanager
def _alone() -> Iterator[None]:
    main = connections["default"]
    if main.vendor == "sqlite":
        path = Path(settings.VAR_DIR) / "upgrade.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            flock(file, LOCK_EX)
            try:
                yield
            finally:
                flock(file, LOCK_UN)
        return
    try:  # a connection of its own: migrations begin and end transactions
        own = psycopg.connect(**parameters("default"), autocommit=True)
    except psycopg.OperationalError as error:
        raise CommandError(f"The database can't be reached: {str(error).strip().splitlines()[0]}") from None
    with own:
        own.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
