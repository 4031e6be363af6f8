"""One rule on one stretch of days, all products at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Rule = Callable[[int], tuple[Array, Array]]
"""Reorder point and order-up-to level of each product, as of the morning of a day (its index)."""
LEAST_LEAD = 1
"""day; what is ordered in the morning is not there before the next one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened. By product: arrays; by day: the series."""

    asked: Array
    served: Array
    stock: Array
    """on hand at the end of a day, mean"""
    orders: int
    stock_outs: int
    """days on which a product was asked for more than there was"""
    cycles: int
    cycles_short: int
    days_stock: Array
    """by day: on hand over all products"""
    days_asked: Array
    days_served: Array

    @property
    def fill_rate(self) -> float:
        whole = float(self.asked.sum())
        return float(self.served.sum()) / whole if whole else 1.0


def lead_times(days: int, products: int, *, mean: float, spread: float, seed: int) -> NDArray[np.int64]:
    """Whole days of every order that could be placed: days x products."""
    drawn = np.random.default_rng(seed).normal(mean, spread, size=(days, products))
    return np.maximum(np.rint(drawn), LEAST_LEAD).astype(np.int64)


def replay(
    units: Array, begin: int, end: int, rule: Rule, leads: NDArray[np.int64], *, review: int, step: float, warm_up: int
) -> Course:
    """Sell the days from `begin` to before `end` from a shelf that the rule fills. It begins at the order-up-to level.

    :param units: demand: products x days.
    :param leads: `lead_times`, by day from `begin`.
    :param step: the smallest part of a unit.
    :param warm_up: so many days at the beginning count nothing.
    """
    products, days = len(units), end - begin
    coming = np.zeros((days + int(leads.max()) + 1, products))
    shelf, on_order = np.zeros(products), np.zeros(products)
    asked, served, stock = (np.zeros(products) for _ in range(3))
    short = np.zeros(products, dtype=bool)
    orders = stock_outs = cycles = cycles_short = 0
    series = np.zeros((3, days))
    for day in range(days):
        counts = day >= warm_up
        arrived = coming[day] > 0
        shelf += coming[day]
        on_order -= coming[day]
        if counts:
            cycles += int(arrived.sum())
            cycles_short += int((arrived & short).sum())
        short &= ~arrived
        if day % review == 0:
            point, up_to = (np.ceil(np.round(each / step, 6)) * step for each in rule(begin + day))
            if day == 0:
                shelf = up_to.copy()
            position = shelf + on_order
            ordered = np.where((position <= point) & (up_to > position), up_to - position, 0.0)
            coming[day + leads[day], np.arange(products)] += ordered
            on_order += ordered
            orders += int((ordered > 0).sum()) if counts else 0
        wanted = units[:, begin + day]
        sold = np.minimum(shelf, wanted)
        shelf = shelf - sold
        out = wanted > sold
        short |= out
        series[:, day] = shelf.sum(), wanted.sum(), sold.sum()
        if counts:
            asked += wanted
            served += sold
            stock += shelf
            stock_outs += int(out.sum())
    return Course(
        asked=asked,
        served=served,
        stock=stock / max(days - warm_up, 1),
        orders=orders,
        stock_outs=stock_outs,
        cycles=cycles,
        cycles_short=cycles_short,
        days_stock=series[0, warm_up:],
        days_asked=series[1, warm_up:],
        days_served=series[2, warm_up:],
    )
