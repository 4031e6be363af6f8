"""How the shop is: for load balancers, monitors and the owner. Never personal data."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Max, Min
from django.utils import timezone

from audit.anchors.keeping import late
from audit.models import Outbox
from audit.standing import refusal

from .models import TaskState, Worker

LATE_SECONDS = 120
"""An event that waits longer than this for its sealing makes the shop `degraded`."""


def readiness() -> dict[str, Any]:
    """`{"status": ok | degraded | unavailable, "checks": {…}}`"""
    checks: dict[str, str | int] = {alias: _database(alias) for alias in settings.DATABASES}
    status = "ok"
    if checks["default"] != "ok":
        return {"status": "unavailable", "checks": checks}
    if any(found != "ok" for found in checks.values()):
        status = "degraded"  # the shop goes on selling while the audit database is away
    waiting, lag = audit_lag()
    checks |= {"audit_waiting": waiting, "audit_lag_seconds": lag}
    if checks[settings.AUDIT_DATABASE] == "ok":
        checks |= _trail()
    if lag > LATE_SECONDS or any(checks.get(name, "ok") != "ok" for name in ("audit_sealing", "audit_anchors")):
        status = "degraded"
    return {"status": status, "checks": checks}


def _trail() -> dict[str, str | int]:
    """Whether the sealer goes on, and whether the anchors keep up with it."""
    waiting = ", ".join(late())
    return {"audit_sealing": refusal() or "ok", "audit_anchors": f"no checkpoint taken: {waiting}" if waiting else "ok"}


def audit_lag() -> tuple[int, int]:
    """Events not yet sealed, and the age in seconds of the oldest."""
    found = Outbox.objects.filter(sealed_at=None).aggregate(count=Count("id"), oldest=Min("timestamp"))
    lag = int((timezone.now() - found["oldest"]).total_seconds()) if found["oldest"] else 0
    return found["count"], max(lag, 0)


def _database(alias: str) -> str:
    try:
        executor = MigrationExecutor(connections[alias])
    except DatabaseError:
        return "unreachable"
    except Exception as error:  # a pool that can't connect raises its own kind
        return f"unreachable ({type(error).__name__})"
    return "migrations missing" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def tasks_by_state() -> dict[str, int]:
    return dict(TaskState.objects.order_by().values_list("status").annotate(count=Count("pk")))


def failures_by_code() -> list[tuple[str, str, int]]:
    """Agent, error code and how many."""
    failed = TaskState.objects.filter(status=TaskState.Status.FAILED).order_by()
    return list(failed.values_list("agent", "error_code").annotate(count=Count("pk")))


def worker_beat(name: str, *, started_at: datetime) -> None:
    """A worker is there; who has been silent for a day is forgotten."""
    now = timezone.now()
    Worker.objects.update_or_create(name=name, defaults={"seen_at": now, "started_at": started_at})
    Worker.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def workers_seen() -> tuple[int, float | None]:
    """How many workers told within the last minute that they are there, and seconds since the last one did."""
    now = timezone.now()
    last = Worker.objects.aggregate(last=Max("seen_at"))["last"]
    count = Worker.objects.filter(seen_at__gte=now - timedelta(minutes=1)).count()
    return count, (now - last).total_seconds() if last else None
