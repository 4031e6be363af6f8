"""Products from another shop's file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from tqdm import tqdm

from orchestrator.importing.products import PRESETS, Imported, products_import
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.headers import MappingError, parsed
from shop_assistant.tables.reading import TableError

SHOWN = 10


class Command(ShopCommand):
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
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, .csv.gz, TSV or XLSX")
        parser.add_argument("--preset", choices=sorted(PRESETS), help="what the file is; guessed from its header")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=HEADER", help="which column a field is; repeatable"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change, write nothing")
        parser.add_argument("--set-stock", action="store_true", help="take the file's stock for every product in it")
        parser.add_argument("--rejects", type=Path, metavar="PATH", help="where rejected rows go")
        parser.add_argument("--encoding", help="of a text file, such as cp1252; guessed")
        parser.add_argument("--delimiter", help="between the cells of a text file, such as ';'; guessed")
        parser.add_argument("--sheet", help="of a workbook; the first one with a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.", returncode=2)
        bar: tqdm[Any] = tqdm(disable=None if sys.stderr.isatty() else True, unit=" rows", file=sys.stderr)

        def progress(stage: str, done: int, total: int) -> None:
            bar.set_description(stage, refresh=False)
            bar.total, bar.n = total, done
            bar.refresh()

        try:
            result = products_import(
                path=options["file"],
                user_id=SYSTEM_USER_ID,
                preset=options["preset"],
                mapping=parsed(options["map"]),
                dry_run=options["dry_run"],
                rejects=options["rejects"],
                set_stock=options["set_stock"],
                encoding=options["encoding"],
                delimiter=_delimiter(options["delimiter"]),
                sheet=options["sheet"],
                progress=progress,
            )
        except MappingError as error:
            raise CommandError(str(error), returncode=2) from None
        except TableError as error:
            raise CommandError(f"{error} Nothing was changed.", returncode=1) from None
        except DatabaseError as error:
            raise CommandError(f"The database refused it ({error}). Nothing was changed.", returncode=1) from None
        except OSError as error:
            raise CommandError(f"{error.strerror or error}. Nothing was changed.", returncode=1) from None
        finally:
            bar.close()
        self._tell(result, dry_run=options["dry_run"])
        if result.rejected:
            sys.exit(1)

    def _tell(self, result: Imported, *, dry_run: bool) -> None:
        self.stdout.write(f"Read as: {result.preset}")
        for note in result.notes:
            self.stdout.write(f"Note: {note}")
        if dry_run:
            for change in result.preview:
                self.stdout.write(f"  {change}")
            more = result.added + result.changed - len(result.preview)
            if more > 0:
                self.stdout.write(f"  … and {more:,} more")
        for line, reason in result.first_rejects[:SHOWN]:
            self.stdout.write(f"Rejected line {line}: {reason}")
        if result.rejected > SHOWN:
            self.stdout.write(f"… and {result.rejected - SHOWN:,} more")
        if result.rejects_path:
            self.stdout.write(f"Rejected rows, with the reason: {result.rejects_path}")
        if dry_run:
            self.stdout.write("Dry run: nothing was changed.")
        self.stdout.write(result.summary)


def _delimiter(text: str | None) -> str | None:
    if text is None:
        return None
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(text) != 1:
        raise CommandError('--delimiter wants one sign, such as ";" or tab.', returncode=2)
    return text
