"""The log's end back, from the outbox."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit.resealing import lost_find, lost_seal
from audit.standing import LogRefused
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Seal again the events that were sealed and are gone from the end of the log, after a crash of the audit "
        "database or a cut, as far as no anchor held them yet. The trail records it. What an anchor held is not made "
        "again: for that the audit database must be restored."
    )
    examples = """\
  manage.py audit_reseal --dry-run     how many, and nothing is changed
  manage.py audit_reseal

exit codes: 0 nothing is missing, or it was sealed again, 1 refused, and why, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lost = lost_find()
            if not lost.pks:
                self.stdout.write(f"{lost.size} records, and no sealed event is missing among them.")
                return
            self.stdout.write(
                f"The log ends with record {lost.size}; {len(lost.pks)} sealed events are missing after it."
            )
            if options["dry_run"]:
                self.stdout.write("A dry run: nothing was changed.")
                return
            added = lost_seal(lost)
        except LogRefused as error:
            raise CommandError(f"Refused. {error}") from None
        self.stdout.write(f"Sealed again: the log has {lost.size + added} records, and tells of this.")
