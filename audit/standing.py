"""Does the log still begin with what its anchors hold? Asked before anything is added to it or signed."""

from django.core.exceptions import ImproperlyConfigured

from .anchors import AnchorError, latest
from .tiles import NoProof, log_size, root_at

BACKUP = (
    "Restore the audit database from a backup that covers it, or the whole shop with `manage.py restore`; the events "
    "since then wait in the outbox."
)
NEW_SHOP = "If this is a new shop, name another AUDIT_ANCHOR_FILE: the present one is that of another log."


class LogRefused(Exception):
    """Nothing is sealed or signed: the log is not the one that was anchored. Says why, and what to do."""


def check_log() -> None:
    """Costs a few reads, however long the log.

    :raises LogRefused: when the log is smaller than the last anchor, differs from it, or the anchor can't be relied on.
    """
    try:
        held = latest()
    except (AnchorError, ImproperlyConfigured) as error:
        raise LogRefused(f"The audit log can't be compared with its anchor. {error}") from None
    if held is None:
        return
    size = log_size()
    if size < held.size:
        new = "" if size else f"{NEW_SHOP} "
        raise LogRefused(f"The audit log ends with record {size}, but {held.size} were anchored. {new}{BACKUP}")
    try:
        root = root_at(held.size)
    except NoProof as error:
        raise LogRefused(
            f"The audit log can't be compared with its anchor of {held.size} records. {error} {BACKUP}"
        ) from None
    if root != held.root:
        raise LogRefused(f"The first {held.size} records of the audit log are not those that were anchored. {BACKUP}")


def refusal() -> str | None:
    """Why the sealer refuses to go on just now, if it does."""
    try:
        check_log()
    except LogRefused as error:
        return str(error)
    return None
