"""The trail, to be looked at; compliance rules, to be tuned; findings, to be answered."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator

from shop_assistant.agents import registry

from . import events
from .admin_base import PlainAdmin, ReadOnlyAdmin
from .admin_columns import COLOUR_OF, badge, list_of, may_view, pretty, whole
from .admin_columns import link as leading
from .admin_filters import DayRangeFilter, ExactSearch, known_values
from .models import AuditRecord, Checkpoint, ComplianceRule, Denial, Finding, Outbox
from .selectors import masked

ABOUT = {
    "order": "inventory.order",
    "product": "inventory.product",
    "movement": "inventory.stockmovement",
    "task": "orchestrator.taskstate",
}
"""Where a finding's entities are looked at, by their type."""


def shop_events() -> list[str]:
    """Names of the events that the shop itself writes; staff log others with audit.log."""
    return sorted(value for name, value in vars(events).items() if name.isupper() and isinstance(value, str))


class EventAdmin(ExactSearch, ReadOnlyAdmin):
    list_filter: Any = (
        known_values("event", shop_events),
        known_values("agent", lambda: registry.agents),
        ("timestamp", DayRangeFilter),
    )
    list_filter_submit = True
    search_fields = ("task_id", "event_id", "user_id", "event")
    search_keys = ("task_id", "event_id")
    search_names = ("event",)
    search_help_text = "task, event or user id, user's or event's name, as a whole"

    @admin.display(description="payload")
    def document(self, obj: Any) -> str:
        """With people's data hidden, as everywhere in the trail."""
        return pretty(masked(json.loads(obj.payload)))

    @admin.display(description="what happened")
    def text(self, obj: Any) -> str:
        """In words, where the event has some."""
        document = json.loads(obj.payload)
        error = (document.get("state") or {}).get("error") or {}
        about = " ".join(str(document[name]) for name in ("change", "model", "key") if document.get(name))
        said = document.get("text") or error.get("message") or about or document.get("operation") or ""
        return Truncator(said).chars(120)


@admin.register(AuditRecord)
class AuditRecordAdmin(EventAdmin):
    export_dataset = "audit"
    list_display = ("seq", "timestamp", "event", "text", "user_id", "agent", "task_id")
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

    def has_export_list_permission(self, request: HttpRequest) -> bool:
        return super().has_export_list_permission(request) and request.user.has_perm("agents.audit.export")

    @admin.display(description="leaf")
    def leaf_hex(self, obj: AuditRecord) -> str:
        return whole(bytes(obj.leaf).hex())

    @admin.display(description="chain")
    def chain_hex(self, obj: AuditRecord) -> str:
        return whole(bytes(obj.chain).hex())


@admin.register(Outbox)
class OutboxAdmin(EventAdmin):
    list_display = ("id", "timestamp", "event", "text", "user_id", "agent", "task_id", "sealed_at")
    list_filter = (("sealed_at", admin.EmptyFieldListFilter), *EventAdmin.list_filter)
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
    list_filter = ("code", ("minute", DayRangeFilter))
    list_filter_submit = True
    ordering = ("-minute",)


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
    list_display = ("found_at", "severity", "message", "status", "rule", "answered_by")
    list_filter = ("status", "rule__severity", "rule", ("found_at", DayRangeFilter))
    list_filter_submit = True
    list_select_related = ("rule",)
    ordering = ("-found_at",)
    search_help_text = "id of what it is about, or words of the message"
    search_fields = ("=entity_id", "message")
    fields = ("rule", "message", "about", "evidence", "found_at", "status", "answer", "answered_by")
    readonly_fields = ("rule", "message", "about", "evidence", "found_at", "answered_by")
    per_viewer = ("about",)

    @admin.display(description="severity", ordering="rule__severity")
    def severity(self, finding: Finding) -> Any:
        return badge(finding.rule.severity, COLOUR_OF.get(finding.rule.severity, ""))

    @admin.display(description="about")
    def about(self, finding: Finding, request: HttpRequest) -> Any:
        """What the rule was broken with, and where to look at it."""
        model = ABOUT.get(finding.entity_type)
        name = f"{finding.entity_type.replace('_', ' ')} {finding.entity_id}"
        return leading(list_of(model, q=finding.entity_id), name) if model and may_view(request, model) else name

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
