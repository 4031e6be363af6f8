"""A database for the torture alone: on the shop's PostgreSQL server, or a file; gone afterwards."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.core.management.base import CommandError
from psycopg import sql


@contextmanager
def throw_away_shop() -> Iterator[dict[str, str]]:
    """The environment of processes that work on an empty shop of their own. The configured shop is not touched.

    :raises CommandError: when the server lets the shop's role make no database.
    """
    with tempfile.TemporaryDirectory(prefix="inventory-torture-") as name:
        folder = Path(name)
        with _database(folder) as url:
            yield os.environ | {
                "ENV": "development",
                "DJANGO_SETTINGS_MODULE": "shop_assistant.settings.base",
                "VAR_DIR": str(folder / "var"),
                "DATABASE_URL": url,
                "DATABASE_POOL_SIZE": "2",
                "AUDIT_DB_URL": "",
                "AUDIT_ANCHOR_FILE": str(folder / "anchors.jsonl"),
                "TEST_DATABASE_URL": "",
                "TASKS_BACKEND": "database",
                "CACHE_URL": "",
                "NEGATIVE_STOCK": "refuse",
                "PURCHASE_APPROVAL_LIMIT": "999999999",
                "RATE_LIMIT_USER": "off",
                "RATE_LIMIT_ANONYMOUS": "off",
                "LOG_LEVEL": "error",
                "TORTURE_FOLDER": str(folder),
            }


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    told: dict[str, Any] = settings.DATABASES["default"]
    if "sqlite" in told["ENGINE"]:
        yield f"sqlite:///{folder / 'shop.sqlite3'}"
        return
    name = f"shop_torture_{secrets.token_hex(4)}"
    login = {"host": told["HOST"], "port": told["PORT"], "user": told["USER"], "password": told["PASSWORD"]}
    with psycopg.connect(dbname=told["NAME"], autocommit=True, **{k: v for k, v in login.items() if v}) as server:
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise CommandError(
                "The shop's database role may not make a database: `ALTER ROLE … CREATEDB`, or set DATABASE_URL to a "
                "server where it may, for this command alone."
            ) from error
        try:
            yield _url(told, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _url(told: dict[str, Any], name: str) -> str:
    """A host that is a path is the folder of the server's socket."""
    password = f":{quote(told['PASSWORD'], safe='')}" if told["PASSWORD"] else ""
    port = f":{told['PORT']}" if told["PORT"] else ""
    return f"postgresql://{quote(told['USER'], safe='')}{password}@{quote(told['HOST'], safe='')}{port}/{name}"
