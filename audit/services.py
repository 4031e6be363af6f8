"""Writing to the trail: events go into the outbox within the caller's transaction."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from shop_assistant.agents.errors import AccessError, TransientError
from shop_assistant.statements import execute

from . import events
from .events import Draft, canonical, draft
from .fixed_sql import OUTBOX
from .models import Denial, Outbox

BACKLOG_CHECK_EVERY = 1000
BATCH = 1000
ACCESS_CODES = {error.code for error in AccessError.__subclasses__()}
_written_since_check = 0


def events_record(drafts: Iterable[Draft]) -> None:
    """Store events; they commit with the caller's transaction or not at all.

    :raises TransientError: when the audit database has been away so long that the backlog is full.
    """
    backlog_check()
    waiting = list(drafts)
    for start in range(0, len(waiting), BATCH):
        execute(OUTBOX.of(waiting[start : start + BATCH]))


def event_record(event: str, *, user_id: str, **body: Any) -> Draft:
    """Store one event (see `events.draft`) and return it."""
    made = draft(event, user_id=user_id, **body)
    events_record([made])
    return made


def backlog_check() -> None:
    """Every so many calls, see whether the sealer keeps up. Whoever writes events asks this first.

    :raises TransientError: when the audit database has been away so long that the backlog is full.
    """
    global _written_since_check
    _written_since_check += 1
    if _written_since_check < BACKLOG_CHECK_EVERY:
        return
    if Outbox.objects.filter(sealed_at=None).count() > settings.AUDIT_BACKLOG_LIMIT:
        raise TransientError("The audit trail can't be written just now; the staff has to look at its database.")
    _written_since_check = 0


_COUNT_DENIAL = """
    INSERT INTO audit_denial AS kept (minute, code, user_id, address, route, count) VALUES (%s, %s, %s, %s, %s, 1)
    ON CONFLICT (minute, code, user_id, address, route) DO UPDATE SET count = kept.count + 1
"""


def denial_count(*, code: str, user_id: str, address: str, route: str) -> None:
    """Count a refused call. A flood of them costs one row a minute, user, address and route."""
    minute = timezone.now().replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_DENIAL,
            [connection.ops.adapt_datetimefield_value(minute), code, user_id, address, route[:100]],
        )


def denials_flush(*, until: datetime | None = None) -> int:
    """Turn the counts of minutes before `until` (all, when it is left out) into events; how many."""
    with transaction.atomic():
        rows = Denial.objects.select_for_update().order_by("pk")
        found = list(rows.filter(minute__lt=until) if until else rows)
        events_record(
            draft(
                events.ACCESS_DENIED if row.code in ACCESS_CODES else events.REQUEST_REFUSED,
                user_id=row.user_id,
                code=row.code,
                address=row.address,
                route=row.route,
                minute=row.minute,
                count=row.count,
            )
            for row in found
        )
        Denial.objects.filter(pk__in=[row.pk for row in found]).delete()
    return len(found)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, where a record keeps no more than that."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
