"""Forecasts of many products at a time: the ledger's days as a panel, and what the forecaster makes of it as rows.

It imports numpy, which a web process has no need of at its start; import it where it is used.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inventory.forecasting import MIN_DAYS, Abstained, by_analogy, quantile_of_sum, too_little
from inventory.forecasting.analogy import METHOD, MIN_PEERS
from inventory.forecasting.engine import forecast_panel
from inventory.forecasting.panel import Panel, panel_of
from inventory.models import Forecast, Product
from inventory.models.columns import MAX_QUANTITY
from inventory.selectors.demand import StockHistory, demand_rows, open_days, stock_histories
from inventory.selectors.forecasts import HISTORY_DAYS, HORIZON_DAYS, as_quantity, peer_of, peers_of

ZERO = Decimal(0)
LOW, HIGH = 0.05, 0.95
"""levels of the ends of the 90 % interval"""
NO_BACKTEST = {
    "origins": 0,
    "horizon_days": HORIZON_DAYS,
    "wape": None,
    "baseline_wape": None,
    "rmsse": None,
    "bias": None,
}

Made = dict[int, Forecast | Abstained]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A product's own history."""

    days: int
    sale_days: int
    units: float

    @property
    def reasons(self) -> tuple[str, ...]:
        return too_little(self.days, self.sale_days)


def forecasts_make(products: Sequence[Product], *, today: date, shop_days: Collection[date] | None = None) -> Made:
    """The forecast of each of these products from `today` on, or a refusal, by primary key; up to seven queries.

    :param shop_days: the days on which the shop sold anything, where the caller has read them already.
    """
    since, last = today - timedelta(days=HISTORY_DAYS), today - timedelta(days=1)
    keys = [product.pk for product in products]
    if shop_days is None:
        shop_days = open_days(since=since, until=last)
    panel = _panel(keys, since, last, shop_days)
    seen = {key: _seen(panel, row) for row, key in enumerate(keys)}
    rich = [row for row, key in enumerate(keys) if not seen[key].reasons]
    made: Made = _own(panel, rich, products, seen, last) if rich else {}
    poor = [product for product in products if product.pk not in made]
    return made | _others(poor, seen, made, panel.weekdays, today)


def _panel(keys: Sequence[int], since: date, last: date, shop_days: Collection[date]) -> Panel:
    """Daily units of these products; NaN on days on which nothing was there to be sold."""
    row = {key: index for index, key in enumerate(keys)}
    units = np.zeros((len(keys), HISTORY_DAYS))
    for key, day, sold in demand_rows(keys, since=since, until=last):
        units[row[key], (day - since).days] = float(sold)
    for key, history in stock_histories(keys, since=since).items():
        own = units[row[key]]
        own[_out_of_stock(history, since) & (own == 0)] = np.nan
    sold_any = np.array([since + timedelta(days=index) in shop_days for index in range(HISTORY_DAYS)], dtype=bool)
    return panel_of(units, since, sold_any)


def _out_of_stock(history: StockHistory, since: date) -> NDArray[np.bool_]:
    """Days that began with nothing on hand and saw no movement, from where the ledger is the shop's own."""
    moved = np.zeros(HISTORY_DAYS + 1)
    quiet = np.ones(HISTORY_DAYS + 1, dtype=bool)
    later = ZERO
    for day, quantity in history.moved.items():
        index = (day - since).days
        if index > HISTORY_DAYS:
            later += quantity
        else:
            moved[index] += float(quantity)
            quiet[index] = False
    ending = float(history.on_hand - later) - np.concatenate([np.cumsum(moved[::-1])[::-1][1:], [0.0]])
    out: NDArray[np.bool_] = quiet & (np.round(ending, 3) <= 0)
    out[: max(0, (history.known_from - since).days) if history.known_from else len(out)] = False
    return out[:HISTORY_DAYS]


def _seen(panel: Panel, row: int) -> _Seen:
    units = panel.units[row]
    return _Seen(
        days=panel.days - int(panel.first[row]), sale_days=int((units > 0).sum()), units=float(np.nansum(units))
    )


def _own(panel: Panel, rows: Sequence[int], products: Sequence[Product], seen: Mapping[int, _Seen], last: date) -> Made:
    """Of products with enough history."""
    made = forecast_panel(Panel(panel.start, panel.units[rows], panel.opened, panel.weekdays))
    daily, methods, backtests = made.daily(HORIZON_DAYS), made.methods(), made.backtest()
    found: Made = {}
    for at, row in enumerate(rows):
        product = products[row]
        stored = made.stored(at)
        found[product.pk] = _row(
            product, last, methods[at], stored, daily[at].tolist(), backtests[at], seen[product.pk]
        )
    return found


def _others(
    products: Sequence[Product], seen: Mapping[int, _Seen], made: Made, weekdays: NDArray[np.bool_], today: date
) -> Made:
    """New products by analogy with their category; a refusal for the rest."""
    last = today - timedelta(days=1)
    new = {p.category_id for p in products if p.category_id and 0 < seen[p.pk].days < MIN_DAYS}
    peers = peers_of(sorted(new), today=today) if new else {}
    for forecast in made.values():
        if isinstance(forecast, Forecast) and forecast.product.category_id in new:
            peers.setdefault(forecast.product.category_id, {})[forecast.product_id] = peer_of(
                forecast.quantiles, forecast.kind
            )
    share = np.array([weekdays[(today + timedelta(days=ahead)).weekday()] for ahead in range(HORIZON_DAYS)])
    share = share * 7 / weekdays.sum()
    found: Made = {}
    for product in products:
        own, reasons = seen[product.pk], seen[product.pk].reasons
        stored = None
        if product.category_id in new and 0 < own.days < MIN_DAYS:
            others = [peer for key, peer in peers.get(product.category_id, {}).items() if key != product.pk]
            stored = by_analogy(own.units, own.days, others)
            reasons += (f"its category has fewer than {MIN_PEERS} other products with a forecast",)
        if stored is None:
            found[product.pk] = Abstained(own.days, own.sale_days, own.units, reasons)
        else:
            daily = (share * stored["day_mean"]).tolist()
            found[product.pk] = _row(product, last, METHOD, stored, daily, dict(NO_BACKTEST), own)
    return found


def _row(
    product: Product,
    last: date,
    method: str,
    stored: dict[str, Any],
    daily: Sequence[float],
    backtest: dict[str, Any],
    seen: _Seen,
) -> Forecast:
    units = [as_quantity(value) for value in daily]
    expected = min(sum(units, ZERO), MAX_QUANTITY)
    return Forecast(
        product=product,
        made_on=last,
        method=method,
        kind=stored["kind"],
        expected=expected,
        low=min(as_quantity(quantile_of_sum(stored, HORIZON_DAYS, LOW)), expected),
        high=max(as_quantity(quantile_of_sum(stored, HORIZON_DAYS, HIGH)), expected),
        daily=[float(value) for value in units],
        quantiles=stored,
        backtest=backtest,
        history={"days": seen.days, "sale_days": seen.sale_days, "units": float(as_quantity(seen.units))},
    )
