"""Sales from another shop's file."""

import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from tqdm import tqdm

from orchestrator.importing.sales import Imported, ImportRefused, sales_import
from orchestrator.importing.sales_fields import FIELDS, PRESETS
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.headers import MappingError, parsed
from shop_assistant.tables.reading import TableError

SHOWN = 10


class Command(ShopCommand):
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

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, .csv.gz, TSV or XLSX")
        parser.add_argument("--preset", choices=sorted(PRESETS), help="what the file is; guessed from its header")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=HEADER", help="which column a field is; repeatable"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be added, write nothing")
        parser.add_argument("--timezone", type=_zone, help="of times without one, such as Europe/Rome; the shop's")
        parser.add_argument("--date-order", choices=["dmy", "mdy", "ymd"], help="of dates in figures; guessed")
        parser.add_argument("--rejects", type=Path, metavar="PATH", help="where rejected lines go")
        parser.add_argument("--encoding", help="of a text file, such as cp1252; guessed")
        parser.add_argument(
            "--delimiter", type=_delimiter, help="between the cells of a text file, such as ';'; guessed"
        )
        parser.add_argument("--sheet", help="of a workbook; the first one with a table")

    def handle(self, *args: Any, **options: Any) -> None:
        bar: tqdm[Any] = tqdm(disable=None if sys.stderr.isatty() else True, unit=" lines", file=sys.stderr)

        def progress(stage: str, done: int, total: int) -> None:
            bar.set_description(stage, refresh=False)
            bar.total, bar.n = total, done
            bar.refresh()

        try:
            result = sales_import(
                path=options["file"],
                user_id=SYSTEM_USER_ID,
                preset=options["preset"],
                mapping=parsed(options["map"]),
                zone=options["timezone"],
                date_order=options["date_order"],
                encoding=options["encoding"],
                delimiter=options["delimiter"],
                sheet=options["sheet"],
                dry_run=options["dry_run"],
                rejects=options["rejects"],
                progress=progress,
            )
        except MappingError as error:
            raise CommandError(str(error), returncode=2) from None
        except TableError as error:
            raise CommandError(f"{error} Nothing was changed.", returncode=1) from None
        except ImportRefused as error:
            raise CommandError(str(error), returncode=1) from None
        except DatabaseError as error:
            told = str(error).partition("\n")[0]  # what follows may quote the row
            raise CommandError(
                f"The database refused it ({told}). What was stored before is whole; run this again.", returncode=1
            ) from None
        except OSError as error:
            raise CommandError(
                f"{error.strerror or error}. Run this again when that is mended.", returncode=1
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was stored is whole: run this again.", returncode=1) from None
        finally:
            bar.close()
        self._tell(result)
        if result.rejected:
            sys.exit(1)

    def _tell(self, result: Imported) -> None:
        for note in result.told():
            self.stdout.write(note)
        for line, reason in result.first_rejects[:SHOWN]:
            self.stdout.write(f"Rejected: line {line} {reason}")
        if result.rejected > SHOWN:
            self.stdout.write(f"… and {result.rejected - SHOWN:,} more")
        if result.rejects_path:
            self.stdout.write(f"Rejected lines, with the reason: {result.rejects_path}")
        if result.dry_run:
            self.stdout.write("Dry run: nothing was changed.")
        self.stdout.write(result.summary)


def _zone(text: str) -> ZoneInfo:
    if text not in available_timezones():
        raise ArgumentTypeError("takes a time zone such as Europe/Rome")
    return ZoneInfo(text)


def _delimiter(text: str) -> str:
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(text) != 1:
        raise ArgumentTypeError('takes one sign, such as ";" or tab')
    return text
