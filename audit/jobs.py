"""Keeping the trail up to date."""

import time

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from shop_assistant.agents.jobs import every

from .anchors.keeping import anchor_due
from .checkpoints import checkpoint_due, checkpoint_write
from .judged_days import days_judge
from .pruning import outbox_prune
from .sealing import LogRefused, seal
from .services import denials_flush

TOLD_EVERY = 60
log = structlog.get_logger("shop")
_told = -TOLD_EVERY * 1.0
"""When this process last said that it refuses (monotonic)."""


@every(seconds=1)
def seal_events() -> int:
    """The shop goes on selling while this refuses: events wait in the outbox."""
    try:
        return seal()
    except LogRefused as error:
        _tell(error)
        return 0


@every(seconds=10)
def write_checkpoint() -> None:
    try:
        if checkpoint_due():
            checkpoint_write()
    except (LogRefused, ImproperlyConfigured) as error:
        _tell(error)
    anchor_due(quick=True)


@every(seconds=600)
def anchor_elsewhere() -> int:
    """Seldom enough for a thread where waiting for others holds up no sealing."""
    return anchor_due(quick=False)


@every(seconds=3600)
def prune_outbox() -> int:
    return outbox_prune()


@every(seconds=15)
def tell_denials() -> int:
    """Those of minutes that are over."""
    return denials_flush(until=timezone.now().replace(second=0, microsecond=0))


def _tell(error: Exception) -> None:
    global _told
    if time.monotonic() - _told >= TOLD_EVERY:
        _told = time.monotonic()
        log.critical("SEALING_REFUSED", agent="Audit", status=str(error))


@every(seconds=1800)
def judge_days() -> int:
    """The day before, whenever the first worker finds it over and not judged yet."""
    return len(days_judge(today=timezone.localdate()))
