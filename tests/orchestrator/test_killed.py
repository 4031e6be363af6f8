"""Processes that die in the middle of their work, or only seem to."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction  # noqa: F401  (connection: for skipif)
from django.utils import timezone

from audit.models import Outbox
from inventory.models import StockLevel
from orchestrator.completeness import verify_completeness
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from orchestrator.tasks import LeaseLost, task_claim, task_fail, task_finish, task_requeue, tasks_sweep
from shop_assistant.agents import call
from shop_assistant.agents.errors import IdempotencyInProgress, InternalError
from tests.processes import experimenter, worker

from .conftest import Run, on_hand

pytestmark = pytest.mark.django_db(transaction=True)

one_at_a_time = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")


def lease_ends() -> None:
    """Let the time until the leases run out pass."""
    TaskState.objects.filter(status="in_progress").update(lease_until=timezone.now() - timedelta(seconds=1))


def events_of(task_id: UUID) -> list[str]:
    return list(Outbox.objects.filter(task_id=task_id).order_by("id").values_list("event", flat=True))


def test_an_accepted_task_of_a_killed_worker_is_finished_by_another(laboratory: Run, tmp_path: Path) -> None:
    task_id = laboratory("hang", respond_async=True).task_id
    hanging = tmp_path / "hanging"
    with experimenter("hang", {"task": str(task_id)}, TELL_HANGING=str(hanging)) as dying:
        dying.wait_until(hanging.exists)
        dying.process.kill()
        dying.process.wait()
    task = TaskState.objects.get(task_id=task_id)
    assert (task.status, on_hand()) == ("in_progress", 150)
    assert task.lease_until is not None
    assert task.lease_until <= timezone.now() + timedelta(seconds=20)

    assert tasks_sweep() == 0, "its lease still runs"
    lease_ends()
    assert tasks_sweep() == 1
    task.refresh_from_db()
    assert (task.status, task.attempt) == ("pending", 2)
    perform_queued(task_id)
    perform_queued(task_id)
    task.refresh_from_db()
    assert (task.status, task.outputs, on_hand()) == ("completed", {"on_hand": 151}, 151)
    assert events_of(task_id) == ["TASK_QUEUED", "TASK_STARTED", "TASK_REQUEUED", "TASK_STARTED", "TASK_COMPLETED"]
    assert list(verify_completeness()) == []


def test_a_request_of_a_killed_web_process_is_failed_and_its_key_released(laboratory: Run, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    with experimenter("hang", {"idempotency_key": "k1"}, TELL_HANGING=str(hanging)) as dying:
        dying.wait_until(hanging.exists)
        dying.process.kill()
        dying.process.wait()
    dead = TaskState.objects.get()
    assert (dead.status, on_hand()) == ("in_progress", 150)

    with pytest.raises(IdempotencyInProgress) as caught:
        laboratory("hang", idempotency_key="k1")
    assert (caught.value.status, caught.value.retry_after) == (409, 1)

    lease_ends()
    assert tasks_sweep() == 1
    dead.refresh_from_db()
    assert (dead.status, dead.error_code) == ("failed", "TEMPORARILY_UNAVAILABLE")
    assert "died" in dead.error["message"]
    assert events_of(dead.task_id)[:2] == ["TASK_STARTED", "REQUEST_REPEATED"]
    assert events_of(dead.task_id)[-1] == "TASK_FAILED"

    first = laboratory("hang", idempotency_key="k1")
    second = laboratory("hang", idempotency_key="k1")
    assert first.task_id != dead.task_id
    assert (second.task_id, second.data, second.receipt) == (first.task_id, {"on_hand": 151}, first.receipt)
    assert on_hand() == 151


def test_a_task_whose_processes_keep_dying_is_failed_at_last(laboratory: Run, settings: Any) -> None:
    task_id = laboratory("hang", respond_async=True).task_id
    for _ in range(settings.TASK_MAX_ATTEMPTS):
        assert task_claim(task_id)
        lease_ends()
        assert tasks_sweep() == 1
    task = TaskState.objects.get(task_id=task_id)
    assert (task.status, task.attempt, on_hand()) == ("failed", settings.TASK_MAX_ATTEMPTS, 150)
    assert task_claim(task_id) is None


def test_who_was_taken_for_dead_can_end_nothing(laboratory: Run) -> None:
    task_id = laboratory("hang", respond_async=True).task_id
    slow = task_claim(task_id)
    assert slow is not None
    lease_ends()
    tasks_sweep()
    other = task_claim(task_id)
    assert other is not None
    with pytest.raises(LeaseLost), transaction.atomic():
        task_finish(task_claimed_again(slow), trace=[], outputs={}, told={}, text="", history=[])
    with pytest.raises(LeaseLost):
        task_fail(task_claimed_again(slow), [], InternalError())
    assert task_requeue(task_claimed_again(slow), delay=timedelta(0), because="slow") is False
    now = TaskState.objects.get(task_id=task_id)
    assert (now.status, now.lease_token) == ("in_progress", other.lease_token)


def task_claimed_again(task: TaskState) -> TaskState:
    """A copy: the functions change what they are given before they know whether it holds."""
    return TaskState(**{field.attname: getattr(task, field.attname) for field in TaskState._meta.concrete_fields})


def test_two_sweepers_requeue_once(laboratory: Run) -> None:
    task_id = laboratory("hang", respond_async=True).task_id
    claimed = task_claim(task_id)
    assert claimed is not None
    lease_ends()
    assert task_requeue(task_claimed_again(claimed), delay=timedelta(0), because="died") is True
    assert task_requeue(task_claimed_again(claimed), delay=timedelta(0), because="died") is False
    assert TaskState.objects.get(task_id=task_id).attempt == 2
    assert events_of(task_id).count("TASK_REQUEUED") == 1


@one_at_a_time
def test_an_effect_whose_lease_was_lost_is_rolled_back(laboratory: Run, tmp_path: Path) -> None:
    task_id = laboratory("hang", respond_async=True).task_id
    hanging = tmp_path / "hanging"
    with experimenter("hang", {"task": str(task_id)}, TELL_HANGING=str(hanging)) as slow:
        slow.wait_until(hanging.exists)
        lease_ends()
        assert tasks_sweep() == 1
        (tmp_path / "hanging.go").touch()
        slow.answer()
    assert (TaskState.objects.get(task_id=task_id).status, on_hand()) == ("pending", 150)
    perform_queued(task_id)
    assert (TaskState.objects.get(task_id=task_id).status, on_hand()) == ("completed", 151)
    assert events_of(task_id).count("TASK_COMPLETED") == 1


@one_at_a_time
def test_a_lease_is_renewed_while_the_work_goes_on(laboratory: Run, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    with experimenter("hang", {}, TELL_HANGING=str(hanging), BEAT_SECONDS="0.2") as slow:
        slow.wait_until(hanging.exists)
        first = TaskState.objects.get().lease_until
        slow.wait_until(lambda: TaskState.objects.get().lease_until > first, seconds=10)
        assert tasks_sweep() == 0
        (tmp_path / "hanging.go").touch()
        assert slow.answer() == {"on_hand": 151}
    assert TaskState.objects.get().status == "completed"


@one_at_a_time
def test_kill_9_of_a_worker_and_a_new_one(shop: None) -> None:
    """The real worker, stuck at a lock of ours, is killed; the next one sweeps up behind it."""
    call("inventory", "update", {"sku": "SKU001", "delta": -5}, respond_async=True)
    task_id = TaskState.objects.get().task_id
    with worker() as dying, transaction.atomic():
        StockLevel.objects.select_for_update().get(product__sku="SKU001")
        dying.wait_until(lambda: TaskState.objects.get().status == "in_progress")
        dying.process.kill()
        dying.process.wait()
    assert on_hand() == 150
    lease_ends()
    with worker() as next_one:
        next_one.wait_until(lambda: TaskState.objects.get().status == "completed")
        next_one.stop()
    assert on_hand() == 145
    assert events_of(task_id) == ["TASK_QUEUED", "TASK_STARTED", "TASK_REQUEUED", "TASK_STARTED", "TASK_COMPLETED"]
