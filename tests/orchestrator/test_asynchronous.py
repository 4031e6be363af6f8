"""Work that is accepted now and done by a worker; and run again when it failed."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from audit.models import Outbox
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from orchestrator.tasks import task_retry, tasks_sweep
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from shop_assistant.agents.errors import Conflict
from tests.conftest import Api
from tests.processes import worker

from .conftest import Run, on_hand


def events_of(task_id: Any) -> list[str]:
    return list(Outbox.objects.filter(task_id=task_id).order_by("id").values_list("event", flat=True))


def due_now(task_id: Any) -> None:
    """Let the time until its next attempt pass."""
    TaskState.objects.filter(task_id=task_id).update(due_at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_what_was_accepted(shop: None, api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    body = {"sku": "SKU001", "delta": -3, "reason": "damaged"}
    accepted = clerk.post("/api/inventory/update", body, Prefer="respond-async", Idempotency_Key="a1")
    assert accepted.status_code == 202
    task_id = accepted.json()["data"]["task_id"]
    assert accepted.json() == {"status": "success", "data": {"task_id": task_id, "status": "pending"}}
    assert accepted["Location"] == f"/api/ai/task/{task_id}"
    assert accepted["X-Task-ID"] == task_id
    pending = clerk.get(accepted["Location"]).json()["data"]
    assert (pending["status"], pending["outputs"], pending["finished_at"]) == ("pending", None, None)
    read = clerk.post(
        "/api/ai/query",
        {"page": "Customer", "ui_payload": {"action": "query_customer", "customer_id": "CUST001"}},
        Prefer="respond-async, wait=100",
    )
    assert read.status_code == 202
    assert read.json()["status"] == "success"

    with worker() as running:
        running.wait_until(lambda: TaskState.objects.filter(status="completed").count() == 2)
        told = running.stop()
    done = clerk.get(accepted["Location"]).json()["data"]
    assert done["outputs"]["quantity"] == 147
    assert [c["status"] for c in done["agent_calls"]] == ["success"]
    assert clerk.get(read["Location"]).json()["data"]["outputs"]["email"] == "john@example.com"
    assert [e for e in events_of(task_id) if e != "ACCESS_TASK"] == ["TASK_QUEUED", "TASK_STARTED", "TASK_COMPLETED"]
    assert on_hand() == 147
    assert "john@example.com" not in told
    assert "John Smith" not in told

    again = clerk.post("/api/inventory/update", body, Prefer="respond-async", Idempotency_Key="a1")
    assert (again.status_code, again.json()["data"]["task_id"]) == (202, task_id)
    assert on_hand() == 147


@pytest.mark.django_db
def test_a_message_that_comes_twice_does_its_work_once(laboratory: Run) -> None:
    task_id = laboratory("experiment", respond_async=True).task_id
    assert on_hand() == 150
    for _ in range(3):
        perform_queued(task_id)
    assert on_hand() == 151
    assert events_of(task_id) == ["TASK_QUEUED", "TASK_STARTED", "TASK_COMPLETED"]


@pytest.mark.django_db
def test_a_transient_failure_is_scheduled_again_later(laboratory: Run, settings: Any) -> None:
    task_id = laboratory("experiment", {"fault": "busy", "times": 4}, respond_async=True).task_id
    perform_queued(task_id)
    task = TaskState.objects.get(task_id=task_id)
    assert (task.status, task.attempt, len(task.agent_calls)) == ("pending", 2, 4)
    assert task.due_at is not None
    assert task.due_at - task.updated_at == timedelta(seconds=2)
    TaskState.objects.filter(task_id=task_id).update(due_at=timezone.now() + timedelta(seconds=60))
    perform_queued(task_id)
    assert TaskState.objects.get(task_id=task_id).attempt == 2, "not before it is due"
    due_now(task_id)
    perform_queued(task_id)
    task.refresh_from_db()
    assert (task.status, on_hand()) == ("completed", 151)
    assert [c["status"] for c in task.agent_calls] == ["failed"] * 4 + ["success"]
    assert events_of(task_id) == [
        "TASK_QUEUED",
        "TASK_STARTED",
        "TASK_REQUEUED",
        "TASK_STARTED",
        "TASK_COMPLETED",
    ]


@pytest.mark.django_db
def test_what_never_passes_fails_after_so_many_attempts(laboratory: Run, settings: Any) -> None:
    settings.TASK_MAX_ATTEMPTS = 2
    task_id = laboratory("experiment", {"fault": "busy"}, respond_async=True).task_id
    for _ in range(3):
        perform_queued(task_id)
        due_now(task_id)
    task = TaskState.objects.get(task_id=task_id)
    assert (task.status, task.error_code, task.attempt) == ("failed", "TEMPORARILY_UNAVAILABLE", 2)
    assert on_hand() == 150


@pytest.mark.django_db
def test_a_bug_fails_at_once_and_can_be_run_again_by_hand(laboratory: Run) -> None:
    task_id = laboratory("experiment", {"fault": "bug", "times": 1}, respond_async=True).task_id
    perform_queued(task_id)
    assert TaskState.objects.get(task_id=task_id).error_code == "INTERNAL_ERROR"
    task_retry(task_id=task_id, user_id="USER-OWNER")
    task = TaskState.objects.get(task_id=task_id)
    assert (task.status, task.error, task.error_code, task.finished_at) == ("pending", None, "", None)
    perform_queued(task_id)
    task.refresh_from_db()
    assert (task.status, task.error, on_hand()) == ("completed", None, 151)
    wish = Outbox.objects.get(task_id=task_id, event="TASK_REQUEUED")
    assert json.loads(wish.payload)["asked_by"] == "USER-OWNER"
    assert events_of(task_id) == [
        "TASK_QUEUED",
        "TASK_STARTED",
        "TASK_FAILED",
        "TASK_REQUEUED",
        "TASK_STARTED",
        "TASK_COMPLETED",
    ]
    with pytest.raises(Conflict):
        task_retry(task_id=task_id, user_id="USER-OWNER")


@pytest.mark.django_db
def test_a_right_that_was_lost_meanwhile_counts(shop: None, api: Callable[[str], Api], users: dict[Role, User]) -> None:
    accepted = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Prefer="respond-async")
    users[Role.CLERK].groups.clear()
    perform_queued(accepted.json()["data"]["task_id"])
    task = TaskState.objects.get()
    assert (task.status, task.error_code, on_hand()) == ("failed", "PERMISSION_DENIED", 150)


@pytest.mark.parametrize("change", ["deactivated", "removed"])
@pytest.mark.django_db
def test_a_user_who_is_gone_gets_nothing_done(
    change: str, shop: None, api: Callable[[str], Api], users: dict[Role, User]
) -> None:
    accepted = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Prefer="respond-async")
    clerk = users[Role.CLERK]
    if change == "removed":
        clerk.delete()
    else:
        clerk.is_active = False
        clerk.save()
    perform_queued(accepted.json()["data"]["task_id"])
    task = TaskState.objects.get()
    assert (task.status, task.error_code, on_hand()) == ("failed", "PERMISSION_DENIED", 150)


@pytest.mark.django_db
def test_an_invalid_request_is_refused_before_it_is_accepted(shop: None, api: Callable[[str], Api]) -> None:
    answer = api("clerk").post("/api/inventory/update", {"sku": "SKU001"}, Prefer="respond-async")
    assert answer.status_code == 400
    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db
def test_a_failure_of_accepted_work_is_told_by_the_task(shop: None, api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    accepted = clerk.post("/api/inventory/update", {"sku": "SKU999", "delta": 1}, Prefer="respond-async")
    perform_queued(accepted.json()["data"]["task_id"])
    task = clerk.get(accepted["Location"]).json()["data"]
    assert task["status"] == "failed"
    assert task["error"]["code"] == "DATA_NOT_FOUND"
    assert "SKU001" in task["error"]["details"]["available_skus"]


@pytest.mark.django_db
def test_a_message_that_was_lost_is_sent_again(laboratory: Run) -> None:
    task_id = laboratory("experiment", respond_async=True).task_id
    DBTaskResult.objects.all().delete()
    tasks_sweep()
    assert not DBTaskResult.objects.exists(), "not while a worker may still be on its way"
    TaskState.objects.filter(task_id=task_id).update(due_at=timezone.now() - timedelta(minutes=1))
    tasks_sweep()
    assert DBTaskResult.objects.get().args_kwargs["args"] == [str(task_id)]


def test_a_task_whose_message_was_lost_is_woken_once_and_workers_that_are_behind_get_no_more(
    laboratory: Run,
) -> None:
    waiting, lost = (laboratory("hang", respond_async=True).task_id for _ in range(2))
    messages = DBTaskResult.objects.ready()
    TaskState.objects.update(due_at=timezone.now() - timedelta(minutes=2))
    messages.update(enqueued_at=timezone.now() - timedelta(minutes=2))
    tasks_sweep()
    assert messages.count() == 2, "they are only behind"

    messages.filter(args_kwargs__args=[str(lost)]).delete()
    TaskState.objects.filter(task_id=lost).update(due_at=timezone.now() - timedelta(minutes=3))
    tasks_sweep()
    tasks_sweep()
    assert sorted(message.args_kwargs["args"][0] for message in messages) == sorted([str(waiting), str(lost)])
