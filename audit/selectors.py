"""Reading the trail."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from shop_assistant.agents.fields import iso_utc
from shop_assistant.vault.services import PREFIX, unseal

from .models import AuditRecord
from .sealing import LogRefused, seal
from .services import denials_flush

INLINE_BATCHES = 4
"""Sealed before a read, so that callers see their own records: at most 2,000."""
PERSONAL = "[personal]"
ENVELOPE = {"event_id", "event", "task_id", "user_id", "agent", "timestamp", "state"}


def bring_up_to_date() -> None:
    denials_flush()
    with suppress(LogRefused):  # what is in the log can be read all the same
        seal(batches=INLINE_BATCHES)


def records_filter(
    *,
    task_id: UUID | None = None,
    event: str | None = None,
    user_id: str | None = None,
    agent: str | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> Any:
    """Records within [begin, end) that match all that is given."""
    wanted = {
        "task_id": task_id,
        "event": event,
        "user_id": user_id,
        "agent": agent,
        "timestamp__gte": begin,
        "timestamp__lt": end,
    }
    return AuditRecord.objects.filter(**{name: value for name, value in wanted.items() if value is not None})


def records_page(records: Any, *, limit: int, before: int | None) -> tuple[list[AuditRecord], int | None]:
    """Newest first; with the seq to go on from."""
    if before is not None:
        records = records.filter(seq__lt=before)
    found = list(records.order_by("-seq")[: limit + 1])
    return found[:limit], found[limit - 1].seq if len(found) > limit else None


def records_stream(records: Any) -> Iterator[AuditRecord]:
    """All of them in order, in constant memory."""
    return iter(records.order_by("seq").iterator(chunk_size=1000))


def record_item(record: AuditRecord) -> dict[str, Any]:
    """A record as a screen shows it: people's data stays hidden, free-form details of `audit.log` are opened."""
    document = json.loads(record.payload)
    state, details = document.get("state"), {k: v for k, v in document.items() if k not in ENVELOPE}
    if "details" in details:
        details["details"] = unseal(details["details"], f"task|{details.get('sealed_for')}")
    return {
        "seq": record.seq,
        "event_id": record.event_id,
        "event": record.event,
        "task_id": record.task_id,
        "user_id": record.user_id,
        "agent": record.agent,
        "timestamp": record.timestamp,
        "state": masked(state),
        "details": masked(details),
        "leaf": bytes(record.leaf).hex(),
        "chain": bytes(record.chain).hex(),
    }


def masked(value: Any) -> Any:
    """Sealed values as `[personal]`."""
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return PERSONAL if isinstance(value, str) and value.startswith(PREFIX) else value


def export_line(record: AuditRecord) -> dict[str, Any]:
    """A record with everything a verifier outside needs."""
    return {
        "seq": record.seq,
        "event_id": str(record.event_id),
        "event": record.event,
        "task_id": str(record.task_id) if record.task_id else None,
        "user_id": record.user_id,
        "agent": record.agent,
        "timestamp": iso_utc(record.timestamp),
        "payload": record.payload,
        "leaf": bytes(record.leaf).hex(),
        "chain": bytes(record.chain).hex(),
    }
