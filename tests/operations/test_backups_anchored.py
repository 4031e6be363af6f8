"""A backup is restored that is older than what the anchor holds: said before, told on record, and gone on from."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.anchors import latest
from audit.anchors.keeping import anchor_due
from audit.checkpoints import checkpoint_write
from audit.keys import ring, signer_new
from audit.models import AuditRecord, Checkpoint
from audit.sealing import seal
from audit.signed_note import make
from audit.standing import refusal
from audit.verification import verify_all
from orchestrator.backups import restoring
from orchestrator.backups.errors import BackupError
from tests.operations.test_backups import _nobody_else_here, sell  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anchors(settings: Any, tmp_path: Path) -> Path:
    """The anchor's file."""
    settings.AUDIT_ANCHOR_FILE = path = tmp_path / "anchors.jsonl"
    return path


def sell_and_anchor(count: int = 3) -> Checkpoint:
    sell(count)
    seal()
    made = checkpoint_write()
    assert made is not None
    assert anchor_due(quick=True) == 1
    return made


@pytest.fixture
def older(shop: None, anchors: Path, tmp_path: Path) -> Path:
    """A backup, after which more was sold and anchored."""
    sell_and_anchor()
    path = tmp_path / "older.zip"
    call_command("backup", path, stdout=sys.stderr)
    sell_and_anchor(4)
    return path


def restore(path: Path, *options: str) -> None:
    call_command("restore", path, "--replace", "--yes", *options)


def test_the_anchor_begins_again_on_record(older: Path, anchors: Path, capsys: Any):
    before = latest()
    assert before
    restore(older)
    now = latest()
    assert now
    assert now.size == AuditRecord.objects.count() < before.size
    assert (
        f"anchor holds {before.size} records, {before.size - now.size} more than the backup" in capsys.readouterr().out
    )
    assert "restored-over" in anchors.read_text().splitlines()[-1]
    assert refusal() is None
    assert sell_and_anchor().size > now.size
    told = json.loads(AuditRecord.objects.get(event="BACKUP_RESTORED").payload)
    assert told["anchored_before"] == {"size": before.size, "root": before.root.hex()}
    assert told["anchored_from"] == {"size": now.size, "root": now.root.hex()}
    assert list(verify_all()) == []


def test_a_backup_that_has_all_that_was_anchored_goes_on_from_it(
    older: Path,
    anchors: Path,
    tmp_path: Path,
):
    newest = tmp_path / "newest.zip"
    call_command("backup", newest, stdout=sys.stderr)
    kept = anchors.read_text()
    restore(newest)
    assert anchors.read_text() == kept
    seal()
    assert json.loads(AuditRecord.objects.get(event="BACKUP_RESTORED").payload)["anchored_before"] is None
    sell_and_anchor()


def test_a_dry_run_leaves_the_anchor_alone(older: Path, anchors: Path):
    kept = anchors.read_text()
    restore(older, "--dry-run")
    assert anchors.read_text() == kept


def test_a_restore_that_fails_at_its_end_takes_the_anchor_back(
    older: Path,
    anchors: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    before = latest()

    def failing(places: Any) -> None:
        raise BackupError("Somebody connected to the database meanwhile: stop every part of the shop.")

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "switch", failing)
        with pytest.raises(CommandError, match="Somebody connected"):
            restore(older)
    assert latest() == before
    assert refusal() is None
    sell_and_anchor()


def test_an_anchor_that_can_not_be_relied_on_stops_a_restore(older: Path, anchors: Path):
    with anchors.open("a") as file:
        file.write(json.dumps({"note": make(ring().origin, 9999, bytes(32), [signer_new(ring().origin)])}) + "\n")
    with pytest.raises(CommandError, match="Put the key that signed it into the key file"):
        restore(older)
