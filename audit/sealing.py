"""The sealer: moves committed events from the outbox into the log, one sealer at a time.

It takes the rows not yet marked, never `id > cursor`: ids commit out of order. A crash between the commit of
the records and the mark is healed by the next run, which finds the event ids in the log already.
"""

from itertools import count

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from .merkle import GENESIS, chain_hash, leaf_hash
from .models import AuditRecord, Outbox

BATCH = 500
LOCK = 0x5E_A1  # the advisory lock's number on PostgreSQL


def seal(*, batches: int | None = None) -> int:
    """Seal what is waiting, at most so many batches of 500; how many records were added."""
    added = 0
    for _ in count() if batches is None else range(batches):
        waiting = list(Outbox.objects.filter(sealed_at=None).order_by("id")[:BATCH])
        if not waiting:
            break
        added += _append(waiting)
        Outbox.objects.filter(pk__in=[row.pk for row in waiting]).update(sealed_at=timezone.now())
        if len(waiting) < BATCH:
            break
    return added


def _append(waiting: list[Outbox]) -> int:
    with transaction.atomic(using=settings.AUDIT_DATABASE):
        _lock()
        last = AuditRecord.objects.order_by("-seq").values_list("seq", "chain").first()
        seq, chain = (last[0], bytes(last[1])) if last else (0, GENESIS)
        ids = [row.event_id for row in waiting]
        known = set(AuditRecord.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
        records = []
        for row in waiting:
            if row.event_id in known:
                continue
            leaf = leaf_hash(row.payload.encode())
            seq, prev, chain = seq + 1, chain, chain_hash(chain, leaf)
            records.append(
                AuditRecord(
                    seq=seq,
                    leaf=leaf,
                    prev=prev,
                    chain=chain,
                    event_id=row.event_id,
                    event=row.event,
                    task_id=row.task_id,
                    user_id=row.user_id,
                    agent=row.agent,
                    timestamp=row.timestamp,
                    payload=row.payload,
                )
            )
        AuditRecord.objects.bulk_create(records)
    return len(records)


def _lock() -> None:
    """Held to the transaction's end. SQLite's BEGIN IMMEDIATE is such a lock already."""
    connection = connections[settings.AUDIT_DATABASE]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
