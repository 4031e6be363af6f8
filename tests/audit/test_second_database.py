"""AUDIT_DB_URL: the trail in a database of its own, and the shop going on while it is away.

In a process of its own, since the settings are read once: on two SQLite files, or on two databases of the server.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from tests.processes import PROGRAMS, Program

SEALED = {"audit_record", "audit_checkpoint", "audit_anchoring", "audit_signingkey", "audit_merkletile"}


@pytest.fixture
def two_databases(tmp_path: Path, db: None) -> Iterator[dict[str, str]]:
    """The environment that names them."""
    if connection.vendor == "sqlite":
        (tmp_path / "audit").mkdir()
        yield {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
            "AUDIT_DB_URL": f"sqlite:///{tmp_path / 'audit' / 'audit.sqlite3'}",
        }
        return
    told = connection.settings_dict
    login = f"{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}"
    names = [f"{kind}_{uuid4().hex}" for kind in ("shop", "audit")]
    with psycopg.connect(f"postgresql://{login}/postgres", autocommit=True) as server:
        for name in names:
            server.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        try:
            yield {
                "TEST_DATABASE_URL": f"postgresql://{login}/{names[0]}",
                "AUDIT_DB_URL": f"postgresql://{login}/{names[1]}",
            }
        finally:
            for name in names:
                server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def test_a_trail_in_a_database_of_its_own(two_databases: dict[str, str], tmp_path: Path):
    with Program(PROGRAMS / "second_database.py", **two_databases, VAR_DIR=str(tmp_path / "var")) as program:
        saw: dict[str, Any] = program.answer()

    tables = {alias: set(names) for alias, names in saw["tables"].items()}
    assert tables["audit"] - {"django_migrations"} == SEALED
    assert not tables["default"] & SEALED
    assert "audit_outbox" in tables["default"]
    assert saw["missing_triggers"] == []
    assert saw["refused"]

    assert saw["before"] == {
        "status": 200, "on_hand": 151, "receipt": True, "sealed": True, "verified": 0, "ready": [200, "ok"],
    }  # fmt: skip
    assert saw["away"] == {
        "status": 200, "on_hand": 152, "receipt": True, "query": 200, "trail": 503, "ready": [200, "degraded"],
        "metrics": 200, "sealer": "refused", "waiting": True,
    }  # fmt: skip
    assert saw["back"] == {"sealed": True, "verified": 0, "ready": [200, "ok"], "trail": 200}
    assert saw["drained"]
    if connection.vendor == "sqlite":
        assert saw["restored"] == [1, True, "done", 0]
        assert saw["anchored"] == {
            "old": {"sold": 200, "sealer": "anchored", "ready": [200, "degraded"], "reseal": "refused"},
            "sealed": True, "verified": 0, "ready": [200, "ok"],
        }  # fmt: skip
