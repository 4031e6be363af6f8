"""Keeping the tasks going."""

import os
import socket
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from audit.completeness import completeness_run, last_run
from shop_assistant.agents.jobs import every

from .health import worker_beat
from .tasks import tasks_sweep
from .uploads import uploads_sweep

WORKER = f"{socket.gethostname()[:80]}:{os.getpid()}"
STARTED_AT = timezone.now()


@every(seconds=5)
def sweep_tasks() -> int:
    return tasks_sweep()


@every(seconds=10)
def tell_of_worker() -> None:
    worker_beat(WORKER, started_at=STARTED_AT)


@every(seconds=3600)
def look_for_gaps() -> None:
    """Not again where another worker has just done so."""
    last = last_run()
    if last is None or timezone.now() - last.began_at > timedelta(minutes=50):
        completeness_run()


@every(seconds=3600)
def prune() -> None:
    """Files uploaded and not imported, and the queue's messages of yesterday, whatever became of them."""
    uploads_sweep()
    if settings.TASKS_BACKEND == "database":
        call_command("prune_db_task_results", min_age_days=1, verbosity=0)
