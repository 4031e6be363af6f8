"""The log against the outbox, from which all its records came."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast

from audit import anchors
from audit.merkle import leaf_hash
from audit.models import AuditRecord, Outbox
from audit.pruning import pruned_through
from audit.tiles import log_size

from .problem import Problem, missing

CHUNK = 1000


def verify_outbox(*, outside: bool = True) -> Iterator[Problem]:
    """Events marked as sealed must be in the log as they were; the log must hold nothing that never was an event.

    Events up to a seq that the trail tells of were taken out of the outbox, when an anchor held their records.

    :param outside: believe that only as far as the anchors hold the log, whose word is not the database's.
    """
    marked, explained, pruned, begun = 0, 0, _pruned(outside), log_size()
    sealed = Outbox.objects.exclude(sealed_at=None).order_by("id").values_list("event_id", "event", "payload")
    for rows in _chunks(sealed):
        marked += len(rows)
        records = AuditRecord.objects.filter(event_id__in=[row[0] for row in rows])
        leaves = {event_id: (seq, leaf) for event_id, seq, leaf in records.values_list("event_id", "seq", "leaf")}
        for event_id, event, payload in rows:
            seq, leaf = leaves.get(event_id, (None, b""))
            if seq is None:
                yield Problem("outbox", None, f"event {event_id} ({event}) was sealed and is gone from the log")
                continue
            explained += pruned < seq <= begun
            if leaf != leaf_hash(payload.encode()):
                yield Problem("record", seq, f"differs from event {event_id} of the outbox")
    size = log_size()
    if size < marked:
        yield missing(size + 1, marked - size)
    if AuditRecord.objects.filter(seq__gt=pruned, seq__lte=begun).count() > explained:
        yield from _phantoms(pruned, outside)


def _pruned(outside: bool) -> int:
    """Records up to this one need no event in the outbox."""
    told = pruned_through()
    try:
        held = anchors.latest() if outside and told else None
    except anchors.AnchorError:  # told of with the anchors
        held = None
    return min(told, held.size) if held else told


def _phantoms(pruned: int, outside: bool) -> Iterator[Problem]:
    """Records without an event."""
    records = AuditRecord.objects.filter(seq__gt=pruned).order_by("seq")
    for rows in _chunks(records.values_list("seq", Cast("event_id", TextField()))):
        ids = {seq: _uuid(text) for seq, text in rows}
        events = Outbox.objects.filter(event_id__in=[event_id for event_id in ids.values() if event_id])
        known = set(events.values_list("event_id", flat=True))
        unknown = [seq for seq, event_id in ids.items() if event_id not in known]
        gone = _pruned(outside) if unknown else pruned  # more of them since we began
        for seq in unknown:
            if seq > gone:
                yield Problem("record", seq, "was never an event of the shop: it was written into the log")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:  # SQLite keeps anything in any column
        return None


def _chunks(rows: Any) -> Iterator[list[Any]]:
    found = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(found, CHUNK)):
        yield chunk
