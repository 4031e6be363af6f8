"""Does the log still begin with what its anchors hold? Asked before anything is added to it or signed."""

from django.core.exceptions import ImproperlyConfigured

from .anchors import AnchorError, latest
from .models import AuditRecord, Outbox
from .tiles import NoProof, log_size, root_at

BACKUP = (
    "Restore the audit database from a backup that covers it, or the whole shop with `manage.py restore`; the events "
    "since then wait in the outbox."
)
LAST = 100
"""Events of the outbox that the log's end is compared with."""
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


def check_end(waiting: int | None = None) -> None:
    """Does the log have what the outbox says was sealed last? Costs two or three reads, however much waits.

    :param waiting: the outbox's first row that waits to be sealed, where the caller knows it.
    :raises LogRefused: when its end was cut off. Records missing from within it stop nobody here: `audit_verify` tells.
    """
    waiting = waiting or Outbox.objects.filter(sealed_at=None).order_by("id").values_list("pk", flat=True).first()
    before = Outbox.objects.filter(pk__lt=waiting) if waiting else Outbox.objects.all()
    sealed = list(before.order_by("-pk").values_list("event_id", flat=True)[:LAST])
    gone = len(sealed) - AuditRecord.objects.filter(event_id__in=sealed).count()
    if gone and gone > _holes():
        raise LogRefused(
            f"The audit log's end was cut off: {gone} of the {len(sealed)} events that were sealed last are not in it. "
            "`manage.py audit_verify` names what is missing, and `manage.py audit_reseal` seals it again as far as no "
            f"anchor holds it. Otherwise: {BACKUP}"
        )


def _holes() -> int:
    """Records that are missing from within the log's last ones."""
    seqs = list(AuditRecord.objects.order_by("-seq").values_list("seq", flat=True)[: 2 * LAST])
    return seqs[0] - seqs[-1] + 1 - len(seqs) if seqs else 0


def refusal() -> str | None:
    """Why the sealer refuses to go on just now, if it does."""
    try:
        check_log()
        check_end()
    except LogRefused as error:
        return str(error)
    return None
