"""Finding what was bent: reads the whole log in order, in constant memory, and changes nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Max

from shop_assistant.agents.fields import iso_utc

from .append_only import missing_triggers
from .events import canonical
from .merkle import GENESIS, chain_hash, leaf_hash
from .models import AuditRecord, Outbox

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    """record, outbox or trigger"""
    seq: int | None
    message: str


def verify_all() -> Iterator[Problem]:
    """Records, the outbox behind them, and the triggers that guard them."""
    yield from verify_records()
    yield from verify_outbox()
    for alias in settings.DATABASES:
        for name in missing_triggers(alias):
            yield Problem("trigger", None, f"the trigger {name} is missing: rows can be changed unseen")


def verify_records(first: int = 1) -> Iterator[Problem]:
    """Each record against its own payload and against the one before."""
    before = AuditRecord.objects.filter(seq=first - 1).values_list("chain", flat=True).first()
    if first > 1 and before is None:
        yield Problem("record", first - 1, "is missing")
    chain, expected = bytes(before or GENESIS), first
    for record in AuditRecord.objects.filter(seq__gte=first).order_by("seq").iterator(chunk_size=CHUNK):
        if record.seq != expected:
            yield _missing(expected, record.seq - expected)
        for message in _wrong_in(record, chain):
            yield Problem("record", record.seq, message)
        chain, expected = bytes(record.chain), record.seq + 1


def _missing(seq: int, count: int) -> Problem:
    return Problem("record", seq, "is missing" + (f", and {count - 1} more after it" if count > 1 else ""))


def _wrong_in(record: AuditRecord, previous: bytes) -> Iterator[str]:
    leaf = leaf_hash(record.payload.encode())
    if bytes(record.leaf) != leaf:
        yield "its payload was changed: the leaf does not match"
    if bytes(record.prev) != previous:
        yield "does not follow the record before it"
    if bytes(record.chain) != chain_hash(bytes(record.prev), bytes(record.leaf)):
        yield "its chain value was changed"
    if wrong := [name for name, told, kept in _columns(record) if told != kept]:
        yield f"its columns differ from its payload: {', '.join(wrong)}"


def _columns(record: AuditRecord) -> Iterator[tuple[str, Any, Any]]:
    """name, what the payload says, what the column says"""
    try:
        document = json.loads(record.payload)
        if canonical(document) != record.payload:
            yield "payload", "canonical", "not canonical"
    except ValueError:
        yield "payload", "JSON", "not JSON"
        return
    yield "event_id", document.get("event_id"), str(record.event_id)
    yield "event", document.get("event"), record.event
    yield "task_id", document.get("task_id"), str(record.task_id) if record.task_id else None
    yield "user_id", document.get("user_id"), record.user_id
    yield "agent", document.get("agent"), record.agent
    yield "timestamp", document.get("timestamp"), iso_utc(record.timestamp)


def verify_outbox() -> Iterator[Problem]:
    """Events marked as sealed must be in the log as they were; the log must hold nothing that never was an event."""
    marked, gone = 0, 0
    for rows in _chunks(Outbox.objects.exclude(sealed_at=None).order_by("id")):
        marked += len(rows)
        records = AuditRecord.objects.filter(event_id__in=[row.event_id for row in rows])
        sealed = {id_: (seq, text) for id_, seq, text in records.values_list("event_id", "seq", "payload")}
        for row in rows:
            if row.event_id not in sealed:
                gone += 1
                yield Problem("outbox", None, f"event {row.event_id} ({row.event}) was sealed and is gone from the log")
            elif sealed[row.event_id][1] != row.payload:
                yield Problem("record", sealed[row.event_id][0], f"differs from event {row.event_id} of the outbox")
    if (size := log_size()) < marked:
        yield _missing(size + 1, marked - size)
    if gone or AuditRecord.objects.count() > marked:
        yield from _phantoms()


def _phantoms() -> Iterator[Problem]:
    """Records without an event."""
    records = AuditRecord.objects.order_by("seq").only("seq", "event_id")
    for rows in _chunks(records):
        known = set(Outbox.objects.filter(event_id__in=[r.event_id for r in rows]).values_list("event_id", flat=True))
        for row in rows:
            if row.event_id not in known:
                yield Problem("record", row.seq, "was never an event of the shop: it was written into the log")


def _chunks(rows: Any) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for row in rows.iterator(chunk_size=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def log_size() -> int:
    return AuditRecord.objects.aggregate(size=Max("seq"))["size"] or 0
