"""Applying the shop's periods of retention, with a trace in the trail."""

from collections.abc import Iterator
from dataclasses import dataclass

from audit import events
from audit.services import event_record
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.vault.erasing import old_pages_forget
from shop_assistant.vault.retention import periods


@dataclass(frozen=True, slots=True)
class LetGo:
    kind: str
    about: str
    days: int
    count: int


def retention_due() -> Iterator[LetGo]:
    """How much of each kind has been kept for its time; changes nothing."""
    for kind, period, before in periods():
        yield LetGo(kind.name, kind.about, period.days, kind.due(before))


def retention_apply() -> list[LetGo]:
    """Let go of it. What is let go of twice at the same time is counted once."""
    done = [LetGo(kind.name, kind.about, period.days, kind.apply(before)) for kind, period, before in periods()]
    if let_go := {one.kind: one.count for one in done if one.count}:
        event_record(events.RETENTION_APPLIED, user_id=SYSTEM_USER_ID, let_go=let_go)
        old_pages_forget()
    return done
