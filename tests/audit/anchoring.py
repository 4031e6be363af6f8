"""Anchored trails, and what tests do to them."""

import json
from pathlib import Path
from typing import Any

from django.db import connection

from audit.anchors.keeping import anchor_due
from audit.append_only import install
from audit.checkpoints import checkpoint_write
from audit.models import Checkpoint
from audit.sealing import seal
from tests.audit.conftest import events_make, lift, sql


def sealed_more(count: int) -> None:
    events_make(count)
    assert seal() >= count


def checkpoint(count: int = 5) -> Checkpoint:
    """Of a trail with so many more records."""
    sealed_more(count)
    made = checkpoint_write()
    assert made is not None
    return made


def anchored(count: int = 5) -> Checkpoint:
    """A checkpoint that the file anchor has taken."""
    made = checkpoint(count)
    assert anchor_due(quick=True) == 1
    return made


def cut(first: int) -> None:
    """Remove the records from here on, past the triggers, which are back afterwards."""
    lift("audit_record")
    sql("DELETE FROM audit_record WHERE seq >= %s", [first])
    connection.check_constraints()  # PostgreSQL alters no table with a check still to come
    install("default")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
