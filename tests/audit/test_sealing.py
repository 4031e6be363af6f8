"""The sealer: every committed event once, in an unbroken chain, whatever happens in between."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit import sealing
from audit.events import draft
from audit.jobs import seal_events
from audit.merkle import GENESIS, chain_hash, leaf_hash
from audit.models import AppendOnlyError, AuditRecord, Outbox
from audit.sealing import seal
from audit.verification import log_size, verify_all
from shop_assistant.agents.jobs import jobs
from tests.audit.conftest import events_make, sealed


def check_chain() -> int:
    """Contiguous from 1, each record bound to the one before; how many there are."""
    chain, size = GENESIS, 0
    for size, record in enumerate(AuditRecord.objects.order_by("seq"), 1):
        leaf = leaf_hash(record.payload.encode())
        assert (record.seq, bytes(record.leaf), bytes(record.prev)) == (size, leaf, chain)
        chain = chain_hash(chain, leaf)
        assert bytes(record.chain) == chain
    return size


@pytest.mark.django_db
def test_events_become_records_in_a_chain(monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 4)
    events_make(11)
    assert seal() == 11
    assert check_chain() == log_size() == 11
    assert not Outbox.objects.filter(sealed_at=None).exists()
    assert seal() == 0
    assert list(verify_all()) == []


@pytest.mark.django_db
def test_records_repeat_their_events():
    events_make(3)
    seal()
    for record in AuditRecord.objects.all():
        event = Outbox.objects.get(event_id=record.event_id)
        for field in ("event", "task_id", "user_id", "agent", "timestamp", "payload"):
            assert getattr(record, field) == getattr(event, field)


@pytest.mark.django_db
def test_sealing_can_be_bounded(monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 4)
    events_make(11)
    assert seal(batches=2) == 8
    assert check_chain() == 8
    assert seal(batches=2) == 3
    assert check_chain() == 11


@pytest.mark.django_db
def test_nothing_to_seal_changes_nothing():
    assert seal() == 0
    assert log_size() == 0


@pytest.mark.django_db
def test_a_crash_between_the_commit_of_the_records_and_the_mark_is_healed():
    sealed(6)
    Outbox.objects.filter(pk__in=Outbox.objects.order_by("pk")[2:5].values("pk")).update(sealed_at=None)
    events_make(2)
    assert seal() == 2
    assert check_chain() == 8
    assert not Outbox.objects.filter(sealed_at=None).exists()
    assert list(verify_all()) == []


@pytest.mark.django_db
def test_a_crash_before_the_commit_of_the_records_leaves_the_events_waiting(monkeypatch):
    events_make(3)

    class Killed(BaseException):
        pass

    def killed(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "rows_insert", killed)
        with pytest.raises(Killed):
            seal()
    assert log_size() == 0
    assert Outbox.objects.filter(sealed_at=None).count() == 3
    assert seal() == 3
    assert check_chain() == 3


@pytest.mark.django_db
def test_an_event_that_commits_late_is_not_passed_over():
    """Ids are given out when a row is inserted, not when it commits: a cursor would lose such rows for good."""
    events_make(5)
    late = Outbox.objects.order_by("pk")[1]
    row = {f.attname: getattr(late, f.attname) for f in Outbox._meta.concrete_fields}
    late.delete()  # for now: its transaction is still open
    assert seal() == 4
    Outbox.objects.create(**row)
    assert seal() == 1
    assert check_chain() == 5
    assert AuditRecord.objects.get(seq=5).event_id == row["event_id"]


@pytest.mark.django_db
@pytest.mark.parametrize("of", ["event_id", "prev", "seq"])
def test_the_database_lets_no_log_fork(of: str):
    """Were the lock to fail, a second sealer would come upon these."""
    records = sealed(3)
    event = draft("FORKED", user_id="USER1")
    fork = AuditRecord(
        seq=4,
        event_id=event.event_id,
        event=event.event,
        user_id="USER1",
        timestamp=event.timestamp,
        payload=event.payload,
        leaf=event.leaf,
        prev=records[-1].chain,
        chain=chain_hash(bytes(records[-1].chain), event.leaf),
    )
    setattr(fork, of, getattr(records[1], of))
    with pytest.raises(IntegrityError), transaction.atomic():
        fork.save(force_insert=True)
    assert check_chain() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_the_lock_is_taken_where_the_database_has_one(vendor: str, django_assert_num_queries):
    if connection.vendor != vendor:
        pytest.skip(f"this run is on {connection.vendor}")
    with transaction.atomic(), django_assert_num_queries(1 if vendor == "postgresql" else 0):
        sealing.lock()


@pytest.mark.django_db
def test_python_refuses_to_change_a_record():
    record = sealed(1)[0]
    for refused in (
        record.save,
        record.delete,
        AuditRecord.objects.all().delete,
        lambda: AuditRecord.objects.update(user_id="nobody"),
        lambda: AuditRecord.objects.bulk_update([record], ["user_id"]),
        lambda: AuditRecord.objects.update_or_create(seq=1, defaults={"user_id": "nobody"}),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            refused()


@pytest.fixture
def clock_that_jumps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([timezone.now() - timedelta(hours=n) for n in range(20)])
    monkeypatch.setattr("audit.events.datetime", type("Clock", (), {"now": staticmethod(lambda zone: next(moments))}))


@pytest.mark.django_db
@pytest.mark.usefixtures("clock_that_jumps_back")
def test_a_clock_that_jumps_back_breaks_nothing():
    events_make(5)
    assert seal() == 5
    assert check_chain() == 5
    told = list(AuditRecord.objects.order_by("seq").values_list("timestamp", flat=True))
    assert told == sorted(told, reverse=True)
    assert list(verify_all()) == []


@pytest.mark.django_db
def test_the_worker_seals_every_second():
    events_make(2)
    assert seal_events() == 2
    job = next(job for job in jobs() if job.name == "audit.jobs.seal_events")
    assert job.seconds == 1
