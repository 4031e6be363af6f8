"""Several sealers at once, and sealers that are killed, in processes of their own."""

import signal
import threading
import time
from contextlib import ExitStack

import pytest
from django.db import connection, transaction

from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from audit.services import event_record
from audit.verification import verify_all
from tests.audit.conftest import events_make
from tests.audit.test_sealing import check_chain
from tests.processes import PROGRAMS, Program

SEALER = PROGRAMS / "sealer.py"
pytestmark = pytest.mark.django_db(transaction=True)


def check_all_sealed(count: int) -> None:
    assert check_chain() == count
    sealed = set(AuditRecord.objects.values_list("event_id", flat=True))
    assert sealed == set(Outbox.objects.values_list("event_id", flat=True))
    assert list(verify_all()) == []


@pytest.mark.parametrize("how", ["", "no-lock"])
def test_five_sealers_make_one_log(how: str):
    if how and connection.vendor != "postgresql":
        pytest.skip("SQLite's lock is BEGIN IMMEDIATE itself")
    events_make(200)
    with ExitStack() as stack:
        sealers = [stack.enter_context(Program(SEALER, "200", how)) for _ in range(5)]
        added = [sealer.answer() for sealer in sealers]
    seal()  # marks what a twin has sealed
    assert sum(added) == 200
    check_all_sealed(200)


def test_events_that_commit_out_of_order_are_all_sealed():
    """Transactions that stay open get lower ids than the ones sealed meanwhile."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: ids commit in order")

    def slow(number: int) -> None:
        with transaction.atomic():
            event_record("TILL_OPENED", user_id=f"SLOW{number}")
            time.sleep(0.05 * number)
        connection.close()

    threads = [threading.Thread(target=slow, args=(number,)) for number in range(10)]
    with Program(SEALER, "60") as sealer:
        for thread in threads:
            thread.start()
        events_make(50)
        for thread in threads:
            thread.join()
        assert sealer.answer() == 60
    check_all_sealed(60)


@pytest.mark.parametrize(("how", "left"), [("die-before-commit", 0), ("die-before-mark", 7)])
def test_a_sealer_that_is_killed_loses_and_doubles_nothing(how: str, left: int):
    events_make(20)
    with Program(SEALER, "20", how) as killed:
        assert killed.process.wait(60) == -signal.SIGKILL
    assert AuditRecord.objects.count() == left
    assert Outbox.objects.filter(sealed_at=None).count() == 20
    assert seal() == 20 - left
    check_all_sealed(20)
