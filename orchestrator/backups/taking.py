"""Taking a backup while the shop goes on."""

import sqlite3
from pathlib import Path

import psycopg

from audit import events
from audit.services import event_record
from shop_assistant.accounts.models import SYSTEM_USER_ID

from .archive import new_archive
from .errors import BackupError
from .manifest import Manifest, describe
from .postgres import Progress
from .snapshots import snapshots


def backup_take(path: Path, *, progress: Progress) -> Manifest:
    """Write the shop as it is at this moment to a new file, and tell the trail.

    :raises BackupError: and then no file is left.
    """
    path = path.absolute()
    try:
        with new_archive(path) as archive, snapshots() as views:
            about = describe(views)
            members = [archive.add(view, progress) for view in views]
            manifest = Manifest(members=members, **about).signed()
            archive.close(manifest)
    except (psycopg.Error, sqlite3.Error) as error:
        raise BackupError(f"The database can't be copied: {str(error).strip().splitlines()[0]}") from None
    event_record(
        events.BACKUP_TAKEN,
        user_id=SYSTEM_USER_ID,
        bytes=path.stat().st_size,
        log_size=manifest.log_size,
        log_chain=manifest.log_chain,
        checksums={member.name: member.sha256 for member in members},
    )
    return manifest
