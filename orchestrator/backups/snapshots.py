"""A view of each database as of one moment, while the shop goes on."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from audit.sealing import LOCK

from . import postgres
from .errors import BackupError
from .postgres import CHUNK, Progress

Sink = Callable[[bytes], object]
PAGES = 2000


class PostgresSnapshot:
    vendor = "postgresql"

    def __init__(self, alias: str) -> None:
        self.alias, self.member = alias, f"{alias}.pgdump"
        self._connection = postgres.connect(alias)
        self.server = self._connection.info.server_version // 10000
        self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self._connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        self._connection.execute("SET LOCAL statement_timeout = 0")
        self._id: str = self.rows("SELECT pg_export_snapshot()")[0][0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}

    def write(self, sink: Sink, progress: Progress, folder: Path) -> None:
        """:raises BackupError:"""
        postgres.dump(self.alias, self._id, sink, progress, server=self.server)

    def close(self) -> None:
        self._connection.close()


class SqliteSnapshot:
    vendor, server = "sqlite", 0

    def __init__(self, alias: str) -> None:
        self.alias, self.member = alias, f"{alias}.sqlite3"
        path = Path(connections[alias].settings_dict["NAME"])
        if not path.exists():
            raise BackupError(f"There is no shop to back up: {path} does not exist.")
        self._connection = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN")
        self.tables()  # the first read fixes what this transaction sees

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def write(self, sink: Sink, progress: Progress, folder: Path) -> None:
        """By way of a copy in `folder`: SQLite's backup needs a file to write to."""
        copy = folder / f".{self.member}-{id(self)}.part"
        try:
            copy.touch(mode=0o600)
            with closing(sqlite3.connect(copy)) as target:
                self._connection.backup(target, pages=PAGES)
                target.execute("PRAGMA journal_mode=DELETE")
            with copy.open("rb") as file:
                while block := file.read(CHUNK):
                    sink(block)
                    progress(len(block))
        finally:
            for suffix in ("", "-journal", "-wal", "-shm"):
                copy.with_name(copy.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        self._connection.close()


Snapshot = PostgresSnapshot | SqliteSnapshot
KINDS: dict[str, type[PostgresSnapshot] | type[SqliteSnapshot]] = {
    "postgresql": PostgresSnapshot,
    "sqlite": SqliteSnapshot,
}


@contextmanager
def snapshots() -> Iterator[list[Snapshot]]:
    """Of all databases, as they fit together: while they are opened nothing is sealed.

    :raises BackupError:
    """
    with ExitStack() as stack:
        with _sealer_waits():
            opened = []
            for alias in sorted(settings.DATABASES, key=lambda alias: alias != settings.AUDIT_DATABASE):
                snapshot = KINDS[connections[alias].vendor](alias)
                stack.callback(snapshot.close)
                opened.append(snapshot)
        yield opened


@contextmanager
def _sealer_waits() -> Iterator[None]:
    """Only needed where the trail has a database of its own: one snapshot of one database is consistent by itself.

    The trail's is opened first. Each of its records then has its event in the shop's, and no event is marked as sealed
    whose record is missing.
    """
    if settings.AUDIT_DATABASE == "default":
        yield
        return
    connection = connections[settings.AUDIT_DATABASE]
    if connection.vendor == "postgresql":
        with postgres.connect(settings.AUDIT_DATABASE) as own:
            own.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            yield
        return
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=20, isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        with suppress(sqlite3.Error):
            file.execute("ROLLBACK")
