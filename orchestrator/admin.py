"""Tasks, to be looked at; a failed asynchronous one can be run again."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from audit.admin import pretty
from audit.admin_base import ReadOnlyAdmin
from audit.selectors import masked
from shop_assistant.agents.errors import AgentError

from . import accounts_admin  # noqa: F401  (registers users, logins and keys)
from .models import IdempotencyKey, TaskState
from .tasks import task_retry


@admin.register(TaskState)
class TaskStateAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "agent", "operation", "status", "error_code", "user_id", "task_id")
    list_filter = ("status", "agent", "error_code", "channel", "is_async")
    search_fields = ("=task_id", "=user_id")
    search_help_text = "task id or user id, whole"
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("run_again",)
    fields = (
        "task_id",
        "status",
        "agent",
        "operation",
        "user_id",
        "acted_by",
        "channel",
        "attempt",
        "is_async",
        "created_at",
        "started_at",
        "finished_at",
        "shown_inputs",
        "shown_outputs",
        "shown_error",
        "shown_calls",
    )
    readonly_fields = ("shown_inputs", "shown_outputs", "shown_error", "shown_calls")

    @admin.action(description="Run again (failed, asynchronous)", permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: Any) -> None:
        for task in queryset:
            try:
                task_retry(task_id=task.task_id)
            except AgentError as error:
                messages.error(request, f"{task.task_id}: {error.message}")
            else:
                messages.success(request, f"{task.task_id} will run again.")

    def has_run_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orchestrator.change_taskstate")

    @admin.display(description="inputs")
    def shown_inputs(self, obj: TaskState) -> str:
        return pretty(masked(obj.inputs))

    @admin.display(description="outputs")
    def shown_outputs(self, obj: TaskState) -> str:
        return pretty(masked(obj.outputs))

    @admin.display(description="error")
    def shown_error(self, obj: TaskState) -> str:
        return pretty(obj.error)

    @admin.display(description="agent calls")
    def shown_calls(self, obj: TaskState) -> str:
        return pretty(obj.agent_calls)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user_id", "route", "key", "task_id")
    search_fields = ("=key", "=user_id")
    fields = ("user_id", "route", "key", "task", "created_at")
