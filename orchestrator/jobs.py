"""Keeping the tasks going."""

from django.core.management import call_command

from shop_assistant.agents.jobs import every

from .idempotency import keys_prune
from .tasks import tasks_sweep


@every(seconds=5)
def sweep_tasks() -> int:
    return tasks_sweep()


@every(seconds=3600)
def prune() -> None:
    """Idempotency keys past their time, and the queue's messages of yesterday, whatever became of them."""
    keys_prune()
    call_command("prune_db_task_results", min_age_days=1, verbosity=0)
