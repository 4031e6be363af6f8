"""The worker: runs accepted tasks, and the jobs that keep the shop in order."""

import logging
import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import close_old_connections, connections

from audit.checkpoints import key_check_if_there
from orchestrator.calls import places
from orchestrator.running import InUse, at_work
from shop_assistant.agents.jobs import Job, jobs
from shop_assistant.commands import ShopCommand

SLOW_SECONDS = 600
"""Jobs that come round more seldom may take long; they have a thread of their own and hold up no sealing."""

log = structlog.get_logger("shop")


class Command(ShopCommand):
    help = (
        "Run accepted tasks and the periodic jobs (sealing and anchoring the trail, its completeness, compliance, "
        "retention, dead tasks, planned prices) until Ctrl-C. Any number of workers may run, on any number of hosts; "
        "TASKS_BACKEND=redis wakes them without asking the database."
    )
    examples = """\
  manage.py worker
  manage.py worker --interval 0.2     look at the queue five times a second
"""

    shows_log = logging.NOTSET

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--interval", type=float, default=0.5, help="seconds between two looks at the database's queue"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key_check_if_there()
        try:
            with at_work():
                self._work(options)
        except InUse:
            raise CommandError("A backup is being restored just now: start the worker when that is done.") from None

    def _work(self, options: dict[str, Any]) -> None:
        log.info("WORKER_STARTED", agent="Orchestrator", status="success")
        todo = jobs()
        quick = [job for job in todo if job.seconds < SLOW_SECONDS]
        slow = [job for job in todo if job.seconds >= SLOW_SECONDS]
        for group in (quick, slow):
            threading.Thread(target=_keep_house, args=(group,), daemon=True).start()
        if settings.TASKS_BACKEND == "redis":
            from orchestrator import redis_worker  # late: few shops queue in Redis

            redis_worker.work()
            return
        call_command("db_worker", interval=options["interval"], reload=False, verbosity=0)


def _keep_house(todo: list[Job]) -> None:
    due = dict.fromkeys((job.name for job in todo), 0.0)
    while True:
        for job in todo:
            if time.monotonic() >= due[job.name]:
                _run(job)
                due[job.name] = time.monotonic() + job.seconds
        time.sleep(0.2)


def _run(job: Job) -> None:
    """A job that fails is told and tried again at its next turn; the others go on."""
    try:
        close_old_connections()
        job.run()
    except Exception as error:
        log.error(
            "JOB_FAILED",
            agent=job.name,
            status=type(error).__name__,
            traceback=places(error.__traceback__),
        )
        connections.close_all()
