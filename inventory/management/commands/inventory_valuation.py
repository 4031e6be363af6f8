"""What the stock is worth and what it brought in, for the books."""

import json
from argparse import ArgumentTypeError
from datetime import date
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from inventory.models import Product
from inventory.operations.valuing import period_of
from inventory.selectors import category_get, product_get
from inventory.selectors.statements import Statement, statement
from inventory.valuation import METHODS
from inventory.valuing_presenting import valued_categories, valued_product, valued_whole
from shop_assistant.agents.errors import ClarificationNeeded, NotFound
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.writing import CsvWriter

COLUMNS = (
    "sku", "product_name", "category", "opening_quantity", "opening", "purchases", "cogs", "write_offs", "counts",
    "adjustments", "closing", "closing_quantity", "unit_value", "estimated", "corrections", "sold_quantity", "revenue",
    "cost", "margin", "margin_percent",
)  # fmt: skip
SHOWN = (
    ("opening", "opening value"), ("purchases", "+ purchases"), ("cogs", "- cost of goods sold"),
    ("write_offs", "- write-offs"), ("counts", "± count differences"), ("adjustments", "± adjustments"),
    ("closing", "= closing value"),
)  # fmt: skip


class Command(ShopCommand):
    help = (
        "Value the stock over a period from its movements: opening, purchases, cost of goods sold, write-offs, count "
        "differences and closing, which add up to the cent, and margins by category. Nothing is stored."
    )
    examples = """\
  manage.py inventory_valuation                                    this month up to today
  manage.py inventory_valuation --period 2026-10 --method fifo
  manage.py inventory_valuation --period 2026 --format csv > year.csv    a line for each product
  manage.py inventory_valuation --from 2026-10-01 --to 2026-10-15 --category Widgets --format json

exit codes: 0 well, 1 unknown product or category, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--period", metavar="2026-10", help="a month, or a year (2026); days: --from and --to")
        parser.add_argument("--from", type=_day, dest="first", metavar="DAY", help="first day, such as 2026-10-01")
        parser.add_argument("--to", type=_day, dest="last", metavar="DAY", help="last day, included; left out: today")
        parser.add_argument("--method", choices=METHODS, help="left out: VALUATION_METHOD")
        parser.add_argument("--sku", help="only this product")
        parser.add_argument("--category", help="only this category")
        parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="left out: table")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        try:
            first, last = period_of(options["period"], options["first"], options["last"], today=today)
            products = Product.objects.all() if options["sku"] or options["category"] else None
            if options["sku"]:
                products = Product.objects.filter(pk=product_get(sku=options["sku"]).pk)
            if products is not None and options["category"]:
                products = products.filter(category=category_get(name=options["category"]))
        except NotFound as error:
            raise CommandError(error.message) from None
        except ClarificationNeeded as error:
            raise CommandError(error.message, returncode=2) from None
        found = statement(first=first, last=last, method=options["method"], products=products)
        {"table": self._table, "csv": self._csv, "json": self._json}[options["format"]](found)

    def _table(self, found: Statement) -> None:
        whole = valued_whole(found)
        currency = settings.SHOP_CURRENCY
        self.stdout.write(
            f"{found.first} to {found.last}, {found.method}, {len(found.rows):,} products, {currency}\n\n"
        )
        for name, title in SHOWN:
            self.stdout.write(f"{title:<24}{getattr(whole, name):>16,}")
        if whole.estimated:
            self.stdout.write(f"{'  of it estimated':<24}{whole.estimated:>16,}   no cost was known")
        if whole.corrections:
            self.stdout.write(f"{'  corrections':<24}{whole.corrections:>16,}   sold before it came in")
        self.stdout.write(f"\n{'category':<24}{'revenue':>14}{'cost':>14}{'margin':>14}{'%':>8}{'stock value':>16}")
        for row in [*valued_categories(found), None]:
            told: Any = row or whole
            name = (told.category or "without") if row else "all"
            percent = "-" if told.margin_percent is None else f"{told.margin_percent:.1f}"
            self.stdout.write(
                f"{name[:23]:<24}{told.revenue:>14,}{told.cost:>14,}{told.margin:>14,}{percent:>8}{told.closing:>16,}"
            )

    def _csv(self, found: Statement) -> None:
        target = BytesIO()
        rows = (valued_product(row).model_dump() for row in found.rows)
        CsvWriter(target, COLUMNS).write([[row[name] for name in COLUMNS] for row in rows])
        self.stdout.write(target.getvalue().decode(), ending="")

    def _json(self, found: Statement) -> None:
        document = {
            "method": found.method,
            "first_day": str(found.first),
            "last_day": str(found.last),
            "currency": settings.SHOP_CURRENCY,
            "totals": valued_whole(found).model_dump(mode="json"),
            "categories": [row.model_dump(mode="json") for row in valued_categories(found)],
            "items": [valued_product(row).model_dump(mode="json") for row in found.rows],
        }
        self.stdout.write(json.dumps(document, indent=2))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-10-01") from None
