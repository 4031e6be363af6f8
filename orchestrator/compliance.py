"""What must not happen with tasks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone
from pydantic import Field

from audit.models import Finding
from audit.rulebook import Case, Parameters, Period, Rule, Whole, register
from shop_assistant.agents.errors import ExternalServiceError, InternalError

from .models import TaskState

KEY = "failed-tasks"
OURS = (InternalError.code, ExternalServiceError.code)


class TaskParameters(Parameters):
    hours: Whole = Field(0, description="so long a failed task may wait for somebody to run it again or to explain it")


def _failed_unanswered(period: Period, parameters: TaskParameters) -> Iterator[Case]:
    """Tasks that failed through the shop's own fault, were not run again with success, and that nobody explained."""
    until = min(period.end, timezone.now() - timedelta(hours=parameters.hours))
    rows: Any = TaskState.objects.filter(
        status=TaskState.Status.FAILED, finished_at__gte=period.begin, finished_at__lt=until, error_code__in=OURS
    )
    answers = dict(
        Finding.objects.filter(rule=KEY, answered_at__gte=period.begin).values_list("entity_id", "answered_at")
    )
    for task in rows.order_by("finished_at").defer("inputs", "outputs", "agent_calls").iterator(chunk_size=200):
        answered_at = answers.get(str(task.task_id))
        if answered_at is None or answered_at < task.finished_at:
            yield Case(
                "task",
                str(task.task_id),
                f"{task.agent}.{task.operation} failed with {task.error_code}, and nobody has answered for it",
                at=task.finished_at,
                tasks=(task.task_id,),
            )


register(
    Rule(
        key=KEY,
        title="No task failed through our own fault and stays unanswered",
        explanation="An internal error left a task undone. Look at the log, put it right and run the task again, or "
        "say why it need not be.",
        severity="warning",
        weight=10,
        parameters=TaskParameters,
        past=_failed_unanswered,
    ),
)
