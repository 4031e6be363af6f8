"""What the trail itself shows to be wrong."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min
from django.db.models.functions import TruncHour

from . import events
from .compliance import Case, Period, Rule, register
from .models import AuditRecord
from .verification import verify_records


def _broken_chain(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    records = AuditRecord.objects.filter(timestamp__gte=period.begin, timestamp__lt=period.end)
    first = records.aggregate(first=Min("seq"))["first"]
    if first is not None:
        for problem in verify_records(first=first):
            yield Case("audit_record", str(problem.seq), problem.message, [problem.seq])


def _login_bursts(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    limit = int(parameters["failures_an_hour"])
    bursts = (
        AuditRecord.objects.filter(event=events.LOGIN_FAILED, timestamp__gte=period.begin, timestamp__lt=period.end)
        .annotate(hour=TruncHour("timestamp"))
        .values("user_id", "hour")
        .annotate(count=Count("seq"), first=Min("seq"))
        .filter(count__gt=limit)
    )
    for burst in bursts:
        who = burst["user_id"] or "unknown names"
        yield Case(
            "user",
            f"{who} {burst['hour']:%Y-%m-%dT%H}",
            f"{burst['count']} failed logins of {who} within an hour",
            [burst["first"]],
        )


def _failed_inside(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    """Tasks that failed through the shop's own fault: somebody has to look at them."""
    failures = AuditRecord.objects.filter(
        event=events.TASK_FAILED, timestamp__gte=period.begin, timestamp__lt=period.end
    )
    for record in failures.order_by("seq").iterator(chunk_size=1000):
        error = (json.loads(record.payload).get("state") or {}).get("error") or {}
        if error.get("status", 500) in (500, 502):
            yield Case("task", str(record.task_id), f"failed with {error.get('code')}", [record.seq])


register(
    Rule(
        key="audit-chain",
        title="The audit trail is whole",
        explanation="Records were changed, removed or reordered behind the application's back. Compare with a backup.",
        severity="critical",
        weight=60,
        past=_broken_chain,
    ),
    Rule(
        key="login-bursts",
        title="No bursts of failed logins",
        explanation="Somebody may be guessing passwords. Ask the user; change the password; look at the addresses.",
        severity="warning",
        weight=10,
        parameters={"failures_an_hour": 20},
        past=_login_bursts,
    ),
    Rule(
        key="failed-tasks",
        title="No task failed through our own fault",
        explanation="An internal error left a task undone. Look at the log, put it right and run the task again.",
        severity="warning",
        weight=10,
        past=_failed_inside,
    ),
)
