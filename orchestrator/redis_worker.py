"""A worker that Redis wakes, and that does without it while it is away."""

import signal
import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import close_old_connections, connections
from django.db.models import Q
from django.utils import timezone
from django_rq import get_queue
from django_tasks_rq import Job
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested

from .models import TaskState
from .services import perform_queued

PATIENCE = timedelta(seconds=5)
"""A task that nobody has taken up so long after its time has no message, or Redis is away."""
log = structlog.get_logger("shop")


class ShopWorker(SimpleWorker):
    """Works in its own process: a fork for each task would have to open its own database connections each time."""

    max_connection_wait_time = 5.0

    def execute_job(self, job: Any, queue: Any) -> None:
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            close_old_connections()

    def request_stop(self, signum: Any, frame: Any) -> None:
        try:
            super().request_stop(signum, frame)
        except RedisError:  # it wanted to leave a note there
            raise StopRequested from None

    @property
    def stopping(self) -> bool:
        return self._shutdown_requested_date is not None


def work() -> None:
    """Until it is asked to stop (SIGTERM, SIGINT); only from the main thread."""
    threading.Thread(target=_find_overdue, name="overdue-tasks", daemon=True).start()
    while True:
        stopping = False
        try:
            queue = get_queue(job_class=Job)
            worker = ShopWorker([queue], connection=queue.connection, job_class=Job, serializer=queue.serializer)
            try:
                worker.work(logging_level="ERROR")
            finally:
                stopping = worker.stopping
        except RedisError as error:
            log.warning("QUEUE_UNREACHABLE", agent="Orchestrator", status=type(error).__name__)
        if stopping:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # the library's own would talk to a worker that is gone
        time.sleep(2)


def _find_overdue() -> None:
    while True:
        time.sleep(1)
        try:
            for task_id in overdue_tasks():
                perform_queued(task_id)
        except Exception as error:  # the next look tries again
            log.error("JOB_FAILED", agent="overdue-tasks", status=type(error).__name__)
            connections.close_all()
        finally:
            close_old_connections()


def overdue_tasks() -> list[UUID]:
    """Tasks whose message is missing, and those whose next attempt is due: for these none is sent."""
    now = timezone.now()
    due = Q(due_at__lte=now - PATIENCE) | Q(due_at__lte=now, attempt__gt=1)
    found = TaskState.objects.filter(due, status=TaskState.Status.PENDING).order_by("due_at")
    return list(found.values_list("task_id", flat=True)[:20])
