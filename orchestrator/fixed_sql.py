"""Storing a task with its records: what every request ends in, in as few statements as the database allows.

PostgreSQL does it in one (a data-modifying WITH), which is a transaction by itself; SQLite takes two in one
transaction. tests/orchestrator/test_fixed_sql.py holds that they store what the ORM would.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from audit.events import Draft
from audit.fixed_sql import OUTBOX
from shop_assistant.statements import Insert, Update, execute, on_postgresql

from .models import TaskState

_TASK = Insert(TaskState)
_FENCED = Update(
    TaskState,
    [
        *("status", "outputs", "error", "error_code", "agent_calls", "attempt", "receipt"),
        *("updated_at", "finished_at", "due_at", "lease_token", "lease_until"),
    ],
    where=["task_id", "status", "lease_token"],
)


def task_insert(task: TaskState, drafts: Sequence[Draft]) -> None:
    """A new task and its events: all of it or nothing, within the caller's transaction or as one of its own."""
    task_sql, task_values = _TASK.of([task])
    events_sql, events_values = OUTBOX.of(drafts)
    if on_postgresql():
        execute((f"WITH task AS ({task_sql}) {events_sql}", task_values + events_values))
        return
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(task_sql, task_values)
        cursor.execute(events_sql, events_values)


def task_update_fenced(task: TaskState, token: UUID, draft: Draft) -> bool:
    """The new state of a task in progress under this lease, and the event that says so; False where the lease is
    lost, and nothing written. Within the caller's transaction.
    """
    update_sql, update_values = _FENCED.of(
        task, task_id=task.task_id, status=TaskState.Status.IN_PROGRESS, lease_token=token
    )
    if on_postgresql():
        event_sql, event_values = OUTBOX.if_any(draft, "fenced")
        written = execute((f"WITH fenced AS ({update_sql} RETURNING 1) {event_sql}", update_values + event_values))
        return bool(written)
    with connection.cursor() as cursor:
        cursor.execute(update_sql, update_values)
        written = cursor.rowcount > 0
        if written:
            cursor.execute(*OUTBOX.of([draft]))
    return written
