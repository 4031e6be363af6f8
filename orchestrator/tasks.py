"""The life of a task. Every step is one transaction, and conditional on the state and lease it expects."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import events
from audit.events import Draft
from audit.services import backlog_check, events_record
from shop_assistant.agents import Context, Operation
from shop_assistant.agents.errors import AgentError, Conflict, NotFound, TransientError

from . import records
from .fixed_sql import task_insert, task_update_fenced
from .idempotency import Claim, Taken
from .leases import lease_end
from .models import TaskState
from .queue import enqueue, oldest_message
from .storing import dump_details

Status = TaskState.Status


class LeaseLost(Exception):
    """Another process has taken this task over, or an earlier attempt of this one did commit."""


def task_new(
    operation: Operation | None, context: Context, inputs: dict[str, Any], began: datetime | None = None
) -> TaskState:
    """A task in progress, not yet stored; without `began` it begins now."""
    now = began or timezone.now()
    return TaskState(
        task_id=context.task_id,
        status=Status.IN_PROGRESS,
        agent=operation.agent if operation else "",
        operation=operation.name if operation else "",
        user_id=context.user_id,
        acted_by=context.user.public_id if context.on_behalf_of else "",
        session_id=context.session_id,
        page=context.page,
        channel=context.channel,
        inputs=inputs,
        created_at=now,
        updated_at=now,
        started_at=now,
    )


def task_begin(task: TaskState, claim: Claim | None) -> None:
    """Store a task in progress, its lease and TASK_STARTED, before its work begins.

    :raises Taken: when another request got the idempotency key.
    """
    task.lease_token, task.lease_until = uuid4(), lease_end()
    _store(task, [records.started(task)], claim)


def task_queue(task: TaskState, claim: Claim | None) -> None:
    """Store a task for a worker, and wake one.

    :raises Taken:
    """
    task.status, task.is_async, task.started_at, task.due_at = Status.PENDING, True, None, task.created_at
    _store(task, [records.task_event(events.TASK_QUEUED, task)], claim)
    enqueue(task.task_id)


def task_store_read(task: TaskState, trace: list[dict[str, Any]], outputs: Any, text: str) -> None:
    """Store a read at its end: the whole of its life in one transaction."""
    begun = records.started(task)
    _complete(task, trace, outputs)
    _store(task, [begun, records.completed(task, text, [])], None)


def task_store_failed(task: TaskState, trace: list[dict[str, Any]], error: AgentError, claim: Claim | None) -> None:
    """Store a read or a refused request that failed."""
    begun = records.started(task)
    _fail(task, trace, error)
    _store(task, [begun, records.failed(task)], claim)


def task_finish(
    task: TaskState, trace: list[dict[str, Any]], outputs: Any, told: Any, text: str, history: list[dict[str, Any]]
) -> str:
    """Complete a task within the transaction of its effect; returns the receipt.

    :param told: the outputs as its record has them.
    :raises LeaseLost:
    """
    token = task.lease_token
    _complete(task, trace, told)
    record = records.completed(task, text, history)
    task.outputs = outputs
    task.receipt = record.receipt
    _update_fenced(task, token, record)
    return record.receipt


def task_fail(task: TaskState, trace: list[dict[str, Any]], error: AgentError) -> None:
    """Store that a task failed.

    :raises LeaseLost:
    """
    token = task.lease_token
    _fail(task, trace, error)
    with transaction.atomic():
        _update_fenced(task, token, records.failed(task))


def task_claim(task_id: UUID) -> TaskState | None:
    """Take a pending task that is due; None when it isn't, or another worker was faster."""
    now, token = timezone.now(), uuid4()
    with transaction.atomic():
        claimed = TaskState.objects.filter(task_id=task_id, status=Status.PENDING, due_at__lte=now).update(
            status=Status.IN_PROGRESS, lease_token=token, lease_until=lease_end(), started_at=now, updated_at=now
        )
        if not claimed:
            return None
        task = TaskState.objects.get(task_id=task_id)
        events_record([records.started(task)])
    return task


def task_requeue(task: TaskState, *, delay: timedelta, because: str) -> bool:
    """Give a task in progress back to the queue for its next attempt; False when its lease was lost meanwhile."""
    token, now = task.lease_token, timezone.now()
    with transaction.atomic():
        task.status, task.attempt, task.updated_at = Status.PENDING, task.attempt + 1, now
        task.due_at, task.lease_token, task.lease_until = now + delay, None, None
        try:
            _update_fenced(task, token, records.task_event(events.TASK_REQUEUED, task, because=because))
        except LeaseLost:
            return False
        enqueue(task.task_id, after=task.due_at)
    return True


def task_retry(*, task_id: UUID, user_id: str) -> TaskState:
    """Run a failed asynchronous task again, by somebody's explicit wish.

    :param user_id: whose wish; the task stays its first user's.
    :raises NotFound:
    :raises Conflict: when it is not one that failed.
    """
    with transaction.atomic():
        task = TaskState.objects.select_for_update().filter(task_id=task_id).first()
        if task is None:
            raise NotFound("There is no such task.", task_id=str(task_id))
        if task.status != Status.FAILED or not task.is_async:
            raise Conflict("Only an asynchronous task that failed can be run again.", status=task.status)
        task.status, task.attempt = Status.PENDING, task.attempt + 1
        task.updated_at = task.due_at = timezone.now()
        task.error, task.error_code, task.finished_at = None, "", None
        task.save()
        events_record([records.task_event(events.TASK_REQUEUED, task, because="asked for", asked_by=user_id)])
        enqueue(task.task_id)
    return task


def tasks_sweep() -> int:
    """Find tasks whose process died and give them to another, or fail them with the reason; how many."""
    now = timezone.now()
    dead = list(TaskState.objects.filter(status=Status.IN_PROGRESS, lease_until__lt=now)[:200])
    for task in dead:
        if task.is_async and task.attempt < settings.TASK_MAX_ATTEMPTS:
            task_requeue(task, delay=timedelta(0), because="its process died")
            continue
        error = TransientError("The process that worked on this died; nothing was changed. Send the request again.")
        try:
            task_fail(task, task.agent_calls, error)
        except LeaseLost:
            continue  # it was alive after all
    _wake_forgotten()
    return len(dead)


def _wake_forgotten() -> None:
    """Pending tasks whose message the queue lost: that is older than any that still waits there. Where workers are
    merely behind, more messages would only keep them from the work.
    """
    forgotten = timezone.now() - timedelta(seconds=30)
    if oldest := oldest_message():
        forgotten = min(forgotten, oldest - timedelta(seconds=5))
    overdue = TaskState.objects.filter(status=Status.PENDING, due_at__lt=forgotten).values_list("task_id", flat=True)
    for task_id in list(overdue[:200]):
        with transaction.atomic():
            if TaskState.objects.filter(task_id=task_id, status=Status.PENDING, due_at__lt=forgotten).update(
                due_at=timezone.now()
            ):
                enqueue(task_id)


def _store(task: TaskState, drafts: list[Draft], claim: Claim | None) -> None:
    """Within the caller's transaction; without a claim, also as one of its own."""
    backlog_check()
    if claim is None:
        task_insert(task, drafts)
        return
    try:
        with transaction.atomic(savepoint=False):
            task_insert(task, drafts)
            claim.take(task)
    except IntegrityError:
        raise Taken from None


def _complete(task: TaskState, trace: list[dict[str, Any]], outputs: Any) -> None:
    task.finished_at = task.updated_at = timezone.now()
    task.status, task.outputs, task.agent_calls = Status.COMPLETED, outputs, list(trace)
    task.lease_token = task.lease_until = None


def _fail(task: TaskState, trace: list[dict[str, Any]], error: AgentError) -> None:
    task.finished_at = task.updated_at = timezone.now()
    task.status, task.agent_calls, task.error_code = Status.FAILED, list(trace), error.code
    task.error = {
        "code": error.code,
        "status": error.status,
        "message": error.message,
        "details": dump_details(error, task.task_id),
    }
    task.lease_token = task.lease_until = None


def _update_fenced(task: TaskState, token: UUID | None, record: Draft) -> None:
    """Write the task's new state and its event, if it is still in progress under this lease.

    :raises LeaseLost:
    """
    if token is None or not task_update_fenced(task, token, record):
        raise LeaseLost
    backlog_check()
