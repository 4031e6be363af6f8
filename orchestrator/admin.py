"""Tasks, to be looked at; a failed asynchronous one can be run again."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from audit.admin_base import ReadOnlyAdmin, go
from audit.admin_columns import badge, link, list_of, may_view, pretty, table
from audit.admin_filters import DayRangeFilter, ExactSearch, known_values
from audit.selectors import masked
from shop_assistant.agents import registry
from shop_assistant.agents.errors import AgentError

from . import accounts_admin  # noqa: F401  (registers users, logins and keys)
from .models import IdempotencyKey, ImportedDocument, TaskState, Worker
from .tasks import task_retry

ERROR_CODES = sorted(
    {kind.code for family in AgentError.__subclasses__() for kind in [family, *family.__subclasses__()]}
)
CHANNELS = ("rest", "admin", "command", "worker", "python")


@admin.register(TaskState)
class TaskStateAdmin(ExactSearch, ReadOnlyAdmin):
    export_dataset = "tasks"
    list_display = ("created_at", "agent", "operation", "status", "outcome", "took", "channel", "user_id")
    list_filter = (
        "status",
        known_values("agent", lambda: registry.agents),
        known_values("error_code", lambda: ERROR_CODES, title="error"),
        known_values("channel", lambda: CHANNELS),
        "is_async",
        ("created_at", DayRangeFilter),
    )
    list_filter_submit = True
    search_fields = ("task_id", "user_id")
    search_keys = ("task_id",)
    search_help_text = "task id, user id or user's name, as a whole"
    actions = ("run_again",)
    actions_detail = ("run_this_again",)
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
        "see_also",
        "shown_error",
        "shown_inputs",
        "shown_outputs",
        "shown_calls",
    )
    readonly_fields = ("see_also", "shown_inputs", "shown_outputs", "shown_error", "shown_calls")
    per_viewer = ("see_also",)

    @admin.display(description="outcome")
    def outcome(self, task: TaskState) -> Any:
        if task.status == TaskState.Status.FAILED:
            return badge(task.error_code.replace("_", " "), "danger")
        return "" if task.status == TaskState.Status.COMPLETED else "not yet"

    @admin.display(description="took")
    def took(self, task: TaskState) -> str:
        if not (task.started_at and task.finished_at):
            return "not done"
        return f"{(task.finished_at - task.started_at).total_seconds() * 1000:.0f} ms"

    @admin.display(description="See also")
    def see_also(self, task: TaskState, request: HttpRequest) -> Any:
        """Its records in the trail, the order and the movements that came of it."""
        made = (task.outputs or {}).get("order") if isinstance(task.outputs, dict) else None
        places = [("its records", "audit.auditrecord", {"q": str(task.task_id)})]
        places += [("waiting records", "audit.outbox", {"q": str(task.task_id)})]
        if isinstance(made, str):
            places += [(made, "inventory.order", {"q": made})]
        if task.agent in ("inventory", "sales"):
            places += [("movements", "inventory.stockmovement", {"task_id__exact": str(task.task_id)})]
        shown = [(link(list_of(model, **query), name),) for name, model, query in places if may_view(request, model)]
        return format_html_join(" · ", "{}", shown)

    @admin.action(description="Run again (failed, asynchronous)", permissions=["run_again"])
    def run_again(self, request: HttpRequest, queryset: Any) -> None:
        user_id: str = getattr(request.user, "public_id", "")
        for task in queryset:
            try:
                task_retry(task_id=task.task_id, user_id=user_id)
            except AgentError as error:
                messages.error(request, f"{task.task_id}: {error.message}")
            else:
                messages.success(request, f"{task.task_id} will run again.")

    @action(
        description="Run again",
        url_path="run-again",
        icon="replay",
        permissions=["run_again"],
        dialog={
            "title": "Run this task again?",
            "description": "A worker will take it up as it was asked for.",
            "form_submit_text": "Run again",
        },
    )
    def run_this_again(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        self.run_again(request, TaskState.objects.filter(pk=object_id))
        return go(request, reverse("admin:orchestrator_taskstate_change", args=[object_id]))

    def has_run_again_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        able = request.user.has_perm("orchestrator.change_taskstate")
        if object_id is None:
            return able
        failed = TaskState.objects.filter(pk=object_id, status=TaskState.Status.FAILED, is_async=True)
        return able and failed.exists()

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
        return table(obj.agent_calls) if obj.agent_calls else "none"


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user_id", "route", "key", "task_id")
    ordering = ("-pk",)
    search_fields = ("=key", "=user_id")
    fields = ("user_id", "route", "key", "task", "created_at")


@admin.register(ImportedDocument)
class ImportedDocumentAdmin(ReadOnlyAdmin):
    list_display = ("number", "batch", "parts")
    search_fields = ("=number",)
    search_help_text = "invoice, as the imported file has it"
    ordering = ("-pk",)
    fields = ("number", "batch", "parts")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "started_at", "seen_at")
    ordering = ("-seen_at",)
