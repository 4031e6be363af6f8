"""The sealer goes on only where its anchor says that the log is the one it was; the shop goes on selling."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet

from audit import events, jobs, tiles
from audit.anchors import Held, latest
from audit.append_only import install
from audit.checkpoints import checkpoint_write
from audit.jobs import seal_events
from audit.merkle import Frontier
from audit.models import Anchoring, AuditRecord, Checkpoint, MerkleTile, Outbox
from audit.sealing import LogRefused, seal
from audit.standing import refusal
from audit.tiles import log_size
from audit.verification import verify_all
from tests.audit.anchoring import anchored, checkpoint, cut, sealed_more
from tests.audit.conftest import events_make, lift, sql
from tests.audit.forging import forged, rechain

pytestmark = pytest.mark.django_db


def reseal(*arguments: str) -> str:
    printed = StringIO()
    call_command("audit_reseal", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.fixture
def bent(anchor_file: Path) -> None:
    """An anchored log of some ten records that was cut off after the seventh."""
    anchored(10)
    cut(8)


def test_a_log_that_goes_on_from_its_anchor_is_sealed(anchor_file: Path):
    anchored()
    sealed_more(3)
    assert refusal() is None
    anchored(4)


def test_nothing_is_added_to_a_log_shorter_than_its_anchor(bent: None):
    events_make(3)
    with pytest.raises(LogRefused, match=r"ends with record 7, but 1\d were anchored"):
        seal()
    with pytest.raises(LogRefused):
        checkpoint_write()
    assert log_size() == 7
    assert Outbox.objects.filter(sealed_at=None).count() == 3


def test_nothing_is_added_to_a_log_rewritten_before_its_anchor(anchor_file: Path):
    """By one who owns the database, and is thorough: payload, leaf and chain all fit."""
    anchored(10)
    third = AuditRecord.objects.get(seq=3)
    lift("audit_record")
    sql("UPDATE audit_record SET payload = %s WHERE seq = 3", [forged(third)])
    rechain(3)
    connection.check_constraints()
    install("default")
    events_make(1)
    with pytest.raises(LogRefused, match="not those that were anchored"):
        seal()


def test_nothing_is_added_to_a_log_whose_tiles_were_rewritten(anchor_file: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("HEIGHT", 2), ("WIDTH", 4)):
        monkeypatch.setattr(tiles, name, value)
    monkeypatch.setattr("audit.sealing.HEIGHT", 2)
    anchored(10)
    assert MerkleTile.objects.exists()
    lift("audit_merkletile")
    sql("UPDATE audit_merkletile SET root = %s", [bytes(32)])
    connection.check_constraints()
    install("default")
    assert "not those that were anchored" in str(refusal())


def test_a_record_gone_from_within_is_refused(anchor_file: Path):
    anchored(10)
    lift("audit_record")
    sql("DELETE FROM audit_record WHERE seq = 9")
    connection.check_constraints()
    install("default")
    assert "record 9 is missing" in str(refusal())


def test_the_shop_sells_on_and_says_that_it_is_not_sealing(shop: None, api: Any, anchor_file: Path):
    seal()
    anchored(10)
    cut(8)
    assert api("clerk").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}]}).status_code == 200
    assert Outbox.objects.filter(sealed_at=None, event=events.TASK_COMPLETED).exists()
    assert api("auditor").get("/api/ai/audit").status_code == 200
    ready = api(None).get("/health/ready").json()["data"]
    assert ready["status"] == "degraded"
    assert "were anchored" in ready["checks"]["audit_sealing"]
    assert "shop_audit_refused 1.0" in api(None).get("/metrics").content.decode()
    owner = api("owner")
    owner.client.force_login(owner.user)
    assert "were anchored" in owner.client.get("/admin/").content.decode()


def test_the_worker_tells_it_once_a_minute(bent: None, monkeypatch: pytest.MonkeyPatch):
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(jobs, "_told", -1e9)
    monkeypatch.setattr(jobs.log, "critical", lambda event, **more: told.append((event, more["status"])), raising=False)
    events_make(1)
    assert [seal_events() for _ in range(3)] == [0, 0, 0]
    jobs.write_checkpoint()
    assert [event for event, _ in told] == ["SEALING_REFUSED"]
    assert "were anchored" in told[0][1]


def test_a_log_whose_end_is_restored_goes_on(anchor_file: Path):
    anchored(10)
    lost = list(AuditRecord.objects.filter(seq__gte=8).order_by("seq"))
    cut(8)
    assert refusal()
    QuerySet(AuditRecord).bulk_create(lost)  # as from a backup of the audit database
    sealed_more(2)
    assert refusal() is None


def test_what_was_lost_above_the_anchor_is_sealed_again(anchor_file: Path):
    anchored(5)
    sealed_more(6)
    size = log_size()
    cut(size - 3)
    assert "4 sealed events are missing" in reseal("--dry-run")
    assert log_size() == size - 4
    assert "Sealed again" in reseal()
    record = AuditRecord.objects.get(event=events.AUDIT_RESEALED)
    assert (json.loads(record.payload)["count"], json.loads(record.payload)["log_size"]) == (4, size - 4)
    assert log_size() == size + 1
    assert list(verify_all()) == []
    assert "no sealed event is missing" in reseal()
    anchored(1)


def test_what_was_lost_is_sealed_again_only_when_asked(anchor_file: Path):
    anchored(5)
    sealed_more(6)
    cut(log_size() - 1)
    size = log_size()
    events_make(2)
    for refused in (seal, checkpoint_write):
        with pytest.raises(LogRefused, match=r"end was cut off: 2 of .* audit_reseal"):
            refused()
    assert log_size() == size
    assert "cut off" in str(refusal())
    assert any("gone from the log" in problem.message for problem in verify_all())
    reseal()
    assert log_size() == size + 5
    assert list(verify_all()) == []


def test_tiles_over_a_lost_end_are_made_anew(anchor_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tiles, "HEIGHT", 2)
    monkeypatch.setattr(tiles, "WIDTH", 4)
    monkeypatch.setattr("audit.sealing.HEIGHT", 2)
    anchored(5)
    sealed_more(30)
    cut(12)
    reseal()
    made = checkpoint(1)
    leaves = [bytes(leaf) for leaf in AuditRecord.objects.order_by("seq").values_list("leaf", flat=True)]
    tree = Frontier()
    tree.extend(leaves)
    assert bytes(made.root) == tree.root()


def test_what_an_anchor_held_is_not_sealed_again(bent: None):
    with pytest.raises(CommandError, match=r"Refused.*Restore the audit database") as refused:
        reseal()
    assert refused.value.returncode == 1
    assert log_size() == 7
    assert not Outbox.objects.filter(event=events.AUDIT_RESEALED).exists()


def test_a_gap_above_the_anchor_is_not_sealed_over(anchor_file: Path):
    anchored(5)
    sealed_more(6)
    gap = log_size() - 2
    lift("audit_record")
    sql("DELETE FROM audit_record WHERE seq = %s", [gap])
    connection.check_constraints()
    install("default")
    with pytest.raises(CommandError, match="missing from within"):
        reseal()


def test_without_an_anchor_the_outbox_tells_of_a_cut(settings: Any):
    settings.AUDIT_ANCHOR_FILE = None
    checkpoint(5)
    assert latest() is None
    cut(3)
    with pytest.raises(CommandError, match="end was cut off"):
        call_command("audit_checkpoint")
    assert Checkpoint.objects.count() == 1
    events_make(1)
    with pytest.raises(LogRefused, match="end was cut off"):
        seal()


def test_without_a_key_nothing_can_be_compared(settings: Any, anchor_file: Path, tmp_path: Path):
    anchored(5)
    anchor_file.touch()
    settings.AUDIT_SIGNING_KEY, settings.AUDIT_SIGNING_KEY_FILE = "", tmp_path / "lost.key"
    assert "lost.key" in str(refusal())


def test_the_receipts_count_where_an_anchor_cannot_be_asked(settings: Any, anchor_file: Path):
    made = checkpoint(5)
    settings.AUDIT_ANCHOR_FILE, settings.AUDIT_ANCHOR_MAILBOX = None, "owner@example.com"
    Anchoring(size=made.size, root=bytes(made.root), kind="mailbox", receipt="<1>").save()
    assert latest() == Held(made.size, bytes(made.root))
    cut(3)
    assert refusal()


def test_the_check_costs_the_same_for_a_log_of_any_length(anchor_file: Path, django_assert_max_num_queries: Any):
    anchored(5)
    sealed_more(20)
    anchored(1)
    with django_assert_max_num_queries(5):
        assert refusal() is None


def test_checkpoints_of_a_rewritten_log_are_not_signed(anchor_file: Path):
    anchored(10)
    cut(5)
    count = Checkpoint.objects.count()
    with pytest.raises(LogRefused):
        checkpoint_write()
    assert Checkpoint.objects.count() == count
