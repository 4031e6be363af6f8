"""The whole shop back from a file."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from orchestrator.backups.errors import BackupError
from orchestrator.backups.restoring import Plan, backup_restore
from shop_assistant.commands import ShopCommand

WORD = "replace"


class Command(ShopCommand):
    help = (
        "Put the shop of a backup in the place of this one. Stop web server and worker first. It is restored beside "
        "the present one, brought to this version and verified there; only then does it take its place. Everybody has "
        "to log in again; whoever was erased since stays erased."
    )
    examples = """\
  manage.py restore shop-monday.zip --dry-run      what would be done
  manage.py restore shop-monday.zip                into an empty place
  manage.py restore shop-monday.zip --replace      in place of the shop that is there; asks first

exit codes: 0 restored, 1 refused, and why: the shop is as it was, 2 wrong usage
"""
    requires_system_checks = ()
    checks_keys = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="although there is a shop in this place")
        parser.add_argument("--yes", action="store_true", help="without asking")
        parser.add_argument("--dry-run", action="store_true", help="check everything, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that nothing half done stays
        began = time.monotonic()
        if not options["file"].exists():
            raise CommandError(f"There is no file {options['file']}.")

        def agree(plan: Plan) -> bool:
            self._tell(plan)
            self.stdout.flush()
            return options["dry_run"] or options["yes"] or plan.replaced.empty or self._ask()

        with tqdm(unit="B", unit_scale=True, disable=None, leave=False, desc="restore") as bar:
            try:
                done = backup_restore(
                    options["file"],
                    replace=options["replace"],
                    agree=agree,
                    dry_run=options["dry_run"],
                    progress=bar.update,
                )
            except BackupError as error:
                raise CommandError(str(error)) from None
        if done:
            self.stdout.write(f"Restored and verified in {time.monotonic() - began:.1f} s. Start the shop again.")
        elif options["dry_run"]:
            self.stdout.write("A dry run: nothing was changed.")
        else:
            raise CommandError("Not restored: the shop is as it was.")

    def _tell(self, plan: Plan) -> None:
        about, present = plan.manifest, plan.replaced
        self.stdout.write(
            f"A backup of {about.shop}, taken {about.created_at:%Y-%m-%d %H:%M:%S} UTC by {about.version}"
        )
        for member in about.members:
            self.stdout.write(f"  {member.name}: {member.bytes / 1e6:.1f} MB")
        self.stdout.write(f"  {about.log_size} records in its trail, {sum(about.counts.values())} rows in all")
        if plan.missing:
            self.stdout.write(
                f"  it will be brought forward by {len(plan.missing)} migrations: {', '.join(plan.missing)}"
            )
        if present.empty:
            self.stdout.write("There is no shop in this place yet.")
        elif present.readable:
            self.stdout.write(f"The shop in this place, with {present.log_size} records in its trail, will be gone.")
        else:
            self.stdout.write("The shop in this place can't be read and will be gone.")
        if plan.anchored > about.log_size:
            self.stdout.write(
                f"The trail's anchor holds {plan.anchored} records, {plan.anchored - about.log_size} more than the "
                "backup: they will be lost. The trail and the anchor's file will both say so, and go on from it."
            )
        if plan.journal:
            self.stdout.write(f"The journal of erasures tells of {len(plan.journal)} keys: they are destroyed again.")
        elif present.empty or not present.readable:
            self.stdout.write(
                f"There is no journal of erasures at {settings.ERASURE_JOURNAL}: if anybody was erased since this "
                "backup, put the shop's own there first (ERASURE_JOURNAL), or erase them again."
            )

    def _ask(self) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is here to be asked: --yes says that you are sure.")
        return input(f"Type {WORD} to go on: ").strip() == WORD
