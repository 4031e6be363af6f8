"""The anchor in a file: what is written to it stays, and only what this shop signed counts."""

import json
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection

from audit import events, keys
from audit.anchors import AnchorError, FileAnchor, Held, keeping, latest
from audit.anchors.file import TAIL
from audit.anchors.keeping import anchor_due, anchored_size, behind, late
from audit.append_only import install
from audit.checkpoints import public_keys
from audit.models import Anchoring, Checkpoint, Outbox
from audit.signed_note import make, read
from audit.standing import refusal
from tests.audit.anchoring import anchored, checkpoint, cut, lines
from tests.audit.conftest import lift, sql
from tests.processes import PROGRAMS, Program

pytestmark = pytest.mark.django_db


def held() -> int:
    found = latest()
    return found.size if found else 0


def test_each_checkpoint_is_a_line(anchor_file: Path):
    made = [anchored(), anchored(3)]
    told = lines(anchor_file)
    assert [line["size"] for line in told] == [c.size for c in made]
    assert [line["note"] for line in told] == [c.note for c in made]
    assert [line["root"] for line in told] == [bytes(c.root).hex() for c in made]
    assert all(set(line) == {"size", "root", "note", "time"} for line in told)
    assert read(told[0]["note"], public_keys()).size == told[0]["size"]
    assert stat.S_IMODE(anchor_file.stat().st_mode) == 0o600
    assert latest() == Held(made[1].size, bytes(made[1].root))
    assert list(Anchoring.objects.values_list("kind", "size")) == [("file", c.size) for c in made]


def test_what_is_anchored_is_not_anchored_twice(anchor_file: Path):
    anchored()
    assert anchor_due(quick=True) == 0
    assert len(lines(anchor_file)) == 1


def test_the_file_itself_is_asked_and_not_the_database(anchor_file: Path):
    first = anchored()
    kept = anchor_file.read_text()
    anchored()
    anchor_file.write_text(kept)
    assert held() == first.size


def test_a_crash_between_checkpoint_and_anchor_is_healed(anchor_file: Path):
    made = checkpoint()  # and then it was killed
    assert held() == 0
    assert anchor_due(quick=True) == 1
    assert held() == made.size


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("how", "written"), [("die-before-anchor", 0), ("die-after-anchor", 1)])
def test_who_is_killed_while_anchoring_loses_nothing(anchor_file: Path, how: str, written: int):
    checkpoint()
    with Program(PROGRAMS / "anchorer.py", str(anchor_file), how) as killed:
        assert killed.process.wait(60) == -signal.SIGKILL
    assert (len(lines(anchor_file)) if anchor_file.exists() else 0) == written
    assert not Anchoring.objects.exists()
    assert anchor_due(quick=True) == 1
    assert held() == Checkpoint.objects.get().size == anchored_size()
    assert refusal() is None


def test_a_line_cut_off_by_a_crash_spoils_nothing(anchor_file: Path):
    first = anchored()
    with anchor_file.open("a") as file:
        file.write('{"size":999,"root":"ab')
    assert held() == first.size
    second = anchored()
    assert held() == second.size


def test_what_is_no_checkpoint_counts_for_nothing(anchor_file: Path):
    made = anchored()
    with anchor_file.open("a") as file:
        file.write('nonsense\n[]\n{"note":5}\n{"note":"x"}\n\n')
    assert held() == made.size


def test_an_older_line_written_again_changes_nothing(anchor_file: Path):
    anchored()
    older = anchor_file.read_text()
    newest = anchored()
    with anchor_file.open("a") as file:
        file.write(older)
    assert held() == newest.size


def test_older_lines_that_fill_the_end_hide_no_rewrite(anchor_file: Path, verify: Any):
    """Where the file can only be added to, as its administrator wants it; receipts lie with the log."""
    anchored()
    older = anchor_file.read_text()
    newest = anchored()
    with anchor_file.open("a") as file:
        file.write(older * (TAIL // len(older) + 2))
    assert verify()[0] == 0
    cut(newest.size)
    lift("audit_anchoring", "audit_checkpoint")
    for table in ("audit_anchoring", "audit_checkpoint"):
        sql(f"DELETE FROM {table} WHERE size = %s", [newest.size])
    connection.check_constraints()
    install("default")
    code, said = verify()
    assert code == 1
    assert f"the anchor (file) covers {newest.size}" in said


@pytest.mark.parametrize("kept", ["", "first"])
def test_a_file_that_holds_less_than_it_took_is_told(anchor_file: Path, verify: Any, kept: str):
    anchored()
    first = anchor_file.read_text()
    newest = anchored()
    anchor_file.write_text(first) if kept else anchor_file.unlink()
    code, said = verify()
    assert code == 1
    assert f"took {newest.size} records" in said
    anchored()
    assert Outbox.objects.filter(event=events.ANCHOR_LOST).count() == 1
    assert verify()[0] == 0


def test_a_full_disk_is_no_anchor(anchor_file: Path):
    first = anchored()
    checkpoint()
    with filled(anchor_file.stat().st_size + 40):
        assert anchor_due(quick=True) == 0
    assert held() == first.size == anchored_size()
    keeping._failures.clear()
    assert anchor_due(quick=True) == 1
    assert held() == anchored_size() > first.size


@contextmanager
def filled(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write(path: Path, signer: Any, size: int, *extensions: str, origin: str = "") -> None:
    note = make(origin or signer.name, size, bytes(32), [signer], extensions)
    with path.open("a") as file:
        file.write(json.dumps({"size": size, "root": "00" * 32, "note": note, "time": ""}) + "\n")


def test_a_checkpoint_of_another_key_is_not_believed(anchor_file: Path):
    anchored()
    write(anchor_file, keys.signer_new("test-shop/audit"), 99)
    with pytest.raises(AnchorError, match="not by a key that is known"):
        latest()
    assert "can't be compared" in str(refusal())


def test_a_checkpoint_of_another_log_is_not_believed(anchor_file: Path):
    anchored()
    write(anchor_file, keys.ring().signers[0], 99, origin="another/log")
    with pytest.raises(AnchorError, match="another/log"):
        latest()


def test_a_bent_line_is_not_believed(anchor_file: Path):
    made = anchored()
    anchor_file.write_text(anchor_file.read_text().replace(f"\\n{made.size}\\n", f"\\n{made.size + 1}\\n"))
    with pytest.raises(AnchorError, match="false"):
        latest()


def test_only_the_shop_itself_begins_again(anchor_file: Path):
    older, newest = anchored(), anchored()
    told = f"restored-over {newest.size} AAAA"
    write(anchor_file, keys.signer_new("test-shop/audit"), 1, told)
    assert held() == newest.size
    now = Held(older.size, bytes(older.root))
    before = Held(newest.size, bytes(newest.root))
    FileAnchor(anchor_file).begin_again(before, now)
    assert latest() == now
    beginning = anchor_file.read_text().splitlines()[-1]
    assert "restored-over" in beginning
    FileAnchor(anchor_file).begin_again(now, before)
    with anchor_file.open("a") as file:
        file.write(anchor_file.read_text().splitlines()[0] + "\n")
    assert latest() == before


def test_a_lost_file_is_begun_anew_and_told(anchor_file: Path):
    anchored()
    anchor_file.unlink()
    assert held() > 0  # by the receipts
    made = anchored()
    assert held() == made.size
    assert Outbox.objects.filter(event=events.ANCHOR_LOST).count() == 1


def test_a_file_that_cannot_be_written_is_tried_again_later(anchor_file: Path):
    checkpoint()
    anchor_file.parent.write_text("a file where the folder should be")
    assert anchor_due(quick=True) == 0
    assert keeping._failures["file"][0] == 1
    anchor_file.parent.unlink()
    assert anchor_due(quick=True) == 0  # it waits before it tries again
    keeping._failures.clear()
    assert anchor_due(quick=True) == 1


def test_an_anchor_that_falls_behind_is_told(anchor_file: Path):
    with time_machine.travel(0, tick=False) as clock:
        checkpoint()
        assert behind() == {"file": 0}
        clock.shift(keeping.LATE.total_seconds() + 1)
        assert late() == ["file"]
        anchor_due(quick=True)
        assert late() == []


def test_the_largest_anchor_is_found_in_a_long_file(anchor_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("audit.anchors.file.TAIL", 1500)
    sizes = [anchored(1).size for _ in range(12)]
    assert anchor_file.stat().st_size > 3000
    assert held() == max(sizes)


def test_a_new_empty_place_gets_what_is_needed(anchor_file: Path, settings: Any, verify: Any):
    first = anchored()
    settings.AUDIT_SIGNING_KEY = (
        f"{keys.private_text(keys.signer_new(keys.ring().origin))},{settings.AUDIT_SIGNING_KEY}"
    )
    both = anchored()
    anchored()
    newest = anchored()
    settings.AUDIT_ANCHOR_FILE = elsewhere = anchor_file.with_name("elsewhere.jsonl")
    assert verify()[0] == 1
    printed = StringIO()
    call_command("audit_checkpoint", stdout=printed)
    assert "file: anchored" in printed.getvalue()
    assert [line["size"] for line in lines(elsewhere)] == [first.size, both.size, newest.size]
    assert Outbox.objects.filter(event=events.ANCHOR_LOST).count() == 1
    assert verify()[0] == 0
    call_command("audit_checkpoint", stdout=printed)
    assert "file: anchored" in printed.getvalue()
