"""The life of a task, as the database itself holds it, whoever writes to it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from orchestrator.models import IdempotencyKey, TaskState
from shop_assistant.agents.errors import Conflict, NotFound

from .conftest import Run

pytestmark = pytest.mark.django_db

NOW = timezone.now()
STATES: dict[str, dict[str, Any]] = {
    "pending": {"due_at": NOW, "lease_token": None, "lease_until": None, "finished_at": None, "error_code": ""},
    "in_progress": {
        "started_at": NOW,
        "lease_token": uuid4(),
        "lease_until": NOW,
        "finished_at": None,
        "error_code": "",
    },
    "completed": {"started_at": NOW, "finished_at": NOW, "lease_token": None, "lease_until": None, "error_code": ""},
    "failed": {
        "started_at": NOW,
        "finished_at": NOW,
        "lease_token": None,
        "lease_until": None,
        "error_code": "INTERNAL_ERROR",
    },
}
ALLOWED = {
    ("pending", "in_progress"),
    ("in_progress", "completed"),
    ("in_progress", "failed"),
    ("in_progress", "pending"),
    ("failed", "pending"),
    ("pending", "pending"),
    ("in_progress", "in_progress"),
    ("failed", "failed"),
}


def made(status: str) -> TaskState:
    return TaskState.objects.create(status=status, user_id="USER-1", channel="rest", **STATES[status])


@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", STATES)
def test_transitions(before: str, after: str) -> None:
    task = made(before)
    change = TaskState.objects.filter(pk=task.pk)
    if (before, after) in ALLOWED:
        assert change.update(status=after, **STATES[after]) == 1
        return
    with pytest.raises(IntegrityError), transaction.atomic():
        change.update(status=after, **STATES[after])
    task.refresh_from_db()
    assert task.status == before


def test_transitions_by_plain_sql_are_refused_too() -> None:
    task = made("completed")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE orchestrator_taskstate SET status = 'failed', error_code = 'X'")
    task.refresh_from_db()
    assert task.status == "completed"


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        ("pending", {"due_at": None}),
        ("pending", {"lease_token": uuid4()}),
        ("pending", {"lease_until": NOW}),
        ("pending", {"finished_at": NOW}),
        ("in_progress", {"started_at": None}),
        ("in_progress", {"lease_token": None}),
        ("in_progress", {"lease_until": None}),
        ("in_progress", {"finished_at": NOW}),
        ("completed", {"started_at": None}),
        ("completed", {"finished_at": None}),
        ("completed", {"lease_token": uuid4()}),
        ("completed", {"error_code": "CONFLICT"}),
        ("failed", {"finished_at": None}),
        ("failed", {"lease_token": uuid4()}),
        ("failed", {"error_code": ""}),
        ("dreaming", {}),
        ("", {}),
    ],
)
def test_a_state_goes_with_its_times(status: str, wrong: dict[str, Any]) -> None:
    fields = {**STATES.get(status, STATES["completed"]), **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        TaskState.objects.create(status=status, user_id="USER-1", channel="rest", **fields)


def test_a_key_is_held_once_and_is_not_empty() -> None:
    task = made("completed")
    held = {"user_id": "USER-1", "route": "sales.sell", "fingerprint": b"1", "task": task}
    IdempotencyKey.objects.create(key="k", **held)
    for key in ("k", ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            IdempotencyKey.objects.create(key=key, **held)
    IdempotencyKey.objects.create(key="k", **{**held, "user_id": "USER-2"})


@pytest.mark.parametrize("respond_async", [False, True])
def test_a_write_goes_through_its_states(laboratory: Run, respond_async: bool) -> None:
    task = TaskState.objects.get(task_id=laboratory("experiment", respond_async=respond_async).task_id)
    assert task.is_async is respond_async
    if respond_async:
        assert (task.status, task.started_at, task.finished_at) == ("pending", None, None)
        assert task.due_at is not None
    else:
        assert task.status == "completed"
        assert task.started_at is not None
        assert task.finished_at is not None
        assert task.created_at <= task.started_at <= task.finished_at == task.updated_at


def test_only_an_asynchronous_failure_can_be_run_again(laboratory: Run) -> None:
    from orchestrator.tasks import task_retry

    done = laboratory("experiment")
    with pytest.raises(Conflict):
        task_retry(task_id=done.task_id, user_id="USER-OWNER")
    with pytest.raises(NotFound):
        task_retry(task_id=uuid4(), user_id="USER-OWNER")


def test_triggers_are_there_after_each_migrate(django_db_blocker: Any) -> None:
    """SQLite drops them when a migration rebuilds the table; they are installed after every migrate."""
    from orchestrator.apps import _install_task_states

    with connection.cursor() as cursor:
        on_table = " ON orchestrator_taskstate" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER orchestrator_task_transition{on_table}")
    _install_task_states(using="default")
    _install_task_states(using="default")
    test_transitions("completed", "pending")


def test_a_lease_is_short(laboratory: Run, settings: Any) -> None:
    assert settings.TASK_LEASE_SECONDS <= 20
    from orchestrator.leases import BEAT_SECONDS, lease_end

    assert lease_end() - timezone.now() <= timedelta(seconds=20)
    assert BEAT_SECONDS * 3 <= settings.TASK_LEASE_SECONDS
