"""The two databases that the shop works on: made for the run, taken away for a while, copied."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests import ROOT
from tests.run import DURABLE, server_programs, throw_away_server

SIGNING_KEY = "PRIVATE+KEY+test-shop/audit+19c5d93e+AQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
PASSWORD = "a-password-for-torture"


class Places:
    """Where the shop and its trail are."""

    def __init__(self, folder: Path, shop: str, audit: str, old: str) -> None:
        self.folder, self.shop, self.audit, self.old = folder, shop, audit, old
        self.port = free_port()

    def environment(self, **more: str) -> dict[str, str]:
        told = {
            "ENV": "development",
            "DJANGO_SETTINGS_MODULE": "shop_assistant.settings.base",
            "VAR_DIR": str(self.folder / "var"),
            "DATABASE_URL": self.shop,
            "AUDIT_DB_URL": self.audit,
            "TEST_DATABASE_URL": "",
            "AUDIT_SIGNING_KEY": SIGNING_KEY,
            "AUDIT_ANCHOR_FILE": str(self.folder / "anchors.jsonl"),
            "DEMO_PASSWORD": PASSWORD,
            "API_PORT": str(self.port),
            "RATE_LIMIT_USER": "off",
            "RATE_LIMIT_ANONYMOUS": "off",
            "ACCESS_TOKEN_MINUTES": "600",
            "TASKS_BACKEND": "database",
            "LOG_LEVEL": "error",
            "PYTHONPATH": str(ROOT),
        }
        return os.environ | told | more

    def take_away(self) -> None:
        raise NotImplementedError

    def give_back(self) -> None:
        raise NotImplementedError

    def copy(self) -> None:
        """The trail's database as it is now, to be the old backup of later. While it is away."""
        raise NotImplementedError


class Files(Places):
    def __init__(self, folder: Path) -> None:
        self.there, self.hidden = folder / "audit", folder / "away"
        self.there.mkdir()
        (folder / "old").mkdir()
        names = [folder / "shop.sqlite3", self.there / "audit.sqlite3", folder / "old" / "audit.sqlite3"]
        super().__init__(folder, *(f"sqlite:///{name}" for name in names))

    def take_away(self) -> None:
        self.there.rename(self.hidden)

    def give_back(self) -> None:
        self.hidden.rename(self.there)

    def copy(self) -> None:
        for file in self.hidden.iterdir():
            shutil.copy(file, self.folder / "old" / file.name)


class Server(Places):
    NAMES = ("torture_shop", "torture_audit", "torture_old")

    def __init__(self, folder: Path, url: str) -> None:
        self._server = psycopg.connect(url, dbname="postgres", autocommit=True)
        for name in self.NAMES:
            self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        for name in self.NAMES[:2]:
            self._do("CREATE DATABASE {}", name)
        login = url.rpartition("/")[0]
        super().__init__(folder, *(f"{login}/{name}" for name in self.NAMES))

    def take_away(self) -> None:
        self._do("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.NAMES[1])
        self._server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.NAMES[1]]
        )

    def give_back(self) -> None:
        self._do("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.NAMES[1])

    def copy(self) -> None:
        self._do("CREATE DATABASE {} TEMPLATE {}", self.NAMES[2], self.NAMES[1])
        self._do("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.NAMES[2])

    def drop(self) -> None:
        for name in self.NAMES:
            self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._server.close()

    def _do(self, statement: str, *names: str) -> None:
        text: Any = statement
        self._server.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


@contextmanager
def places(database: str, folder: Path) -> Iterator[Places]:
    """:param database: sqlite, or postgresql: TEST_DATABASE_URL's server or one thrown away afterwards."""
    if database == "sqlite":
        yield Files(folder)
        return
    with _server() as url:
        made = Server(folder, url)
        try:
            yield made
        finally:
            made.drop()


@contextmanager
def _server() -> Iterator[str]:
    if url := os.environ.get("TEST_DATABASE_URL", "").strip():
        yield url
        return
    programs = server_programs()
    if programs is None:
        raise SystemExit("PostgreSQL's programs (initdb, postgres) are needed: install it, or set TEST_DATABASE_URL.")
    with throw_away_server(programs, DURABLE) as url:
        yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
