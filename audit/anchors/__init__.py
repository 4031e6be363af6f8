"""Places with another administrator that keep the log's checkpoints: what a database says must agree with them."""

from django.conf import settings

from audit.models import Anchoring

from .base import Anchor, AnchorError, Held
from .file import FileAnchor
from .mailbox import MailboxAnchor
from .timestamp import TimestampAnchor
from .witness import WitnessAnchor

__all__ = ["Anchor", "AnchorError", "FileAnchor", "Held", "configured", "file_anchor", "latest"]


def configured() -> list[Anchor]:
    """The anchors that the settings name."""
    anchors: list[Anchor] = []
    if settings.AUDIT_ANCHOR_FILE:
        anchors.append(FileAnchor(settings.AUDIT_ANCHOR_FILE))
    if settings.AUDIT_ANCHOR_MAILBOX:
        anchors.append(MailboxAnchor(settings.AUDIT_ANCHOR_MAILBOX))
    if settings.AUDIT_ANCHOR_WITNESS_URL:
        anchors.append(WitnessAnchor(settings.AUDIT_ANCHOR_WITNESS_URL, settings.AUDIT_ANCHOR_WITNESS_KEY))
    if settings.AUDIT_ANCHOR_TIMESTAMP_URL:
        anchors.append(TimestampAnchor(settings.AUDIT_ANCHOR_TIMESTAMP_URL, settings.AUDIT_ANCHOR_TIMESTAMP_ROOT))
    return anchors


def file_anchor() -> FileAnchor | None:
    return FileAnchor(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None


def latest() -> Held | None:
    """The largest checkpoint that an anchor holds; None where there is none.

    The file itself is asked. What the others hold only their receipts tell, which lie in the audit database.

    :raises AnchorError: when the file is there and can't be relied on.
    """
    found = [held for held in map(_held, configured()) if held]
    return max(found, key=lambda held: held.size, default=None)


def _held(anchor: Anchor) -> Held | None:
    if held := anchor.held():
        return held
    row = Anchoring.objects.filter(kind=anchor.kind).order_by("-size").values_list("size", "root").first()
    return Held(row[0], bytes(row[1])) if row else None
