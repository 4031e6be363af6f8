"""What becomes of the anchor's file when an older log takes the place of the one that it holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from audit.anchors import AnchorError, Held, file_anchor, latest
from audit.sealing import lock
from audit.standing import LogRefused, check_log
from audit.tiles import extend, log_size, root_at

from .errors import BackupError


class Again(NamedTuple):
    """The restored log is not the one that the anchor holds: it is shorter, or another."""

    held: Held
    now: Held


def anchored_size() -> int:
    """Records that the anchor's file holds.

    :raises BackupError: when it can't be relied on: then nobody could tell what the backup lacks.
    """
    file = file_anchor()
    try:
        held = file.held() if file else None
    except (AnchorError, ImproperlyConfigured) as error:
        raise BackupError(str(error)) from None
    return held.size if held else 0


def beginning_again() -> Again | None:
    """How the anchor must begin again for the restored log; None where the log goes on from what it holds.

    :raises BackupError:
    """
    with transaction.atomic(using=settings.AUDIT_DATABASE):
        lock()
        extend()  # a backup of an older version has no tiles yet
    try:
        held = None if _goes_on() else latest()
    except (AnchorError, ImproperlyConfigured) as error:
        raise BackupError(str(error)) from None
    return Again(held, Held(log_size(), root_at(log_size()))) if held else None


def _goes_on() -> bool:
    try:
        check_log()
    except LogRefused:
        return False
    return True


@contextmanager
def anchor_follows(again: Again | None) -> Iterator[None]:
    """The anchor's file tells, signed, that the log goes on from the restored state; taken back where the block fails.

    :raises BackupError:
    """
    file = file_anchor()
    if again is None or file is None:
        yield
        return
    try:
        file.begin_again(again.held, again.now)
        if file.held() != again.now:
            raise AnchorError("The backup's trail is not the one that its own receipts of anchors tell of.")
    except (AnchorError, ImproperlyConfigured) as error:
        raise BackupError(str(error)) from None
    try:
        yield
    except BaseException:
        file.begin_again(again.now, again.held)
        raise
