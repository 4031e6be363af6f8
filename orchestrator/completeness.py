"""Tasks against the events that tell of them, in both directions."""

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from audit import events
from audit.completeness import Gap, Look, check, entries_merged
from audit.models import AuditRecord, Outbox
from audit.verification import Problem, log_size
from shop_assistant.sql import snapshot

from .models import TaskState

Status = TaskState.Status
CHUNK = 2000
ENDS = {Status.COMPLETED.value: events.TASK_COMPLETED, Status.FAILED.value: events.TASK_FAILED}
TOLD = (events.TASK_QUEUED, events.TASK_STARTED, events.TASK_REQUEUED, events.TASK_COMPLETED, events.TASK_FAILED)

Told = tuple[UUID, str, UUID, bool]
"""task, event, the event's id, and whether the task must be in the snapshot"""


def verify_completeness() -> Iterator[Problem]:
    """Every task that ended has the event that says so, once, and every task that was told of is there."""
    look = Look(size=log_size())
    with snapshot(DEFAULT_DB_ALIAS):
        for gap in tasks_told(look):
            yield Problem("task", None, str(gap))


@check("tasks", "tasks against the events that tell of them")
def tasks_told(look: Look) -> Iterator[Gap]:
    tasks = TaskState.objects.order_by("task_id").values_list("task_id", "status")
    for task_id, status, told in entries_merged(tasks.iterator(chunk_size=CHUNK), _by_task(look)):
        look.rows["tasks"] += 1
        for message in _wrong(status, told or []):
            yield Gap("tasks", f"task {task_id}", message)


def _wrong(status: str | None, told: list[Told]) -> Iterator[str]:
    names = [event for _, event, _, firm in told if firm]
    if status is None:
        if names:
            yield f"was told of ({names[-1]}), but there is no such task"
        return
    if not told:
        yield f"is {status}, but nothing of it was ever told"
        return
    every = {event for _, event, _, _ in told}
    if status in ENDS and ENDS[status] not in every:
        yield f"is {status}, but no {ENDS[status]} was ever told"
    if names.count(events.TASK_COMPLETED) > 1:
        yield f"was told {names.count(events.TASK_COMPLETED)} times to be completed"
    if status != Status.COMPLETED and events.TASK_COMPLETED in names:
        yield "was told to be completed, but it is not"


def _by_task(look: Look) -> Iterator[tuple[UUID, list[Told]]]:
    """The events of each task, of log and outbox together, each event once."""
    about: dict[UUID, Told] = {}
    current: UUID | None = None
    for told in merge(*_sources(look), key=itemgetter(0)):
        if told[0] != current and current is not None:
            yield current, list(about.values())
            about = {}
        current = told[0]
        about.setdefault(told[2], told)
    if current is not None:
        yield current, list(about.values())


def _sources(look: Look) -> list[Iterator[Told]]:
    columns = ("task_id", "event", "event_id")
    waiting = Outbox.objects.filter(event__in=TOLD).order_by("task_id")
    if settings.AUDIT_DATABASE == DEFAULT_DB_ALIAS:
        waiting = waiting.filter(sealed_at=None)  # of one snapshot with the log, which has the others
    records = AuditRecord.objects.filter(event__in=TOLD).order_by("task_id", "seq")
    return [_read(waiting.values_list(*columns), None), _read(records.values_list(*columns, "seq"), look.size)]


def _read(rows: Any, size: int | None) -> Iterator[Told]:
    for task_id, event, event_id, *seq in rows.iterator(chunk_size=CHUNK):
        yield task_id, event, event_id, size is None or seq[0] <= size
