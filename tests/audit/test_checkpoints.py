"""Checkpoints: what they state, and when they are written."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from audit import checkpoints
from audit.checkpoints import checkpoint_due, checkpoint_write, public_keys
from audit.jobs import write_checkpoint
from audit.merkle import Frontier
from audit.models import Anchoring, AppendOnlyError, AuditRecord, Checkpoint
from audit.signed_note import read
from shop_assistant.agents.jobs import jobs
from tests.audit.anchoring import checkpoint, lines, sealed_more

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_checkpoint_states_size_and_root_of_the_log():
    made = checkpoint(7)
    tree = Frontier()
    tree.extend(bytes(leaf) for leaf in AuditRecord.objects.order_by("seq").values_list("leaf", flat=True))
    told = read(made.note, public_keys())
    assert (told.origin, told.size, told.root) == ("test-shop/audit", tree.size, tree.root())
    kept = Checkpoint.objects.get()
    assert (kept.size, bytes(kept.root), kept.note) == (told.size, told.root, made.note)


def test_an_empty_log_has_none():
    assert not checkpoint_due()
    sealed_more(1)
    assert checkpoint_due()


def test_without_news_there_is_no_other():
    checkpoint()
    assert checkpoint_write() is None
    assert not checkpoint_due()
    assert Checkpoint.objects.count() == 1


def test_news_is_signed_within_a_minute():
    with time_machine.travel(NOON, tick=False) as clock:
        checkpoint()
        clock.shift(timedelta(hours=1))
        assert not checkpoint_due()
        sealed_more(1)
        assert checkpoint_due()
        checkpoint_write()
        sealed_more(1)
        assert not checkpoint_due()
        clock.shift(timedelta(seconds=checkpoints.SECONDS))
        assert checkpoint_due()
    job = next(job for job in jobs() if job.name == "audit.jobs.write_checkpoint")
    assert checkpoints.SECONDS + job.seconds < 60


def test_many_news_are_signed_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkpoints, "NEWS", 4)
    checkpoint()
    sealed_more(3)
    assert not checkpoint_due()
    sealed_more(1)
    assert checkpoint_due()


def test_a_clock_that_jumps_back_delays_no_checkpoint():
    with time_machine.travel(NOON, tick=False) as clock:
        checkpoint()
        clock.shift(timedelta(days=-400))
        sealed_more(1)
        assert checkpoint_due()
        assert checkpoint_write() is not None


def test_the_worker_signs_and_anchors(anchor_file):
    sealed_more(3)
    write_checkpoint()
    kept = Checkpoint.objects.get()
    assert [line["size"] for line in lines(anchor_file)] == [kept.size]
    assert Anchoring.objects.get().size == kept.size


def test_checkpoints_can_only_be_added():
    made = checkpoint()
    with pytest.raises(AppendOnlyError):
        made.delete()
