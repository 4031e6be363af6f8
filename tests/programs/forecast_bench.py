"""A night's forecasts by two workers, on the database of its environment: `forecast_bench.py PRODUCTS`.

tests/benchmarks/forecast.py runs it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import django
import numpy as np

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from inventory.models import (  # noqa: E402
    Category,
    Forecast,
    ForecastRun,
    Location,
    Order,
    OrderLine,
    Product,
    StockLevel,
    StockMovement,
    Warehouse,
)
from inventory.selectors import day_start, forecast_get  # noqa: E402
from orchestrator.importing.sales_rows import LINE, MOVEMENT, ORDER  # noqa: E402
from shop_assistant.bulk import keys_reserve, rows_insert  # noqa: E402

ROOT = Path(__file__).parents[2]
DAYS = 364
LINES_A_PRODUCT = 30
LINES_AN_ORDER = 10
WORKERS = 2
LONGEST = 1800
PRICE, ZERO = Decimal(5), Decimal(0)


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def catalogue(count: int) -> list[int]:
    category = Category.objects.create(name="Everything")
    rows = [
        Product(sku=f"S{number:06d}", name=f"Product {number}", list_price=PRICE, category=category)
        for number in range(count)
    ]
    for begin in range(0, count, 5000):
        with transaction.atomic():
            Product.objects.create_all(rows[begin : begin + 5000])
    return list(Product.objects.order_by("pk").values_list("pk", flat=True))


def sales(keys: list[int], today: date, place: Location) -> None:
    """A year of orders: some products sell every other day, most a few times a year."""
    chance = np.random.default_rng(5)
    share = chance.lognormal(0, 1.2, len(keys))
    share /= share.sum()
    a_day = len(keys) * LINES_A_PRODUCT // DAYS
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        if day.weekday() == 6:
            continue
        chosen = chance.choice(len(keys), a_day, p=share)
        sizes = 1 + chance.geometric(0.5, a_day)
        with transaction.atomic():
            store_day(day_start(day) + timedelta(hours=12), [keys[i] for i in chosen], sizes.tolist(), place)


def store_day(moment: datetime, products: list[int], sizes: list[int], place: Location) -> None:
    orders = keys_reserve(Order, -(-len(products) // LINES_AN_ORDER))
    lines = keys_reserve(OrderLine, len(products))
    rows_insert(Order, ORDER, (order_row(key, moment) for key in orders))
    rows_insert(OrderLine, LINE, line_rows(lines, orders, products, sizes, place))
    rows_insert(StockMovement, MOVEMENT, movement_rows(moment, products, sizes, place))


def order_row(key: int, moment: datetime) -> list[Any]:
    whole = PRICE * LINES_AN_ORDER
    return [key, f"S-{key}", "shop", moment, "GBP", whole, ZERO, ZERO, ZERO, whole, "cash", "", "U"]


def line_rows(keys: Any, orders: Any, products: list[int], sizes: list[int], place: Location) -> Iterator[list[Any]]:
    for at, (key, product, size) in enumerate(zip(keys, products, sizes, strict=True)):
        order, number = orders[at // LINES_AN_ORDER], at % LINES_AN_ORDER + 1
        money = PRICE * size
        yield [key, order, number, product, place.pk, Decimal(size), PRICE, PRICE, None, ZERO, ZERO, money, ""]


def movement_rows(moment: datetime, products: list[int], sizes: list[int], place: Location) -> Iterator[list[Any]]:
    for product, size in zip(products, sizes, strict=True):
        yield [product, place.pk, "sale", -Decimal(size), ZERO, PRICE, None, "", "", "U", moment, False]


def run_by_workers(today: date) -> float:
    """Seconds from the start of the workers to the end of the run."""
    began = time.perf_counter()
    workers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(WORKERS)
    ]
    try:
        while time.perf_counter() - began < LONGEST:
            run = ForecastRun.objects.filter(made_on=today - timedelta(days=1)).first()
            if run and run.finished_at:
                return time.perf_counter() - began
            if any(worker.poll() is not None for worker in workers):
                raise SystemExit("a worker ended")
            time.sleep(0.5)
        raise SystemExit(f"not done within {LONGEST} s")
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def main() -> None:
    count = int(sys.argv[1])
    call_command("migrate", verbosity=0, stdout=StringIO())
    warehouse = Warehouse.objects.create(code="MAIN", name="Main")
    place = Location.objects.create(code="A-01", warehouse=warehouse)
    today = timezone.localdate()
    say(f"making {count} products and a year of sales")
    keys = catalogue(count)
    StockLevel.objects.bulk_create(
        (StockLevel(product_id=key, location=place, on_hand=100) for key in keys), batch_size=5000
    )
    sales(keys, today, place)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    say(f"{OrderLine.objects.count()} order lines; forecasting with {WORKERS} workers")
    seconds = run_by_workers(today)
    run = ForecastRun.objects.get()
    product = Product.objects.get(pk=Forecast.objects.earliest("pk").product_id)
    with CaptureQueriesContext(connection) as read:
        forecast_get(product=product, today=today)
    print(
        json.dumps(
            {
                "products": count,
                "lines": OrderLine.objects.count(),
                "seconds": round(seconds, 1),
                "forecasts": run.forecasts,
                "read_queries": len(read),
            }
        )
    )


if __name__ == "__main__":
    main()
