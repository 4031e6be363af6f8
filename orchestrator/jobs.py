"""Keeping the tasks going."""

import os
import socket

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from shop_assistant.agents.jobs import every

from .health import worker_beat
from .idempotency import keys_prune
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
def prune() -> None:
    """Idempotency keys past their time, files uploaded and not imported, and the queue's messages of yesterday,
    whatever became of them.
    """
    keys_prune()
    uploads_sweep()
    if settings.TASKS_BACKEND == "database":
        call_command("prune_db_task_results", min_age_days=1, verbosity=0)
