"""The journal of erasures: a file outside the database, by which a backup restored later is told what to erase again.

A line a destroyed key: when, its fingerprint, and the event that tells of it in the trail. A fingerprint is a hash of a
random key, so the file names nobody, not even by an id, and needs no key to be kept safe.
"""

import os
import re
from collections.abc import Iterable
from datetime import datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from uuid import UUID

from django.conf import settings

from shop_assistant.agents.fields import iso_utc

LINE = re.compile(r"erased (\S+) ([0-9a-f]{32}) \S+")


def journal_append(fingerprints: Iterable[str], *, erased_at: datetime, event_id: UUID) -> None:
    """Add what was erased; on the disk when this returns.

    :raises OSError: when it can't be written; nothing is lost by trying again.
    """
    path = Path(settings.ERASURE_JOURNAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"erased {iso_utc(erased_at)} {told} {event_id}\n" for told in fingerprints)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640), "rb+") as file:
        flock(file, LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        torn = size and os.pread(file.fileno(), 1, size - 1) != b"\n"  # a writer that died, or a full disk
        file.write((("\n" if torn else "") + text).encode())
        file.flush()
        os.fsync(file.fileno())


def journal_read() -> set[str]:
    """The fingerprints of all keys that were ever destroyed; none where there is no journal.

    :raises OSError: when it is there and can't be read.
    """
    try:
        text = Path(settings.ERASURE_JOURNAL).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return set()
    return {found[2] for line in text.splitlines() if (found := LINE.fullmatch(line))}
