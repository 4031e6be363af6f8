"""What passes by itself is tried again, what does not is told at once; and the trace of both."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from audit.models import Outbox
from inventory.models import StockLevel
from orchestrator.models import TaskState
from orchestrator.retry import ATTEMPTS
from shop_assistant.agents.errors import (
    AgentError,
    ClarificationNeeded,
    ExternalServiceError,
    InternalError,
    TransientError,
)
from tests.programs import laboratory as lab

from .conftest import Run, on_hand

TRANSIENT = ("busy", "timeout", "locked", "lost")


def failed_with(run: Run, operation: str, fault: str) -> AgentError:
    with pytest.raises(AgentError) as caught:
        run(operation, {"fault": fault})
    return caught.value


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", ["experiment", "look"])
@pytest.mark.django_db
def test_transient_faults_are_tried_again(laboratory: Run, operation: str, fault: str) -> None:
    outcome = laboratory(operation, {"fault": fault, "times": 2})
    task = TaskState.objects.get(task_id=outcome.task_id)
    assert outcome.data == {"on_hand": on_hand()}
    assert on_hand() == (151 if operation == "experiment" else 150)
    assert task.status == "completed"
    assert [(c["attempt"], c["status"]) for c in task.agent_calls] == [(1, "failed"), (2, "failed"), (3, "success")]
    assert all(c["error"] for c in task.agent_calls[:2])
    assert task.agent_calls[2]["error"] is None
    assert {"agent", "operation", "started_at", "duration_ms", "status", "attempt", "error"} == set(task.agent_calls[0])


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", ["experiment", "look"])
@pytest.mark.django_db
def test_a_fault_that_stays_is_a_503_and_nothing_is_changed(laboratory: Run, operation: str, fault: str) -> None:
    error = failed_with(laboratory, operation, fault)
    assert (error.status, error.code, error.retry_after) == (503, "TEMPORARILY_UNAVAILABLE", 2)
    task = TaskState.objects.get(task_id=error.task_id)
    assert (task.status, task.error_code) == ("failed", "TEMPORARILY_UNAVAILABLE")
    assert [c["attempt"] for c in task.agent_calls] == list(range(1, ATTEMPTS + 1))
    assert on_hand() == 150
    events = Outbox.objects.filter(task_id=error.task_id).order_by("id").values_list("event", flat=True)
    assert list(events) == ["TASK_STARTED", "TASK_FAILED"]


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("bug", InternalError, "INTERNAL_ERROR"),
        ("full", InternalError, "INTERNAL_ERROR"),
        ("external", ExternalServiceError, "EXTERNAL_SERVICE_ERROR"),
        ("unclear", ClarificationNeeded, "CLARIFICATION_NEEDED"),
    ],
)
@pytest.mark.parametrize("operation", ["experiment", "look"])
@pytest.mark.django_db
def test_other_faults_are_not_tried_again(
    laboratory: Run, operation: str, fault: str, kind: type[AgentError], code: str
) -> None:
    error = failed_with(laboratory, operation, fault)
    assert type(error) is kind
    assert lab.SECRET not in error.message + str(error.details)
    task = TaskState.objects.get(task_id=error.task_id)
    assert (task.status, task.error_code, len(task.agent_calls)) == ("failed", code, 1)
    assert lab.SECRET not in str(task.error) + str(task.agent_calls)
    assert on_hand() == 150


@pytest.mark.django_db
def test_waiting_between_attempts_is_short(laboratory: Run) -> None:
    began = time.monotonic()
    failed_with(laboratory, "experiment", "busy")
    assert time.monotonic() - began < 3


# Real conflicts in the database.


@contextmanager
def somebody_locking(seconds: float) -> Iterator[None]:
    """Another connection that holds what the laboratory needs, for so long."""
    locked = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            StockLevel.objects.select_for_update().get(product__sku=lab.SKU)
            StockLevel.objects.filter(product__sku=lab.SKU).update(reserved=0)
            locked.set()
            time.sleep(seconds)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(10)
    try:
        yield
    finally:
        holder.join()


@contextmanager
def impatient_connection() -> Iterator[None]:
    """SQLite's own patience for locks cut down to 0.2 s; on PostgreSQL the operation does that."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 200")
    yield
    if connection.vendor == "sqlite":
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_lock_of_another_is_waited_out(laboratory: Run) -> None:
    with impatient_connection(), somebody_locking(0.3):
        outcome = laboratory("impatient")
    calls = TaskState.objects.get(task_id=outcome.task_id).agent_calls
    assert calls[-1]["status"] == "success"
    if connection.vendor == "postgresql":  # SQLite locks all of the file, so the waiting is done before the call
        assert [c["error"] for c in calls[:-1]] == ["OperationalError"] * (len(calls) - 1)
        assert len(calls) > 1
    assert on_hand() == 151


def in_two_threads(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    wrong: list[BaseException] = []

    def guarded(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_serialization_failure_is_tried_again(laboratory: Run) -> None:
    in_two_threads(lambda: laboratory("serialize"), lambda: laboratory("serialize"))
    calls = [call for task in TaskState.objects.all() for call in task.agent_calls]
    assert sorted(call["status"] for call in calls) == ["failed", "success", "success"]
    assert on_hand() == 152


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_tried_again(laboratory: Run) -> None:
    rows = list(StockLevel.objects.order_by("pk").values_list("pk", flat=True)[:2])
    in_two_threads(
        lambda: laboratory("deadlock", {"order": rows}), lambda: laboratory("deadlock", {"order": rows[::-1]})
    )
    calls = [call for task in TaskState.objects.all() for call in task.agent_calls]
    assert sorted(call["status"] for call in calls) == ["failed", "success", "success"]
    assert on_hand() == 152


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_stays_is_a_503(laboratory: Run) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's lock would keep the failure from being stored as well")
    with somebody_locking(4), pytest.raises(TransientError) as caught:
        laboratory("impatient")
    task = TaskState.objects.get(task_id=caught.value.task_id)
    assert (task.status, len(task.agent_calls)) == ("failed", ATTEMPTS)
    assert on_hand() == 150
