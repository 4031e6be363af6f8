"""Leases: who works on a task says so every few seconds; who stops saying so is taken for dead.

One daemon thread a process renews the leases of all tasks that have run for longer than one beat; most tasks
are done long before, and cost nothing here.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections
from django.utils import timezone

from .models import TaskState

BEAT_SECONDS = 5

_held: dict[UUID, float] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None
log = structlog.get_logger("shop")


def lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.TASK_LEASE_SECONDS)


@contextmanager
def held(task: TaskState) -> Iterator[None]:
    """Keep this task's lease alive meanwhile."""
    token = task.lease_token
    if token is None:
        raise ValueError(f"task {task.task_id} has no lease")
    with _lock:
        _held[token] = time.monotonic()
        _ensure_thread()
    try:
        yield
    finally:
        with _lock:
            _held.pop(token, None)


def _ensure_thread() -> None:
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_beat_forever, name="lease-heartbeat", daemon=True)
        _thread.start()


def _beat_forever() -> None:
    while True:
        time.sleep(BEAT_SECONDS)
        with _lock:
            tokens = [token for token, since in _held.items() if time.monotonic() - since >= BEAT_SECONDS / 2]
        if tokens:
            _renew(tokens)


def _renew(tokens: list[UUID]) -> None:
    try:
        TaskState.objects.filter(status=TaskState.Status.IN_PROGRESS, lease_token__in=tokens).update(
            lease_until=lease_end()
        )
    except Exception as error:  # the next beat tries again; the lease outlives three missed ones
        log.warning("LEASE_NOT_RENEWED", agent="Orchestrator", status=type(error).__name__)
    finally:
        connections.close_all()
