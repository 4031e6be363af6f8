"""Sales files for tests, and what must hold of the shop after any import."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Min, Sum

from inventory.models import Order, OrderReturn, StockLevel, StockMovement
from orchestrator.importing.sales import Imported, sales_import

HEADER = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")
USER = "USER-TEST"


def line(
    invoice: str = "1001",
    sku: str = "W1",
    quantity: int | str = 1,
    date: str = "2010-03-01 10:00",
    price: str = "2.50",
    customer: str = "",
    text: str = "Widget",
    country: str = "",
) -> tuple[Any, ...]:
    return invoice, sku, text, quantity, date, price, customer, country


def written(path: Path, rows: Iterable[Sequence[Any]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def run(path: Path, rows: Iterable[Sequence[Any]], header: Sequence[str] = HEADER, **options: Any) -> Imported:
    """Write a file and import it."""
    return sales_import(path=written(path, rows, header), user_id=USER, **options)


def figures(result: Imported) -> tuple[int, int, int, int]:
    return result.read, result.added, result.unchanged, result.rejected


def sums() -> tuple[Decimal, Decimal]:
    """Of all orders and all returns."""
    orders, returns = (
        Decimal(model.objects.aggregate(sum=Sum("total"))["sum"] or 0).quantize(Decimal("0.01"))
        for model in (Order, OrderReturn)
    )
    return orders, returns


def stock_is_sound() -> bool:
    """Levels are the sums of their movements, and at no moment was a balance below zero."""
    running: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    rows = StockMovement.objects.order_by("occurred_at", "pk").values_list("product", "location", "quantity", "kind")
    for product, location, quantity, _ in rows:
        running[product, location] += quantity
        if running[product, location] < 0:
            return False
    levels = {(row.product_id, row.location_id): row.on_hand for row in StockLevel.objects.all()}
    lowest = StockMovement.objects.aggregate(lowest=Min("balance"))["lowest"]
    return dict(running) == {place: levels[place] for place in running} and (lowest is None or lowest >= 0)


def on_hand(sku: str) -> Decimal:
    return StockLevel.objects.filter(product__sku=sku).aggregate(sum=Sum("on_hand"))["sum"] or Decimal(0)
