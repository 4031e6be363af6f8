"""The sealer: moves committed events from the outbox into the log, one sealer at a time.

It takes the rows not yet marked, never `id > cursor`: ids commit out of order. A crash between the commit of
the records and the mark is healed by the next run, which finds the event ids in the log already.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from shop_assistant.bulk import rows_insert

from .merkle import GENESIS, chain_hash, leaf_hash
from .models import AuditRecord, MerkleTile, Outbox
from .standing import LogRefused, check_end, check_log
from .tiles import HEIGHT, extend

BATCH = 1000
LOCK = 0x5E_A1  # the advisory lock's number on PostgreSQL
COPIED = ["event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload"]
COLUMNS = [*COPIED, "seq", "leaf", "prev", "chain"]

__all__ = ["LogRefused", "lock", "seal"]


def seal(*, batches: int | None = None) -> int:
    """Seal what is waiting, at most so many batches; how many records were added.

    :raises LogRefused: when the log is not the one that was anchored, or its end is gone: nothing is added to it then.
    """
    added = 0
    for number in count() if batches is None else range(batches):
        rows = list(Outbox.objects.filter(sealed_at=None).order_by("id").values_list("pk", *COPIED)[:BATCH])
        if not rows:
            break
        added += _append([row[1:] for row in rows], check=rows[0][0] if number == 0 else None)
        Outbox.objects.filter(pk__in=[row[0] for row in rows]).update(sealed_at=timezone.now())
        if len(rows) < BATCH:
            break
    return added


def _append(waiting: Sequence[tuple[Any, ...]], *, check: int | None) -> int:
    """Add what the log does not have yet; how many records.

    :param check: look first whether the log is the one it was; the outbox's first row that waits.
    """
    with transaction.atomic(using=settings.AUDIT_DATABASE):
        lock()
        if check:
            check_log()
            check_end(check)
        last = AuditRecord.objects.order_by("-seq").values_list("seq", "chain").first()
        size, chain = (last[0], bytes(last[1])) if last else (0, GENESIS)
        known = set(
            AuditRecord.objects.filter(event_id__in=[row[0] for row in waiting]).values_list("event_id", flat=True)
        )
        records = []
        for seq, row in enumerate((row for row in waiting if row[0] not in known), size + 1):
            leaf = leaf_hash(row[-1].encode())
            prev, chain = chain, chain_hash(chain, leaf)
            records.append((*row, seq, leaf, prev, chain))
        rows_insert(AuditRecord, COLUMNS, records, using=settings.AUDIT_DATABASE)
        if (size + len(records)) >> HEIGHT > size >> HEIGHT:  # a tile is whole
            extend(anew_from=size + 1 if _cut(size) else None)
    return len(records)


def _cut(size: int) -> bool:
    """Whether tiles tell of more records than the log has: its end was cut off, and they must be made anew."""
    return MerkleTile.objects.filter(level=1, index__gte=size >> HEIGHT).exists()


def lock() -> None:
    """Held to the transaction's end. SQLite's BEGIN IMMEDIATE is such a lock already."""
    connection = connections[settings.AUDIT_DATABASE]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
