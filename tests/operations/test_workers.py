"""Several workers at one queue: in the database, and in Redis, which may be away."""

import json
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as shop_settings
from django.db import connections, transaction
from django.utils import timezone
from django_rq import get_queue

from audit.models import Outbox
from orchestrator.health import workers_seen
from orchestrator.models import TaskState
from orchestrator.services import dispatch
from orchestrator.tasks import tasks_sweep
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Context
from shop_assistant.environment import redis_queue
from tests.orchestrator.conftest import on_hand
from tests.processes import worker

from .conftest import free_port, redis_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shop")]
TASKS, ROUNDS = 40, 5
ALL = TASKS * ROUNDS


@pytest.fixture
def on_redis(settings: Any) -> Callable[[str], dict[str, str]]:
    """`on_redis(url)`: this process sends its messages there."""

    def switch(url: str) -> dict[str, str]:
        settings.TASKS_BACKEND = "redis"
        settings.RQ_QUEUES = {"default": redis_queue("REDIS_URL", url)}
        settings.TASKS = {"default": {"BACKEND": "django_tasks_rq.RQBackend", "QUEUES": ["default"]}}
        settings.INSTALLED_APPS = [*shop_settings.INSTALLED_APPS, "django_rq"]
        return {"TASKS_BACKEND": "redis", "REDIS_URL": url}

    return switch


def accept(count: int = 1) -> None:
    payload = {"sku": "SKU001", "delta": 1}
    for _ in range(count):
        context = Context(user=system_user(), channel="python", respond_async=True)
        dispatch(agent="inventory", operation="update", payload=payload, context=context)


def done() -> int:
    connections.close_all()
    return TaskState.objects.filter(status="completed").count()


def tasks_in(log: str) -> set[str]:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return {line["task_id"] for line in lines if line["event"] == "AGENT_CALL" and line["status"] == "success"}


def test_two_workers_share_the_databases_queue() -> None:
    share_the_work({})


def test_two_workers_share_the_queue_in_redis(redis: str, on_redis: Any) -> None:
    share_the_work(on_redis(redis))
    assert len(get_queue().finished_job_registry) >= ALL, "each message was understood, the sweeper's second ones too"


def share_the_work(told: dict[str, str]) -> None:
    with worker(**told) as one, worker(**told) as other:
        one.wait_until(lambda: workers_seen()[0] == 2)
        for number in range(1, ROUNDS + 1):  # one may still be coming up while the other does the first ones
            with transaction.atomic():  # all of them are there at once
                accept(TASKS)
            one.wait_until(lambda number=number: done() == number * TASKS)
        logs = [one.stop(), other.stop()]
    assert not [line for log in logs for line in log.splitlines() if '"ERROR"' in line]
    first, second = map(tasks_in, logs)
    assert first, "the first took no part"
    assert second, "the second took no part"
    assert not first & second
    assert len(first | second) == ALL
    assert on_hand() == 150 + ALL
    assert Outbox.objects.filter(event="TASK_STARTED").count() == ALL
    assert Outbox.objects.filter(event="TASK_COMPLETED").count() == ALL


def test_the_message_leaves_after_the_commit_and_only_then(redis: str, on_redis: Any) -> None:
    on_redis(redis)
    with transaction.atomic():
        accept()
        assert get_queue().count == 0
    assert get_queue().count == 1
    with transaction.atomic():
        accept()
        transaction.set_rollback(True)
    assert get_queue().count == 1
    assert TaskState.objects.count() == 1


def test_a_crash_between_commit_and_message_is_healed_by_the_sweeper(redis: str, on_redis: Any) -> None:
    on_redis(redis)
    accept()
    get_queue().empty()
    TaskState.objects.update(due_at=timezone.now() - timedelta(seconds=31))
    tasks_sweep()
    assert get_queue().count == 1
    assert on_hand() == 150


def test_without_redis_requests_are_accepted_and_their_work_is_done(
    tmp_path: Path, on_redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    port = free_port()
    told = on_redis(f"redis://127.0.0.1:{port}/0")
    began = time.monotonic()
    accept(3)
    assert time.monotonic() - began < 3
    assert TaskState.objects.filter(status="pending").count() == 3
    with worker(**told) as lonely:
        lonely.wait_until(lambda: done() == 3)
        with redis_server(port, tmp_path):
            accept()
            lonely.wait_until(lambda: done() == 4)
        lonely.stop()
    assert on_hand() == 154
