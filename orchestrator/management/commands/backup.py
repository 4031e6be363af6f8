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
        "the audit signing key, for without it the restored trail's checkpoints can't be verified."
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
        self.stdout.write(
            f"{path}: {path.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.1f} s, "
            f"{manifest.log_size} records in its trail. Keys it needs: LOOKUP_KEY {manifest.lookup_key}"
            + "".join(f", {key} {told}" for key, told in manifest.encryption_keys.items())
        )
