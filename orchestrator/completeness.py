"""What a chain of records can't show: that nothing was left out of it."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from audit import events
from audit.models import Outbox
from audit.verification import Problem

from .models import TaskState

ENDS = {TaskState.Status.COMPLETED: events.TASK_COMPLETED, TaskState.Status.FAILED: events.TASK_FAILED}


def verify_completeness() -> Iterator[Problem]:
    """Every task that ended has the event that says so, and every end that was told is a task's."""
    for status, event in ENDS.items():
        told = Outbox.objects.filter(task_id=OuterRef("task_id"), event=event)
        silent = TaskState.objects.filter(~Exists(told), status=status).order_by("pk")
        for task_id in silent.values_list("task_id", flat=True).iterator(chunk_size=1000):
            yield Problem("task", None, f"task {task_id} is {status}, but no {event} was ever told")
    completed = TaskState.objects.filter(task_id=OuterRef("task_id"), status=TaskState.Status.COMPLETED)
    phantom = Outbox.objects.filter(~Exists(completed), event=events.TASK_COMPLETED).order_by("pk")
    for told_id in phantom.values_list("task_id", flat=True).iterator(chunk_size=1000):
        yield Problem("task", None, f"task {told_id} was told to be completed, but it is not")
