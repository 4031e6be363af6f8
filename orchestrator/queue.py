"""Waking a worker. The truth about a task is its own row; a message lost or sent twice does no harm."""

from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django_rq import get_queue
from django_tasks import task
from django_tasks_db.models import DBTaskResult
from redis.exceptions import RedisError

log = structlog.get_logger("shop")


@task()
def run_task(task_id: str) -> None:
    # Late import: performing a task imports the queue.
    from .services import perform_queued

    perform_queued(UUID(task_id))


def enqueue(task_id: UUID, *, after: datetime | None = None) -> None:
    """Send the message: within the caller's transaction, or on Redis after its commit.

    Redis gets no message for later: workers look for tasks whose time has come (`worker`).
    """
    if settings.TASKS_BACKEND == "database":
        (run_task.using(run_after=after) if after else run_task).enqueue(str(task_id))
    elif after is None:
        transaction.on_commit(partial(_send, task_id))


def _send(task_id: UUID) -> None:
    """Without Redis the task waits for a worker to find it; what was accepted stays accepted."""
    try:
        run_task.enqueue(str(task_id))
    except RedisError as error:
        log.warning("QUEUE_UNREACHABLE", task_id=str(task_id), agent="Orchestrator", status=type(error).__name__)


def queue_depth() -> int | None:
    """Messages that wait for a worker; None while the queue can't be asked."""
    if settings.TASKS_BACKEND == "database":
        return DBTaskResult.objects.ready().count()
    try:
        return int(get_queue().count)
    except RedisError:
        return None


def oldest_message() -> datetime | None:
    """When the message that waits longest for a worker was sent; None: none waits, or the queue can't be asked."""
    if settings.TASKS_BACKEND == "database":
        return DBTaskResult.objects.ready().order_by("enqueued_at").values_list("enqueued_at", flat=True).first()
    try:
        jobs = get_queue().get_jobs(0, 1)
    except RedisError:
        return None
    return jobs[0].enqueued_at if jobs else None
