"""Reading tasks."""

from typing import Any
from uuid import UUID

from django.db.models import Q

from audit.selectors import masked
from shop_assistant.accounts.models import User
from shop_assistant.agents.errors import NotFound
from shop_assistant.agents.fields import iso_utc

from .models import TaskState
from .storing import open_stored

SEES_ALL_TASKS = "agents.audit.query"


def task_get(*, task_id: str, user: User) -> dict[str, Any]:
    """A task as JSON values; others than its own user see no person's data.

    Who may not see it learns no more than that it isn't there.

    :raises NotFound:
    """
    try:
        wanted = UUID(task_id)
    except ValueError:
        raise NotFound("There is no such task.", task_id=task_id[:64]) from None
    own = Q(user_id=user.public_id) | Q(acted_by=user.public_id)
    visible = TaskState.objects.filter(task_id=wanted)
    if not user.has_perm(SEES_ALL_TASKS):
        visible = visible.filter(own)
    task = visible.first()
    if task is None:
        raise NotFound("There is no such task.", task_id=str(wanted))
    mine = user.public_id in (task.user_id, task.acted_by)
    kept = {"inputs": task.inputs, "outputs": task.outputs, "error": _without_status(task.error)}
    return {
        "task_id": str(task.task_id),
        "status": task.status,
        "agent": task.agent,
        "operation": task.operation,
        "user_id": task.user_id,
        **(open_stored(kept, task.task_id) if mine else masked(kept)),
        "agent_calls": task.agent_calls,
        "attempt": task.attempt,
        "created_at": iso_utc(task.created_at),
        "updated_at": iso_utc(task.updated_at),
        "finished_at": iso_utc(task.finished_at) if task.finished_at else None,
    }


def _without_status(error: dict[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in error.items() if name != "status"} if error else None
