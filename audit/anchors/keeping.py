"""Bringing the newest checkpoint to the anchors, and what came of it."""

import time
from datetime import timedelta

import structlog
from django.utils import timezone

from audit import events
from audit.models import Anchoring, Checkpoint, SigningKey
from audit.services import event_record
from shop_assistant.accounts.models import SYSTEM_USER_ID

from . import configured
from .base import Anchor, AnchorError
from .file import FileAnchor

RETRY_SECONDS, RETRY_MOST = 15, 3600
LATE = timedelta(minutes=15)

log = structlog.get_logger("shop")
_failures: dict[str, tuple[int, float]] = {}
"""By kind: how often in a row it failed in this process, and before when (monotonic) it is not tried again."""


def anchor_newest(anchor: Anchor, *, now: bool = False) -> Anchoring | None:
    """Hand the newest checkpoint to one anchor; None when it has it, or its time has not come. A file that holds less
    than it took (it is gone, or another is named) gets it again.

    :param now: whatever its time.
    :raises AnchorError:
    """
    checkpoint = Checkpoint.objects.order_by("-size").first()
    last = Anchoring.objects.filter(kind=anchor.kind).order_by("-size").first()
    if checkpoint is None:
        return None
    lost = last is not None and isinstance(anchor, FileAnchor) and _holds_less(anchor, last.size)
    if last and not lost and (last.size >= checkpoint.size or not (now or _its_time(anchor, last))):
        return None
    if last and lost:
        event_record(events.ANCHOR_LOST, user_id=SYSTEM_USER_ID, kind=anchor.kind, size=last.size)
    if isinstance(anchor, FileAnchor):
        for between in _of_new_keys(0 if lost or not last else last.size, checkpoint.size):
            anchor.anchor(between)
    receipt = anchor.anchor(checkpoint)
    made = Anchoring(size=checkpoint.size, root=bytes(checkpoint.root), kind=anchor.kind, receipt=receipt)
    made.save()
    return made


def _its_time(anchor: Anchor, last: Anchoring) -> bool:
    return not timedelta() <= timezone.now() - last.anchored_at < timedelta(seconds=anchor.every)


def _of_new_keys(after: int, before: int) -> list[Checkpoint]:
    """The first checkpoint of each key, which the key before has signed, too: who knows only that one trusts the next
    by it, so a file that misses it is none to verify with.
    """
    first = list(
        SigningKey.objects.filter(since_size__gt=after, since_size__lt=before).values_list("since_size", flat=True)
    )
    return list(Checkpoint.objects.filter(size__in=first).order_by("size")) if first else []


def _holds_less(anchor: FileAnchor, size: int) -> bool:
    """:raises AnchorError:"""
    held = anchor.held()
    return held is None or held.size < size


def anchor_due(*, quick: bool) -> int:
    """Bring the newest checkpoint to every anchor whose time has come; how many took it.

    A failure is logged, and tried again after a while that doubles each time. Nothing else waits for it.

    :param quick: only those that are near at hand (the file), or only those on the network.
    """
    taken = 0
    for anchor in configured():
        failed, due = _failures.get(anchor.kind, (0, 0.0))
        if isinstance(anchor, FileAnchor) is not quick or time.monotonic() < due:
            continue
        try:
            taken += anchor_newest(anchor) is not None
            _failures.pop(anchor.kind, None)
        except AnchorError as error:
            _failures[anchor.kind] = failed + 1, time.monotonic() + min(RETRY_SECONDS << min(failed, 8), RETRY_MOST)
            log.error("ANCHOR_FAILED", agent="Audit", status=f"{anchor.kind}: {error}")
    return taken


def anchored_size() -> int:
    """The largest checkpoint that any configured anchor has taken."""
    kinds = [anchor.kind for anchor in configured()]
    sizes = [
        Anchoring.objects.filter(kind=kind).order_by("-size").values_list("size", flat=True).first() for kind in kinds
    ]
    return max((size for size in sizes if size), default=0)


def behind() -> dict[str, int]:
    """By kind of the configured anchors: seconds for which a checkpoint has been waiting to be anchored there."""
    waiting = {}
    for anchor in configured():
        last = Anchoring.objects.filter(kind=anchor.kind).order_by("-size").values_list("size", flat=True).first() or 0
        oldest = Checkpoint.objects.filter(size__gt=last).order_by("size").values_list("created_at", flat=True).first()
        waiting[anchor.kind] = max(int((timezone.now() - oldest).total_seconds()), 0) if oldest else 0
    return waiting


def late() -> list[str]:
    """The anchors that should have taken a checkpoint long since."""
    waiting = behind()
    return [a.kind for a in configured() if waiting[a.kind] > a.every + LATE.total_seconds()]
