"""The trail, to be looked at; compliance rules, to be tuned; findings, to be answered."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from .admin_base import PlainAdmin, ReadOnlyAdmin
from .models import AuditRecord, Checkpoint, ComplianceRule, Denial, Finding, Outbox


def pretty(document: Any) -> str:
    """JSON as an indented block."""
    if document is None:
        return "-"
    shown = json.dumps(document, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', shown)


class EventAdmin(ReadOnlyAdmin):
    list_filter: Any = ("event", "agent")
    date_hierarchy = "timestamp"
    show_full_result_count = False

    @admin.display(description="payload")
    def document(self, obj: Any) -> str:
        return pretty(json.loads(obj.payload))


@admin.register(AuditRecord)
class AuditRecordAdmin(EventAdmin):
    list_display = ("seq", "timestamp", "event", "user_id", "agent", "task_id")
    search_fields = ("=task_id", "=event_id", "=user_id")
    search_help_text = "task id, event id or user id, whole"
    ordering = ("-seq",)
    fields = (
        "seq",
        "event_id",
        "event",
        "task_id",
        "user_id",
        "agent",
        "timestamp",
        "leaf_hex",
        "chain_hex",
        "document",
    )
    readonly_fields = ("leaf_hex", "chain_hex", "document")

    @admin.display(description="leaf")
    def leaf_hex(self, obj: AuditRecord) -> str:
        return bytes(obj.leaf).hex()

    @admin.display(description="chain")
    def chain_hex(self, obj: AuditRecord) -> str:
        return bytes(obj.chain).hex()


@admin.register(Outbox)
class OutboxAdmin(EventAdmin):
    list_display = ("id", "timestamp", "event", "user_id", "agent", "task_id", "sealed_at")
    list_filter = (("sealed_at", admin.EmptyFieldListFilter), "event")
    search_fields = ("=task_id", "=event_id", "=user_id")
    ordering = ("-id",)
    fields = ("event_id", "event", "task_id", "user_id", "agent", "timestamp", "attempt", "sealed_at", "document")
    readonly_fields = ("document",)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("size", "created_at")
    fields = ("size", "note", "created_at")


@admin.register(Denial)
class DenialAdmin(ReadOnlyAdmin):
    list_display = ("minute", "code", "user_id", "route", "count")
    list_filter = ("code",)


@admin.register(ComplianceRule)
class ComplianceRuleAdmin(PlainAdmin):
    list_display = ("title", "severity", "weight", "active")
    list_filter = ("severity", "active")
    search_fields = ("key", "title")
    readonly_fields = ("key", "title", "explanation", "severity", "blocking")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Finding)
class FindingAdmin(PlainAdmin):
    list_display = ("found_at", "rule", "message", "status", "answered_by")
    list_filter = ("status", "rule")
    list_select_related = ("rule",)
    search_fields = ("=entity_id", "message")
    fields = ("rule", "entity_type", "entity_id", "message", "evidence", "found_at", "status", "answer", "answered_by")
    readonly_fields = ("rule", "entity_type", "entity_id", "message", "evidence", "found_at", "answered_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Finding, form: Any, change: bool) -> None:
        """Whoever changes the status answers for it; to open a finding again takes the answer away."""
        reopened = obj.status == Finding.Status.OPEN
        obj.answered_by = "" if reopened else request.user.public_id  # type: ignore[union-attr]
        obj.answered_at = None if reopened else timezone.now()
        super().save_model(request, obj, form, change)
