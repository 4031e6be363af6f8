"""The trail's events about tasks."""

from typing import Any

from audit import events
from audit.events import Draft, draft
from audit.services import digest
from shop_assistant.agents.fields import iso_utc

from .models import TaskState


def task_event(event: str, task: TaskState, **body: Any) -> Draft:
    """An event with the snapshot of the task's state as it is now."""
    extra = {"acted_by": task.acted_by} if task.acted_by else {}
    return draft(
        event,
        user_id=task.user_id,
        agent=task.agent,
        task_id=task.task_id,
        attempt=task.attempt,
        moment=task.updated_at,
        operation=task.operation,
        channel=task.channel,
        state=snapshot(task),
        **extra,
        **body,
    )


def snapshot(task: TaskState) -> dict[str, Any]:
    return {
        "task_id": str(task.task_id),
        "status": str(task.status),
        "inputs": task.inputs,
        "outputs": task.outputs,
        "error": task.error,
        "agent_calls": list(task.agent_calls),
        "created_at": iso_utc(task.created_at),
        "updated_at": iso_utc(task.updated_at),
    }


def started(task: TaskState) -> Draft:
    return task_event(events.TASK_STARTED, task)


def completed(task: TaskState, text: str, history: list[dict[str, Any]]) -> Draft:
    return task_event(events.TASK_COMPLETED, task, text=text, **({"history": history} if history else {}))


def failed(task: TaskState) -> Draft:
    return task_event(events.TASK_FAILED, task)


def digest_only(outputs: Any) -> dict[str, str]:
    """What is kept of an answer too large or too recursive to keep (the trail's own pages)."""
    return {"sha256": digest(outputs)}
