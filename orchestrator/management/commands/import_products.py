"""Products from another shop's file."""

from typing import Any

from django.core.management.base import CommandParser

from orchestrator.importing.command import ImportCommand
from orchestrator.importing.products import PRESETS, products_import


class Command(ImportCommand):
    help = (
        "Take over the products of a CSV or XLSX file: an export of Shopify, WooCommerce or Square, or any table with "
        "a header. New ones are added, known ones (by SKU) changed where the file tells otherwise; running it again "
        "changes nothing. Rows that can't be used go to FILE.rejects.csv with the reason. Stock is taken over for "
        "products that have not moved yet."
    )
    examples = """\
  manage.py import_products products_export.csv --dry-run
  manage.py import_products products_export.csv
  manage.py import_products list.xlsx --sheet Stock --map sku=Article --map list_price="Price incl. VAT"
  manage.py import_products prices.csv --delimiter ";" --encoding cp1252
  manage.py import_products count.csv --set-stock       after a count: the file's stock counts

fields for --map: sku, name, barcode, category, supplier, unit, cost, list_price, tax_rate, active, stock, location, id
exit codes: 0 well, 1 rows were rejected or the file was refused, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_file_arguments(parser, PRESETS)
        parser.add_argument("--set-stock", action="store_true", help="take the file's stock for every product in it")

    def handle(self, *args: Any, **options: Any) -> None:
        result = self.run(products_import, options, set_stock=options["set_stock"])
        self.stdout.write(f"Read as: {result.preset}")
        for note in result.notes:
            self.stdout.write(f"Note: {note}")
        if options["dry_run"]:
            for change in result.preview:
                self.stdout.write(f"  {change}")
            more = result.added + result.changed - len(result.preview)
            if more > 0:
                self.stdout.write(f"  … and {more:,} more")
        self.tell_outcome(result, dry_run=options["dry_run"])
