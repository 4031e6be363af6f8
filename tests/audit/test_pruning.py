"""Old events leave the outbox when nothing depends on them any more, and the trail tells so."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from audit import events, pruning
from audit.models import AuditRecord, Outbox
from audit.pruning import outbox_prune, pruned_through
from audit.sealing import seal
from audit.services import event_record
from audit.verification import verify_all
from shop_assistant.agents.jobs import jobs
from tests.audit.anchoring import anchored, checkpoint, cut, sealed_more

pytestmark = pytest.mark.django_db


def aged(days: int = 31, **which: Any) -> None:
    """As if these events had been sealed so long ago."""
    Outbox.objects.filter(**which).exclude(sealed_at=None).update(sealed_at=timezone.now() - timedelta(days=days))


def kept() -> int:
    return Outbox.objects.exclude(event=events.OUTBOX_PRUNED).count()


def test_what_is_old_sealed_and_anchored_goes(anchor_file: Path):
    anchored(10)
    size = kept()
    aged()
    assert outbox_prune() == size
    assert kept() == 0
    assert pruned_through() == size
    seal()
    record = AuditRecord.objects.get(event=events.OUTBOX_PRUNED)
    assert f'"through":{size}' in record.payload
    assert list(verify_all()) == []
    assert outbox_prune() == 0


def test_it_goes_on_where_it_left_off(anchor_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pruning, "CHUNK", 4)
    anchored(10)
    aged()
    assert outbox_prune() >= 10
    anchored(6)
    aged()
    assert outbox_prune() >= 6
    assert pruned_through() == AuditRecord.objects.count()
    seal()
    assert list(verify_all()) == []


def test_what_is_young_stays(anchor_file: Path):
    anchored(10)
    aged(29)
    assert outbox_prune() == 0
    aged(31, event_id__in=AuditRecord.objects.filter(seq__lte=4).values("event_id"))
    assert outbox_prune() == 4


def test_what_no_anchor_holds_stays(settings: Any, anchor_file: Path):
    first = anchored(5)
    checkpoint(5)
    aged()
    assert outbox_prune() == first.size
    settings.AUDIT_ANCHOR_FILE = None
    assert outbox_prune() == 0


def test_what_waits_for_sealing_stays(anchor_file: Path):
    anchored(3)
    event_record("TILL_OPENED", user_id="USER1")
    Outbox.objects.filter(sealed_at=None).update(timestamp=F("timestamp") - timedelta(days=99))
    assert outbox_prune() == 0


def test_what_differs_from_its_record_stays_as_evidence_with_all_after_it(anchor_file: Path):
    anchored(8)
    aged()
    bent = AuditRecord.objects.get(seq=5)
    Outbox.objects.filter(event_id=bent.event_id).update(payload="{}")
    assert outbox_prune() == 4
    assert Outbox.objects.filter(event_id=bent.event_id).exists()
    seal()
    assert any(problem.seq == 5 for problem in verify_all())


def test_a_row_that_somebody_took_out_is_not_passed_over(anchor_file: Path):
    anchored(8)
    aged()
    Outbox.objects.filter(event_id=AuditRecord.objects.get(seq=3).event_id).delete()
    assert outbox_prune() == 2
    seal()
    assert any(problem.seq == 3 and "never an event" in problem.message for problem in verify_all())


def test_a_record_written_into_the_log_is_found_behind_what_was_pruned(anchor_file: Path):
    anchored(8)
    aged()
    outbox_prune()
    sealed_more(1)
    Outbox.objects.filter(event_id=AuditRecord.objects.latest("seq").event_id).delete()
    assert any("never an event" in problem.message for problem in verify_all())


def test_nothing_goes_while_the_log_is_refused(anchor_file: Path):
    anchored(8)
    aged()
    cut(4)
    assert outbox_prune() == 0


def test_nobody_else_can_say_that_something_was_pruned(anchor_file: Path):
    anchored(3)
    event_record(events.OUTBOX_PRUNED, user_id="USER-CLERK", agent="audit", through=99)
    assert pruned_through() == 0
    seal()
    assert pruned_through() == 0


def test_the_worker_prunes_every_hour():
    job = next(job for job in jobs() if job.name == "audit.jobs.prune_outbox")
    assert job.seconds == 3600
