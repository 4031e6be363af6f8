"""Where a backup is restored to: beside the shop's database first, and then, when all is well, in its place."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import psycopg
from django.db import connections
from psycopg import sql

from . import postgres
from .errors import BackupError
from .postgres import CHUNK, Progress

SIDE, OLD = "__restoring", "__replaced"


class SqlitePlace:
    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.path = Path(connections[alias].settings_dict["NAME"])
        self.side = str(self.path.with_name(self.path.name + SIDE))

    def exists(self) -> bool:
        return self.path.exists()

    def users(self) -> list[str]:
        """A file doesn't tell who has it open, but a writer at work holds a lock."""
        if not self.exists():
            return []
        try:
            with closing(sqlite3.connect(self.path, timeout=2, isolation_level=None)) as file:
                file.execute("BEGIN EXCLUSIVE")
                file.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            return [str(error)] if "locked" in str(error) else []
        except sqlite3.DatabaseError:
            pass  # a broken file is one to be replaced
        return []

    def load(self, source: IO[bytes], progress: Progress) -> None:
        """:raises BackupError: when the copy is not a sound database."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.drop_side()
        with os.fdopen(os.open(self.side, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while block := source.read(CHUNK):
                file.write(block)
                progress(len(block))
        with closing(sqlite3.connect(self.side)) as copy:
            if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise BackupError("The database in the backup is damaged.")

    def drop_side(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(self.side + suffix).unlink(missing_ok=True)

    def switch(self) -> None:
        """One transaction on the shop's own file: whoever has it open sees the old data or the new, also after a crash.

        :raises BackupError:
        """
        if not self.exists():
            self.path.touch(mode=0o600)
        with closing(sqlite3.connect(self.side)) as new, closing(sqlite3.connect(self.path, timeout=20)) as live:
            live.execute("PRAGMA synchronous=FULL")
            try:
                new.backup(live)
            except sqlite3.DatabaseError as error:
                raise BackupError(
                    f"{self.path} can't be written ({error}). If it is broken, move it away and restore again."
                ) from None
        self.drop_side()


class PostgresPlace:
    def __init__(self, alias: str) -> None:
        self.alias = alias
        told = connections[alias].settings_dict
        self.name: str = told["NAME"]
        self.server = (told["HOST"], str(told["PORT"]))
        self.side, self.old = self.name[:48] + SIDE, self.name[:48] + OLD

    def exists(self) -> bool:
        return self._exists(self.name)

    def users(self) -> list[str]:
        """Those who are connected to the database now."""
        with self._server() as server:
            rows = server.execute(
                "SELECT coalesce(nullif(application_name, ''), usename, '?'), client_addr::text FROM pg_stat_activity "
                "WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
                [self.name],
            ).fetchall()
        return sorted({f"{name} from {address or 'this host'}" for name, address in rows})

    def load(self, source: IO[bytes], progress: Progress) -> None:
        """:raises BackupError:"""
        self.drop_side()
        with self._server() as server:
            version = server.info.server_version // 10000
            try:
                server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(_id(self.side), self._like()))
            except psycopg.errors.InsufficientPrivilege:
                user = postgres.parameters(self.alias)["user"]
                raise BackupError(
                    f"The user {user} may not make a database to restore into: "
                    f'let a superuser say ALTER ROLE "{user}" CREATEDB, and restore again.'
                ) from None
        postgres.load(self.alias, self.side, source, progress, server=version)
        with postgres.connect(self.alias, database=self.side, autocommit=True) as new:
            new.execute("ANALYZE")

    def _like(self) -> sql.Composed:
        """With the encoding and order of the one it replaces."""
        with self._server() as server:
            found = server.execute(
                "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s",
                [self.name],
            ).fetchone() or ("UTF8", "C", "C")
        return sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(*map(sql.Literal, found))

    def drop_side(self) -> None:
        self.drop(self.side)
        if self.exists():
            self.drop(self.old)  # of a restore that was killed after it had done its work

    def drop(self, name: str) -> None:
        with self._server() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(_id(name)))

    def rename(self, server: "psycopg.Connection[tuple[object, ...]]") -> None:
        """Within the caller's transaction: names change together or not at all."""
        if self.exists():
            server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(_id(self.name), _id(self.old)))
        server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(_id(self.side), _id(self.name)))

    def _exists(self, name: str) -> bool:
        with self._server() as server:
            return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def _server(self) -> "psycopg.Connection[tuple[object, ...]]":
        return postgres.connect(self.alias, database="postgres", autocommit=True)


Place = SqlitePlace | PostgresPlace


def place_of(alias: str) -> Place:
    return SqlitePlace(alias) if connections[alias].vendor == "sqlite" else PostgresPlace(alias)


def _id(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def switch(places: Sequence[Place]) -> None:
    """Put the new databases in the place of the old. Those on one PostgreSQL server change in one transaction.

    :raises BackupError: and then the old ones are in their place.
    """
    servers: dict[tuple[str, str], list[PostgresPlace]] = {}
    for place in places:
        if isinstance(place, PostgresPlace):
            servers.setdefault(place.server, []).append(place)
    for together in servers.values():
        try:
            with postgres.connect(together[0].alias, database="postgres") as server:
                for place in together:
                    place.rename(server)
        except psycopg.errors.ObjectInUse:
            raise BackupError("Somebody connected to the database meanwhile: stop every part of the shop.") from None
        except psycopg.errors.InsufficientPrivilege:
            raise BackupError("The database is another user's: only its owner can replace it.") from None
    for place in places:
        if isinstance(place, SqlitePlace):
            place.switch()
    for together in servers.values():
        for place in together:
            place.drop(place.old)


@contextmanager
def beside(places: Sequence[Place]) -> Iterator[None]:
    """Meanwhile Django works on what was restored beside the shop."""
    before = {place.alias: connections[place.alias].settings_dict["NAME"] for place in places}
    try:
        _point({place.alias: place.side for place in places})
        yield
    finally:
        _point(before)


def _point(names: dict[str, str]) -> None:
    for alias, name in names.items():
        let_go(alias)
        connections[alias].settings_dict["NAME"] = name


def let_go(alias: str) -> None:
    """Close this process's own connections."""
    connection = connections[alias]
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]


def room_for(place: Place, needed: int) -> None:
    """:raises BackupError: when a file beside the database would not fit; a server's disk can't be asked."""
    if isinstance(place, SqlitePlace):
        folder = next(parent for parent in place.path.absolute().parents if parent.exists())
        free = shutil.disk_usage(folder).free
        if free < needed * 2:
            raise BackupError(f"{folder} has {free / 1e6:.0f} MB left; restoring needs {needed * 2 / 1e6:.0f} MB.")
