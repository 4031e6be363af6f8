"""Names of the events, and the canonical bytes of one. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from json import JSONEncoder
from typing import Any
from uuid import UUID

import rfc8785
from uuid_utils.compat import uuid7

from shop_assistant.agents.fields import iso_utc
from shop_assistant.agents.payload import plain

from .merkle import leaf_hash

TASK_QUEUED = "TASK_QUEUED"
TASK_STARTED = "TASK_STARTED"
TASK_COMPLETED = "TASK_COMPLETED"
TASK_FAILED = "TASK_FAILED"
TASK_REQUEUED = "TASK_REQUEUED"
TASK_VIEWED = "ACCESS_TASK"
RECORDS_VIEWED = "ACCESS_RECORDS"
PERSONAL_VIEWED = "ACCESS_PERSONAL"
ACCESS_DENIED = "ACCESS_DENIED"
REQUEST_REFUSED = "REQUEST_REFUSED"
OBJECT_CHANGED = "OBJECT_CHANGED"
SUBJECT_ACCESS, SUBJECT_ERASED, RETENTION_APPLIED = "SUBJECT_ACCESS", "SUBJECT_ERASED", "RETENTION_APPLIED"
DATA_EXPORT_STARTED, DATA_EXPORTED = "DATA_EXPORT_STARTED", "DATA_EXPORTED"
BACKUP_TAKEN, BACKUP_RESTORED = "BACKUP_TAKEN", "BACKUP_RESTORED"
COMPLIANCE_JUDGED, COMPLIANCE_REPORTED = "COMPLIANCE_JUDGED", "COMPLIANCE_REPORTED"
COMPLETENESS_CHECKED = "AUDIT_COMPLETENESS"
KEY_MADE, KEY_ROTATED, ANCHOR_LOST = "KEY_MADE", "KEY_ROTATED", "ANCHOR_LOST"
AUDIT_RESEALED, OUTBOX_PRUNED = "AUDIT_RESEALED", "OUTBOX_PRUNED"
LOGGED_IN, LOGGED_OUT, LOGIN_FAILED = "LOGGED_IN", "LOGGED_OUT", "LOGIN_FAILED"
STOCK_RECONCILED = "STOCK_RECONCILED"
LOGIN_CHANGED = "LOGIN_CHANGED"
"""Of a user's own means to log in: password, second factor, recovery codes, waiting times, sessions."""

LARGEST_EXACT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is stored. `payload` is what gets hashed; the rest repeats it."""

    event_id: UUID
    event: str
    task_id: UUID | None
    user_id: str
    agent: str
    timestamp: datetime
    attempt: int
    payload: str

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.payload.encode())

    @property
    def receipt(self) -> str:
        """`event_id:leaf`: with it a caller can later show that the event is in the log, unchanged."""
        return f"{self.event_id}:{self.leaf.hex()}"


def draft(
    event: str,
    *,
    user_id: str,
    agent: str = "",
    task_id: UUID | None = None,
    attempt: int = 1,
    moment: datetime | None = None,
    **body: Any,
) -> Draft:
    """Make an event ready for the outbox. `body` is JSON-like data, personal values already sealed."""
    event_id = _only_one(task_id, event, attempt) if task_id and event.startswith("TASK_") else uuid7()
    moment = moment or datetime.now(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    document = {
        "event_id": str(event_id),
        "event": event,
        "task_id": str(task_id) if task_id else None,
        "user_id": user_id,
        "agent": agent,
        "timestamp": iso_utc(moment),
        "attempt": attempt,
        **body,
    }
    return Draft(event_id, event, task_id, user_id, agent, moment, attempt, canonical(document))


def _only_one(task_id: UUID, event: str, attempt: int) -> UUID:
    """The same for the same step of a task, so that the key on `event_id` lets no step be told twice: a UUIDv8
    (RFC 9562, 5.8) with the task's time before a digest.
    """
    told = hashlib.blake2b(task_id.bytes + f"{event} {attempt}".encode(), digest_size=10).digest()
    number = int.from_bytes(task_id.bytes[:6] + told)
    return UUID(int=number & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x8000 << 64 | 0x8000 << 48)


_ENCODER = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
SPELLED_ALIKE = (1e-4, 1e16)
"""Between these Python and ECMAScript write a float in the same digits."""


class _Unlike(Exception):
    """Something that Python's encoder writes otherwise than RFC 8785."""


def canonical(document: Any) -> str:
    """RFC 8785 text. What JSON's double can't hold exactly (whole numbers past 2**53) is written as text.

    Python's encoder, which is written in C, writes nearly every document as RFC 8785 wants it; the others go
    to the library.
    """
    try:
        return _ENCODER.encode(_alike(document))
    except _Unlike:
        return rfc8785.dumps(_exact(plain(document))).decode()


def _alike(value: Any) -> Any:
    """The value made plain (see `plain`), if both spell it in the same way.

    :raises _Unlike:
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        if not all(type(name) is str and name.isascii() for name in value):  # one sorts by code point, one by UTF-16
            raise _Unlike
        return {name: _alike(item) for name, item in value.items()}
    if kind is list:
        return [_alike(item) for item in value]
    if kind is int and -LARGEST_EXACT <= value <= LARGEST_EXACT:
        return value
    if kind is float and value % 1 == 0 and abs(value) <= LARGEST_EXACT:
        return int(value)  # RFC 8785 writes 150.0 as 150
    if kind is float and value % 1 and SPELLED_ALIKE[0] <= abs(value) < SPELLED_ALIKE[1]:
        return value
    if kind is UUID:
        return str(value)
    raise _Unlike


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > LARGEST_EXACT:
        return str(int(value))  # every double of that size is whole
    return value
