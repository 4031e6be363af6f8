"""Making the checks, and keeping and telling what came of them."""

from collections.abc import Iterator
from datetime import timedelta
from time import perf_counter

import structlog
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from shop_assistant.sql import snapshot
from shop_assistant.tracking import SYSTEM

from .. import events
from ..models import CompletenessRun
from ..services import event_record
from ..verification import log_size
from .checks import Gap, Look, checks

SHOWN = 100
KEPT_DAYS = 400

log = structlog.get_logger("shop")


def gaps_found(look: Look | None = None) -> Iterator[Gap]:
    """Everything that is not as recorded; reads only. Within one snapshot of the shop's database."""
    look = look or Look(size=log_size())
    with snapshot(DEFAULT_DB_ALIAS):
        for name, (_, function) in checks().items():
            look.rows[name] += 0
            yield from function(look)


def completeness_run(*, user_id: str = SYSTEM) -> CompletenessRun:
    """Make all checks, keep what they found, and tell the trail and the log. What was found is answered for as a
    finding of the rule on gaps.
    """
    began_at, began = timezone.now(), perf_counter()
    look, shown, count = Look(size=log_size()), [], 0
    for gap in gaps_found(look):
        count += 1
        if count <= SHOWN:
            shown.append({"check": gap.check, "what": gap.what, "message": gap.message})
    run = CompletenessRun.objects.create(
        began_at=began_at,
        milliseconds=round((perf_counter() - began) * 1000),
        records=look.size,
        rows=dict(look.rows),
        gaps=count,
        shown=shown,
    )
    CompletenessRun.objects.filter(began_at__lt=began_at - timedelta(days=KEPT_DAYS)).delete()
    event_record(events.COMPLETENESS_CHECKED, user_id=user_id, rows=run.rows, gaps=count, shown=shown)
    if count:
        log.critical("AUDIT_INCOMPLETE", agent="Audit", status="failed", gaps=count, checks=_by_check(shown))
    return run


def last_run() -> CompletenessRun | None:
    return CompletenessRun.objects.order_by("-began_at").first()


def _by_check(shown: list[dict[str, str]]) -> list[str]:
    return sorted({gap["check"] for gap in shown})
