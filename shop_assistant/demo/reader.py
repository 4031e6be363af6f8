"""A real year of 300 products, read from this folder and moved so that it ends on a day of choice.

Pure: no Django, no database. What the rows are and what was left out of them: ATTRIBUTION.md.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parent
FIRST_DAY = date(2009, 12, 1)
LAST_DAY = date(2010, 12, 9)
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class DemoProduct:
    sku: str
    name: str
    category: str
    demand: str
    """fast, regular, seasonal or intermittent."""
    list_price: Decimal
    """The price most of its lines were sold at."""
    assumed_cost: Decimal
    """55 % of the list price: an assumption, the source has no costs."""


@dataclass(frozen=True, slots=True)
class DemoLine:
    sku: str
    quantity: int
    """Pieces, positive in returns too."""
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class DemoInvoice:
    """A sale, or the return of pieces of one earlier sale. No two of its lines share both SKU and price."""

    number: str
    """The source's. A return has the number of a cancellation, which may return pieces of several sales."""
    time: datetime
    """Aware; the clock time in the shop that the source gives."""
    customer: int | None
    """The source's number for a customer; None for an anonymous sale."""
    returns: str | None
    """The number of the sale that these pieces came from. It came earlier, sold them at the same price to the same
    customer, and no piece is returned twice."""
    lines: tuple[DemoLine, ...]


def products() -> list[DemoProduct]:
    """All products, by SKU."""
    with (FOLDER / "products.csv").open(newline="", encoding="utf-8") as file:
        return [
            DemoProduct(
                row["sku"],
                row["name"],
                row["category"],
                row["demand"],
                Decimal(row["list_price"]),
                Decimal(row["assumed_cost"]),
            )
            for row in csv.DictReader(file)
        ]


def year_ending(yesterday: date, zone: ZoneInfo = LONDON) -> Iterator[DemoInvoice]:
    """The invoices in order of time, moved by whole weeks so that the period covered ends with `yesterday`.

    Days of the week stay what they were. To make both hold, up to six days are cut off at the end; between 52 and 53
    weeks are left. The shop of the source was closed on Saturdays, so a period that ends with one has its last
    invoice on the Friday.

    :param zone: the shop's time zone. Clock times are the source's, whatever the zone.
    """
    last_day = LAST_DAY - timedelta(days=(LAST_DAY - yesterday).days % 7)
    shift = yesterday - last_day
    with gzip.open(FOLDER / "invoices.csv.gz", "rt", newline="", encoding="utf-8") as file:
        for (number, returns), rows in groupby(_rows_until(last_day, file), key=lambda row: (row[0], row[6])):
            lines = list(rows)
            time = datetime.fromisoformat(lines[0][2]) + shift
            yield DemoInvoice(
                number=number,
                time=time.replace(tzinfo=zone),
                customer=int(lines[0][5]) if lines[0][5] else None,
                returns=returns or None,
                lines=tuple(DemoLine(sku, int(pieces), Decimal(price)) for _, sku, _, pieces, price, _, _ in lines),
            )


def _rows_until(last_day: date, file: Iterable[str]) -> Iterator[list[str]]:
    rows = csv.reader(file)
    next(rows)
    end = (last_day + timedelta(days=1)).isoformat()
    for row in rows:
        if row[2] >= end:
            return
        yield row
