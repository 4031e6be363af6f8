"""The whole shop into one file."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from orchestrator.backups.errors import BackupError
from orchestrator.backups.taking import backup_take
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Write everything the shop knows to one new file, the audit trail included, while it goes on. The keys are not "
        "in it: keep ENCRYPTION_KEYS and LOOKUP_KEY somewhere else, for without them the backup can't be restored, and "
        "the audit signing key: without its public part at least the restored trail can't be verified, and is refused."
    )
    examples = """\
  manage.py backup shop-monday.zip
  manage.py backup /backups/shop-$(date +%F).zip

exit codes: 0 the file is there and whole, 1 no file was made, and why, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a new file; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that nothing half done stays
        path, began = options["file"], time.monotonic()
        with tqdm(unit="B", unit_scale=True, disable=None, leave=False, desc="backup") as bar:
            try:
                manifest = backup_take(path, progress=bar.update)
            except BackupError as error:
                raise CommandError(str(error)) from None
        keys = [f"LOOKUP_KEY {manifest.lookup_key}"]
        keys += [f"ENCRYPTION_KEYS {key} {told}" for key, told in manifest.encryption_keys.items()]
        keys += [f"AUDIT_SIGNING_KEY {key}" for key in manifest.signing_keys[-1:]]
        self.stdout.write(
            f"{path}: {path.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.1f} s, "
            f"{manifest.log_size} records in its trail. Keys it needs: {', '.join(keys)}"
        )
