"""The trail, to be looked at."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from shop_assistant.agents import registry

from . import admin_compliance, events  # noqa: F401  (registers rules, findings and judged days)
from .admin_base import ReadOnlyAdmin
from .admin_columns import EMPTY, badge, link, moment, pretty, table, whole
from .admin_filters import DayRangeFilter, ExactSearch, known_values
from .models import Anchoring, AuditRecord, Checkpoint, CompletenessRun, Denial, Outbox, SigningKey
from .pages.trail import signers
from .selectors import masked
from .services import event_record

ANCHOR_KINDS = ("file", "mailbox", "witness", "timestamp")


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
    told_filters = frozenset({"event", "agent", "timestamp_from", "timestamp_to"})
    """Of these the trail is told what was looked for. A search may be for anything, and so is told of ids alone."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if request.method == "GET" and self.has_view_permission(request):
            asked = {name: text[:64] for name, text in request.GET.items() if name in self.told_filters and text}
            self._tell(request, **asked, **_searched(request.GET.get("q", "").strip()))
        return super().changelist_view(request, extra_context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        if self.has_view_permission(request):
            self._tell(request, row=object_id[:20])
        return super().change_view(request, object_id, *args, **options)

    def _tell(self, request: HttpRequest, **filters: Any) -> None:
        """Whoever looks at the trail is told of in it."""
        told = {"table": self.model._meta.model_name, **filters}
        user_id = getattr(request.user, "public_id", "")
        event_record(events.RECORDS_VIEWED, user_id=user_id, filters=told, channel="admin")

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
        looked = (document.get("filters") or {}).items()
        seen = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in looked if value not in (None, ""))
        where = f"channel {document['channel']}" if document.get("channel") else ""
        said = document.get("text") or error.get("message") or about or document.get("operation") or seen or where
        return Truncator(said).chars(120)


def _searched(term: str) -> dict[str, str]:
    try:
        return {"search": str(UUID(term))} if term else {}
    except ValueError:
        return {"search": "of words"}


@admin.register(AuditRecord)
class AuditRecordAdmin(EventAdmin):
    export_dataset = "audit"
    list_display = ("seq", "timestamp", "event", "text", "user_id", "agent", "task_id", "proof")
    ordering = ("-seq",)
    per_viewer = ("proof",)
    fields = (
        "seq",
        "proof",
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
    readonly_fields = ("proof", "leaf_hex", "chain_hex", "document")

    @admin.display(description="proof")
    def proof(self, obj: AuditRecord, request: HttpRequest) -> Any:
        """Each hash on the way to the root that was signed, for who may read the trail."""
        may = request.user.has_perm("agents.audit.query")
        return link(reverse("trail-proof", args=[obj.seq]), "verify") if may else EMPTY

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
    list_display = ("size", "short_root", "signed_by", "anchored", "created_at")
    fields = ("size", "whole_root", "signed_by", "anchorings", "shown_note", "created_at")
    readonly_fields = ("whole_root", "signed_by", "anchorings", "shown_note")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With whom of the anchors it was handed to."""
        taken = {
            f"in_{kind}": Exists(Anchoring.objects.filter(kind=kind, size=OuterRef("size"))) for kind in ANCHOR_KINDS
        }
        return super().get_queryset(request).annotate(**taken)

    @admin.display(description="root")
    def short_root(self, obj: Checkpoint) -> str:
        return f"{bytes(obj.root).hex()[:16]}…"

    @admin.display(description="root")
    def whole_root(self, obj: Checkpoint) -> str:
        return whole(bytes(obj.root).hex())

    @admin.display(description="signed by")
    def signed_by(self, obj: Checkpoint) -> Any:
        """Whose signatures hold, just now."""
        return ", ".join(signers(obj)) or badge("no key of the shop's", "danger")

    @admin.display(description="anchors")
    def anchored(self, obj: Checkpoint) -> str:
        return ", ".join(kind for kind in ANCHOR_KINDS if getattr(obj, f"in_{kind}")) or EMPTY

    @admin.display(description="anchors")
    def anchorings(self, obj: Checkpoint) -> str:
        found = Anchoring.objects.filter(size=obj.size).order_by("id")
        rows = [
            {"where": a.kind, "when": moment(a.anchored_at), "receipt": Truncator(a.receipt).chars(80)} for a in found
        ]
        return table(rows) if rows else "nobody took it, or a later one covers it"

    @admin.display(description="note")
    def shown_note(self, obj: Checkpoint) -> Any:
        return format_html('<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', obj.note)


@admin.register(Anchoring)
class AnchoringAdmin(ReadOnlyAdmin):
    list_display = ("anchored_at", "kind", "size")
    list_filter = (known_values("kind", lambda: ANCHOR_KINDS),)
    ordering = ("-id",)
    fields = ("kind", "size", "whole_root", "anchored_at", "shown_receipt")
    readonly_fields = ("whole_root", "shown_receipt")

    @admin.display(description="root")
    def whole_root(self, obj: Anchoring) -> str:
        return whole(bytes(obj.root).hex())

    @admin.display(description="receipt")
    def shown_receipt(self, obj: Anchoring) -> str:
        return whole(obj.receipt)


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Public parts alone: the private ones are in no database."""

    list_display = ("created_at", "verifier", "since_size")
    ordering = ("-id",)
    fields = ("verifier", "since_size", "created_at")


@admin.register(CompletenessRun)
class CompletenessRunAdmin(ReadOnlyAdmin):
    list_display = ("began_at", "gaps", "records", "milliseconds")
    fields = ("began_at", "milliseconds", "records", "gaps", "found", "looked_at")
    readonly_fields = ("found", "looked_at")

    @admin.display(description="what was missing")
    def found(self, obj: CompletenessRun) -> str:
        return table(obj.shown) if obj.shown else "nothing"

    @admin.display(description="rows looked at")
    def looked_at(self, obj: CompletenessRun) -> str:
        return pretty(obj.rows)


@admin.register(Denial)
class DenialAdmin(ReadOnlyAdmin):
    list_display = ("minute", "code", "user_id", "route", "count")
    list_filter = ("code", ("minute", DayRangeFilter))
    list_filter_submit = True
    ordering = ("-minute",)
