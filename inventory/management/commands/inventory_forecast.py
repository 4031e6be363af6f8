"""Forecast every product's demand and store what comes out; meant for every night."""

from argparse import ArgumentTypeError
from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from audit.services import event_record
from inventory.models import OrderLine, Product
from inventory.selectors import HISTORY_DAYS, HORIZON_DAYS, day_start, open_days, products_get
from inventory.services import forecast_refresh, targets_refresh
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.agents.errors import NotFound
from shop_assistant.commands import ShopCommand

REPORT_EVERY = 50


class Command(ShopCommand):
    help = "Forecast demand from the orders, and compute the reorder points from it."
    examples = """\
  manage.py inventory_forecast                     every active product with sales, 28 days ahead
  manage.py inventory_forecast --horizon 7         7 days ahead
  manage.py inventory_forecast --sku SKU001 SKU002

exit codes: 0 done (products without enough history are left out), 1 unknown SKU, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--horizon", type=_horizon, default=HORIZON_DAYS, help="days ahead, 1 to 365 (28)")
        parser.add_argument("--sku", nargs="+", default=[], help="only these products")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        products = self._products(options["sku"], today)
        shop_days = open_days(since=today - timedelta(days=HISTORY_DAYS), until=today - timedelta(days=1))
        made = 0
        for number, product in enumerate(products, start=1):
            with transaction.atomic():
                stored = forecast_refresh(
                    product=product, today=today, horizon_days=options["horizon"], shop_days=shop_days
                )
            made += stored is not None
            if number % REPORT_EVERY == 0:
                self.stdout.write(f"{number} of {len(products)}")
        with transaction.atomic():
            targets = targets_refresh(today=today)
            event_record(
                "FORECASTS_MADE",
                user_id=SYSTEM_USER_ID,
                made_on=str(today),
                horizon_days=options["horizon"],
                products=made,
                reorder_points=targets,
            )
        self.stdout.write(
            f"{made} of {len(products)} products forecast {options['horizon']} days ahead, "
            f"{len(products) - made} with too little history; {targets} reorder points computed."
        )

    def _products(self, skus: list[str], today: date) -> list[Product]:
        if skus:
            try:
                return list(dict.fromkeys(products_get(skus=skus).values()))
            except NotFound as error:
                raise CommandError(f"{error.message}; nearest: {', '.join(error.details['available_skus'])}") from None
        since = day_start(today - timedelta(days=HISTORY_DAYS))
        sold = OrderLine.objects.filter(product=OuterRef("pk"), order__occurred_at__gte=since)
        return list(Product.objects.filter(Exists(sold), active=True).order_by("pk"))


def _horizon(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 365:
        raise ArgumentTypeError("takes a whole number of days from 1 to 365")
    return int(text)
