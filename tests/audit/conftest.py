"""A trail of its own for each test, and the means of one who bends it."""

from collections.abc import Callable, Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from audit.anchors import keeping
from audit.append_only import TRIGGERS, install
from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from audit.services import event_record


def events_make(count: int, *, event: str = "TILL_OPENED") -> None:
    """So many events, each of another user, in the outbox."""
    for number in range(1, count + 1):
        event_record(event, user_id=f"USER{number}", agent="audit", details={"number": number, "drawer": 12.5})


def sealed(count: int = 12) -> list[AuditRecord]:
    """A trail of so many records."""
    events_make(count)
    assert seal() == count
    return list(AuditRecord.objects.order_by("seq"))


def lift(*tables: str) -> None:
    """Drop the triggers of these tables, as one would who owns the database."""
    with connection.cursor() as cursor:
        for table in tables:
            on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
            for name in TRIGGERS[connection.vendor]:
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on_table}")


def sql(statement: str, parameters: Iterable[object] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))


@pytest.fixture
def verify(db: None) -> Callable[[], tuple[int, str]]:
    """`verify()` runs `manage.py audit_verify`: its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        printed = StringIO()
        try:
            call_command("audit_verify", *arguments, stdout=printed, no_color=True)
        except SystemExit as ended:
            return int(ended.code or 0), printed.getvalue()
        return 0, printed.getvalue()

    return run


@pytest.fixture
def bending(db: None) -> Callable[..., None]:
    """`bending("UPDATE audit_record SET … WHERE seq = %s", [3])` past the triggers, which are back afterwards."""

    def bend(statement: str, parameters: Iterable[object] = ()) -> None:
        lift("audit_record")
        sql(statement, parameters)
        connection.check_constraints()  # PostgreSQL alters no table with a check still to come
        install("default")

    return bend


def outbox_of(record: AuditRecord) -> Outbox:
    return Outbox.objects.get(event_id=record.event_id)


@pytest.fixture
def anchor_file(settings: Any, tmp_path: Path) -> Path:
    """Where the trail's checkpoints are anchored in this test."""
    settings.AUDIT_ANCHOR_FILE = tmp_path / "elsewhere" / "anchors.jsonl"
    keeping._failures.clear()
    path: Path = settings.AUDIT_ANCHOR_FILE
    return path
