"""What a product's page draws and says of its demand: read once, from the ledger and the forecast."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from audit.admin_columns import neat
from inventory.analysis import days_of_cover, stock_out_day
from inventory.forecasting import MIN_DAYS, Abstained, quantile_of_sum, too_little
from inventory.models import Forecast, Product, PurchaseOrderLine
from inventory.selectors import (
    HISTORY_DAYS,
    Stock,
    StockHistory,
    daily_demand,
    forecast_make,
    missing_of,
    stock_histories,
)

from .product_chart import WEEK, Arrival, Picture, Range

WEEKS, AHEAD = 26, 13
"""drawn before and after today"""
LOW, HIGH = 0.05, 0.95
"""levels of the ends of the 90 % interval"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    picture: Picture
    made: Forecast | Abstained
    sold: Decimal
    """units in the weeks drawn"""
    cover: float | None
    """days that what is available lasts; None: no end is in sight, or there is no forecast"""


def outlook_of(
    product: Product, stock: Stock, on_order: Sequence[PurchaseOrderLine], point: Decimal | None, *, today: date
) -> Outlook:
    """Six queries where a forecast is stored, up to seven more where it is made now."""
    since, history_since = today - timedelta(weeks=WEEKS), today - timedelta(days=HISTORY_DAYS)
    known = daily_demand(product=product, since=history_since, until=today - timedelta(days=1))
    units = {day: quantity for day, quantity in known.items() if day >= since}
    made = _made(product, known, today)
    daily = [max(float(each), 0.0) for each in made.daily] if isinstance(made, Forecast) else []
    available = float(stock.available)
    day = stock_out_day(available, daily) if daily else None
    history = {} if stock.parts else stock_histories([product.pk], since=since)
    picture = Picture(
        today=today,
        sold=_by_week(units, since),
        expected=_weeks(made, daily) if isinstance(made, Forecast) else (),
        stock=() if stock.parts else _by_day(stock, history.get(product.pk), since, today),
        left=_left(made, daily, available) if isinstance(made, Forecast) and not stock.parts else (),
        point=None if point is None else float(point),
        arrivals=[arrival for line in on_order if (arrival := _arrival(line, today))],
        runs_out=None if day is None else today + timedelta(days=day),
    )
    return Outlook(
        picture=picture,
        made=made,
        sold=sum(units.values(), Decimal(0)),
        cover=days_of_cover(available, sum(daily) / len(daily)) if daily else None,
    )


def _made(product: Product, units: dict[date, Decimal], today: date) -> Forecast | Abstained:
    """As `forecast_get`, but a refusal that the product's own days tell already costs nothing more."""
    stored = Forecast.objects.filter(product=product, made_on=today - timedelta(days=1)).first()
    if stored is not None:
        return stored
    days = (today - min(units)).days if units else 0
    sale_days = sum(quantity > 0 for quantity in units.values())
    by_analogy = product.category_id and 0 < days < MIN_DAYS
    if (reasons := too_little(days, sale_days)) and not by_analogy:
        return Abstained(days, sale_days, float(sum(units.values(), Decimal(0))), reasons)
    return forecast_make(product=product, today=today)


def _by_week(units: dict[date, Decimal], since: date) -> list[float]:
    weeks = [0.0] * WEEKS
    for day, quantity in units.items():
        weeks[(day - since).days // WEEK] += float(quantity)
    return weeks


def _by_day(stock: Stock, history: StockHistory | None, since: date, today: date) -> list[float]:
    """In storage at the end of each day from the one before `since`; the last one is now."""
    moved = history.moved if history else {}
    now = float(sum((level.on_hand for level in stock.levels if level.location.kind == "storage"), Decimal(0)))
    backwards = (-float(moved.get(today - timedelta(days=n), 0)) for n in range((today - since).days))
    return [round(units, 3) for units in accumulate(backwards, initial=now)][::-1]


def _weeks(made: Forecast, daily: Sequence[float]) -> list[Range]:
    """Of single weeks. The interval is that of the next one, in proportion to what each is expected to bring."""
    first = sum(_ahead(daily, 0, WEEK))
    low, high = (quantile_of_sum(made.quantiles, WEEK, level) for level in (LOW, HIGH))
    weeks = []
    for begin in range(0, AHEAD * WEEK, WEEK):
        expected = sum(_ahead(daily, begin, begin + WEEK))
        share = expected / first if first else 1.0
        weeks.append(_range(low * share, expected, high * share))
    return weeks


def _left(made: Forecast, daily: Sequence[float], available: float) -> list[Range]:
    """Of what is available, after so many days; the forecast's own intervals of sums."""
    made_of = [Range(available, available, available)]
    gone = 0.0
    for days, units in enumerate(_ahead(daily, 0, AHEAD * WEEK), start=1):
        gone += units
        sums = (quantile_of_sum(made.quantiles, days, level) for level in (HIGH, LOW))
        low, high = (max(available - each, 0.0) for each in sums)
        made_of.append(_range(low, max(available - gone, 0.0), high))
        if made_of[-1].high <= 0:
            break
    return made_of


def _range(low: float, expected: float, high: float) -> Range:
    return Range(min(low, expected), expected, max(high, expected))


def _ahead(daily: Sequence[float], begin: int, end: int) -> list[float]:
    """Expected units of each of these days; the days stored repeat."""
    return [daily[n % len(daily)] for n in range(begin, end)]


def _arrival(line: PurchaseOrderLine, today: date) -> Arrival | None:
    order = line.purchase_order
    if order.expected_on is None or not order.sent_at:
        return None
    late = order.expected_on < today
    told = f"{order.reference}: {neat(missing_of(order, line), 3)} expected {order.expected_on:%-d %b %Y}"
    return Arrival(max(order.expected_on, today), f"{told}, late" if late else told)
