"""Forecast every product's demand and store what comes out; workers do so every night."""

import sys
import time
from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from tqdm import tqdm

from inventory.models import ForecastRun, Product
from inventory.selectors import products_get
from inventory.services import (
    chunk_forecast,
    chunks_waiting,
    forecasts_refresh,
    forecasts_tell,
    run_plan,
    runs_finish,
    targets_refresh,
)
from shop_assistant.agents.errors import NotFound
from shop_assistant.commands import ShopCommand

WAIT = 1.0
"""seconds between two looks at what workers do"""


class Command(ShopCommand):
    help = (
        "Forecast demand from the orders, and compute the reorder points from it. A stored forecast answers for any "
        "number of days. The worker does this every night by itself."
    )
    examples = """\
  manage.py inventory_forecast                     every active product with sales
  manage.py inventory_forecast --sku SKU001 SKU002

exit codes: 0 done (products without enough history are left out), 1 unknown SKU, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sku", nargs="+", default=[], help="only these products")

    def handle(self, *args: Any, **options: Any) -> None:
        looked_at, made, targets = self._some(options["sku"]) if options["sku"] else self._all()
        self.stdout.write(
            f"{made} of {looked_at} products forecast, {looked_at - made} with too little history; "
            f"{targets} reorder points computed."
        )

    def _all(self) -> tuple[int, int, int]:
        """In this process, though workers may take chunks of it, too."""
        today = timezone.localdate()
        last = today - timedelta(days=1)
        with transaction.atomic():
            ForecastRun.objects.filter(made_on=last).delete()
            chunks = run_plan(today=today)
        with tqdm(total=len(chunks), unit=" chunks", disable=not sys.stderr.isatty(), leave=False) as bar:
            for chunk in chunks:
                chunk_forecast(chunk_id=chunk.pk)
                bar.update()
        run = self._ended(last)
        return run.products, run.forecasts, run.reorder_points

    def _ended(self, last: date) -> ForecastRun:
        """The run, when all its chunks are done: those that workers have, too, and a dead one's when its lease ends."""
        while True:
            runs_finish()
            run = ForecastRun.objects.filter(made_on=last).first()
            if run is None:
                raise CommandError("Another one began the forecasts again meanwhile: nothing is left to do here.")
            if run.finished_at is not None:
                return run
            time.sleep(WAIT)
            for chunk_id in chunks_waiting():
                chunk_forecast(chunk_id=chunk_id)

    def _some(self, skus: list[str]) -> tuple[int, int, int]:
        today = timezone.localdate()
        products = self._named(skus)
        made = forecasts_refresh(products=products, today=today)
        with transaction.atomic():
            targets = targets_refresh(today=today)
            forecasts_tell(made_on=today - timedelta(days=1), forecasts=made, targets=targets)
        return len(products), made, targets

    def _named(self, skus: list[str]) -> list[Product]:
        try:
            return list(dict.fromkeys(products_get(skus=skus).values()))
        except NotFound as error:
            raise CommandError(f"{error.message}; nearest: {', '.join(error.details['available_skus'])}") from None
