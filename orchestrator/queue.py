"""Waking a worker. The truth about a task is its own row; a message lost or sent twice does no harm."""

from datetime import datetime
from uuid import UUID

from django_tasks import task


@task()
def run_task(task_id: str) -> None:
    # Late import: performing a task imports the queue.
    from .services import perform_queued

    perform_queued(UUID(task_id))


def enqueue(task_id: UUID, *, after: datetime | None = None) -> None:
    """Send the message within the caller's transaction."""
    (run_task.using(run_after=after) if after else run_task).enqueue(str(task_id))
