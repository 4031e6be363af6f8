"""Suppliers, what they offer and what to order, from a file."""

from typing import Any

from django.core.management.base import CommandParser

from orchestrator.importing.command import ImportCommand
from orchestrator.importing.purchasing import purchasing_import
from orchestrator.importing.purchasing_fields import KINDS


class Command(ImportCommand):
    help = (
        "Take over suppliers, their offers (price lists, with breaks by quantity) or drafts of purchase orders from a "
        "CSV or XLSX file; `manage.py export` writes the same tables. New ones are added, known ones changed where the "
        "file tells otherwise; running it again changes nothing. Rows that can't be used go to FILE.rejects.csv with "
        "the reason."
    )
    examples = f"""\
  manage.py import_purchasing suppliers suppliers.csv --dry-run
  manage.py import_purchasing supplier_products prices.xlsx --sheet 2026 --map unit_cost="Net price"
  manage.py import_purchasing purchase_orders order.csv

fields for --map:
{chr(10).join(f"  {what}: {', '.join(fields)}" for what, fields in KINDS.items())}
exit codes: 0 well, 1 rows were rejected or the file was refused, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=tuple(KINDS), help="what the file is a table of")
        self.add_file_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        result = self.run(purchasing_import, options, what=options["what"])
        for note in result.notes:
            self.stdout.write(f"Note: {note}")
        self.tell_outcome(result, dry_run=options["dry_run"])
