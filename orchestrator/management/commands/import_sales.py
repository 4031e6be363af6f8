"""Sales from another shop's file."""

from argparse import ArgumentTypeError
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import CommandError, CommandParser

from orchestrator.importing.command import ImportCommand
from orchestrator.importing.sales import ImportRefused, sales_import
from orchestrator.importing.sales_fields import FIELDS, PRESETS


class Command(ImportCommand):
    help = (
        "Bring in the sales of a CSV or XLSX file, one line a product sold: an orders export of Shopify, WooCommerce "
        "or Square, or any table with a header. Orders, customers, products (marked for review), stock movements and "
        "returns are made of it. Running a file again adds only what is new in it. Lines that can't be used go to "
        "FILE.rejects.csv with the reason."
    )
    examples = f"""\
  manage.py import_sales orders_export.csv --dry-run
  manage.py import_sales orders_export.csv
  manage.py import_sales till.xlsx --map invoice=Bon --map quantity=Menge --map unit_price=Preis
  manage.py import_sales receipts.csv --date-order mdy --timezone America/New_York

fields for --map: {", ".join(FIELDS)};
  needed are quantity, date, sku or description, and unit_price or line_total. FIELD= (nothing) leaves one out
exit codes: 0 well, 1 lines were rejected or the file was refused, 2 wrong usage
"""

    rows = "lines"
    after_failure = "What was stored before is whole; run this again when that is mended."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_file_arguments(parser, PRESETS)
        parser.add_argument("--timezone", type=_zone, help="of times without one, such as Europe/Rome; the shop's")
        parser.add_argument("--date-order", choices=["dmy", "mdy", "ymd"], help="of dates in figures; guessed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.run(sales_import, options, zone=options["timezone"], date_order=options["date_order"])
        except ImportRefused as error:
            raise CommandError(str(error), returncode=1) from None
        for note in result.told():
            self.stdout.write(note)
        self.tell_outcome(result, dry_run=options["dry_run"])


def _zone(text: str) -> ZoneInfo:
    if text not in available_timezones():
        raise ArgumentTypeError("takes a time zone such as Europe/Rome")
    return ZoneInfo(text)
