"""A count sheet that was filled in as a file."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator.importing.command import ImportCommand
from orchestrator.importing.counts import FIELDS, CountsImported, counts_import
from shop_assistant.accounts.models import User


class Command(ImportCommand):
    help = (
        "Enter what was counted from a CSV or XLSX file: a count sheet taken out by `export counts` and filled in, or "
        "any table with a SKU and a count. Rows left empty are not counted; running a file again changes nothing. A "
        "figure that is there already is only replaced where the column `replaces` names it, as the export does. Rows "
        "that can't be used go to FILE.rejects.csv with the reason."
    )
    examples = f"""\
  manage.py export counts --count CS-000001 --output sheet.xlsx
  manage.py import_counts sheet.xlsx --user clerk --dry-run
  manage.py import_counts sheet.xlsx --user clerk
  manage.py import_counts scanner.csv --count CS-000001 --map counted=Menge

fields for --map: {", ".join(FIELDS)}; needed are sku, and counted or serials
exit codes: 0 well, 1 rows were rejected or the file was refused, 2 wrong usage
"""

    after_failure = "What was entered before is whole; run this again when that is mended."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_file_arguments(parser, ("counts",))
        parser.add_argument("--count", metavar="SHEET", help="the count sheet; left out: the file's column says so")
        parser.add_argument("--user", metavar="USERNAME", help="who counted; left out: this machine's `system`")

    def handle(self, *args: Any, **options: Any) -> None:
        result = self.run(_imported, options, count=options["count"], user=_user(options["user"]))
        for note in result.notes:
            self.stdout.write(f"Note: {note}")
        if result.sheets:
            self.stdout.write(f"Count sheets: {', '.join(result.sheets)}")
        if options["dry_run"]:
            for entry in result.preview:
                self.stdout.write(f"  {entry}")
        self.tell_outcome(result, dry_run=options["dry_run"])


def _user(username: str | None) -> User | None:
    if username is None:
        return None
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no user {username}.")
    return found


def _imported(*, user_id: str, preset: str | None, **options: Any) -> CountsImported:
    """What the shared command hands in, without what counts have no use for."""
    return counts_import(**options)
