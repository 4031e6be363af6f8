"""Who changed what, and who looked at what: counted from the trail's records."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Count, QuerySet, Value
from django.db.models.functions import Left, StrIndex, Substr

from shop_assistant.agents import registry

from .. import events
from ..models import AuditRecord
from .schemas import AccessCount, ChangeCount

AREAS = {
    "inventory": "Stock",
    "sales": "Sales",
    "pricing": "Prices",
    "customers": "Customers",
    "audit": "Trail and findings",
    "accounts": "Access",
    "auth": "Access",
    "vault": "Keys and retention",
}
"""By agent, or by the app of a model."""
OTHER = "Other"
OWN_EVENTS = {
    events.LOGIN_CHANGED: ("Access", "own login changed"),
    events.SUBJECT_ERASED: ("Customers", "customer erased"),
    events.RETENTION_APPLIED: ("Keys and retention", "retention applied"),
    events.KEY_MADE: ("Keys and retention", "key made"),
    events.KEY_ROTATED: ("Keys and retention", "key rotated"),
    events.AUDIT_RESEALED: ("Trail and findings", "tail of the log sealed again"),
    events.OUTBOX_PRUNED: ("Trail and findings", "sealed events pruned"),
    events.STOCK_RECONCILED: ("Stock", "balance put right"),
    events.BACKUP_RESTORED: (OTHER, "backup restored"),
    "DEMO_LOADED": (OTHER, "demo shop loaded"),
}
"""Changes that are told by an event of their own."""
LOGGED_IN, FAILED, REFUSED = events.LOGGED_IN, events.LOGIN_FAILED, (events.ACCESS_DENIED, events.REQUEST_REFUSED)
OPERATION = '"operation":"'

Counted = Counter[tuple[str, str]]
"""(user, event)"""


def records_within(begin: datetime, end: datetime) -> QuerySet[Any]:
    return AuditRecord.objects.filter(timestamp__gte=begin, timestamp__lt=end)


def events_counted(begin: datetime, end: datetime) -> Counted:
    rows = records_within(begin, end).order_by().values("user_id", "event").annotate(count=Count("seq"))
    return Counter({(row["user_id"], row["event"]): row["count"] for row in rows})


def changes_counted(begin: datetime, end: datetime, counted: Counted) -> list[ChangeCount]:
    """By user, area and kind, the most frequent first. Operations that may write, objects changed in the admin or by
    commands, and what else changes the shop.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    for user_id, agent, operation, count in _operations(begin, end):
        found[user_id, AREAS.get(agent, OTHER), f"{agent}.{operation}"] += count
    for user_id, model, change, count in _objects(begin, end):
        found[user_id, AREAS.get(model.partition(".")[0], OTHER), f"{_named(model)} {change}"] += count
    for (user_id, event), count in counted.items():
        if event in OWN_EVENTS:
            area, kind = OWN_EVENTS[event]
            found[user_id, area, kind] += count
    return [
        ChangeCount(user_id=user_id, area=area, kind=kind, count=count)
        for (user_id, area, kind), count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _operations(begin: datetime, end: datetime) -> Iterable[tuple[str, str, str, int]]:
    """Counted by the database. It cuts the name out of the canonical payload, where it comes first of all that is
    spelled so: unlike its JSON functions this bears a payload that somebody has bent.
    """
    place = StrIndex("payload", Value(OPERATION)) + len(OPERATION)
    rows = (
        records_within(begin, end)
        .filter(event=events.TASK_COMPLETED)
        .order_by()
        .annotate(rest=Substr("payload", place, 65))
        .annotate(operation=Left("rest", StrIndex("rest", Value('"')) - 1))
        .values("user_id", "agent", "operation")
        .annotate(count=Count("seq"))
    )
    writing = {(o.agent, o.name) for o in registry.operations() if o.writes}
    for row in rows:
        if (row["agent"], row["operation"]) in writing:
            yield row["user_id"], row["agent"], row["operation"], row["count"]


def _objects(begin: datetime, end: datetime) -> Iterable[tuple[str, str, str, int]]:
    rows = records_within(begin, end).filter(event=events.OBJECT_CHANGED).order_by("seq")
    for user_id, payload in rows.values_list("user_id", "payload").iterator(chunk_size=500):
        try:
            document = json.loads(payload)
            labels = [str(document["model"])]
            if "by" in document:  # by a command: each of its rows is a change
                labels = [str(row["model"]) for row in document["history"]]
        except (ValueError, LookupError, TypeError):
            continue  # bent: the verification names it
        for label, count in Counter(labels).items():
            yield user_id, label, str(document.get("change", "changed")), count


def _named(label: str) -> str:
    """Of a model, in words."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label.rpartition(".")[2] or "object"


def accesses_counted(counted: Counted) -> list[AccessCount]:
    """Logins, refusals, looks at the trail and at personal data, and exports, by user."""

    def told(user_id: str) -> AccessCount:
        return AccessCount(
            user_id=user_id,
            logins=counted[user_id, LOGGED_IN],
            failed_logins=counted[user_id, FAILED],
            refused=sum(counted[user_id, event] for event in REFUSED),
            trail_read=counted[user_id, events.RECORDS_VIEWED],
            personal_read=counted[user_id, events.PERSONAL_VIEWED],
            exports=counted[user_id, events.DATA_EXPORT_STARTED],
        )

    rows = [told(user_id) for user_id in sorted({user_id for user_id, _ in counted})]
    return [row for row in rows if any(value for name, value in row.model_dump().items() if name != "user_id")]
