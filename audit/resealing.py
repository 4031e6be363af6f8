"""Sealing again what the log lost at its end, where no anchor held it yet. Only when somebody asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from shop_assistant.accounts.models import SYSTEM_USER_ID

from . import events
from .models import AuditRecord, Outbox
from .sealing import seal
from .services import event_record
from .standing import BACKUP, LogRefused, check_log
from .tiles import log_size

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Lost:
    """What is missing at the log's end."""

    size: int
    """Records that the log has."""
    pks: list[int]
    """Rows of the outbox that are marked as sealed, and are not in the log."""


def lost_find() -> Lost:
    """:raises LogRefused: when it can't be put right here: the log is not the one that was anchored, or has gaps."""
    check_log()
    size = log_size()
    if gone := size - AuditRecord.objects.count():
        raise LogRefused(
            f"{gone} records are missing from within the log, not from its end (`audit_verify` names them). {BACKUP}"
        )
    return Lost(size, [pk for pks in _missing() for pk in pks])


def lost_seal(lost: Lost, *, user_id: str = SYSTEM_USER_ID) -> int:
    """Seal these again, after the record that says so; how many records were added in all."""
    with transaction.atomic():
        event_record(events.AUDIT_RESEALED, user_id=user_id, log_size=lost.size, count=len(lost.pks))
        for start in range(0, len(lost.pks), CHUNK):
            Outbox.objects.filter(pk__in=lost.pks[start : start + CHUNK]).update(sealed_at=None)
    return seal()


def _missing() -> Iterator[list[int]]:
    last = 0
    while rows := list(
        Outbox.objects.filter(pk__gt=last).exclude(sealed_at=None).order_by("pk").values_list("pk", "event_id")[:CHUNK]
    ):
        last = rows[-1][0]
        known = set(
            AuditRecord.objects.filter(event_id__in=[row[1] for row in rows]).values_list("event_id", flat=True)
        )
        yield [pk for pk, event_id in rows if event_id not in known]
