"""The policy, and what shops do otherwise, as rules of a replay."""

from collections.abc import Callable
from datetime import date

import numpy as np

from inventory.forecasting.engine import forecast_panel
from inventory.forecasting.panel import panel_of
from inventory.reordering.outlooks import NODES, Lead, Outlooks, outlooks, quantiles_of, scores_of

from .replaying import Array, Rows, Rule

REFRESH = 7
"""days between two forecasts"""
MIN_WEEKS, MAX_WEEKS = 2, 6
USAGE_DAYS = 90


class Policy:
    """Reorder points and levels from forecasts of the days before each, made anew every week."""

    def __init__(self, units: Array, start: date, *, lead_days: float, lead_spread: float, review: int) -> None:
        self.units, self.start, self.review = units, start, review
        self.lead_days, self.lead_spread = lead_days, lead_spread
        self.known: dict[int, tuple[Rows, Outlooks]] = {}

    def prepare(self, day: int) -> None:
        """Forecast from the days before this one, where anything was sold in them."""
        past = self.units[:, :day]
        rows = np.flatnonzero((past > 0).any(axis=1))
        if not len(rows):
            return
        made = forecast_panel(panel_of(past[rows], self.start))
        review = np.full(len(rows), float(self.review))
        stored = [made.stored(row) for row in range(len(rows))]
        self.known[day] = rows, outlooks(stored, self._lead(len(rows)), review)

    def rule(self, level: float | Callable[[int], float]) -> Rule:
        """:param level: share of order cycles without a stock-out, or its value at each day."""

        def at(day: int) -> tuple[Array, Array]:
            point, cycle = np.zeros(len(self.units)), np.zeros(len(self.units))
            if made := [each for each in self.known if each <= day]:
                rows, known = self.known[max(made)]
                point[rows] = quantiles_of(known.curves, level(day) if callable(level) else level)
                cycle[rows] = np.where(known.mean > 0, known.cycle, 0.0)
            return point, point + cycle

        return at

    def _lead(self, products: int) -> Lead:
        nodes = np.maximum(self.lead_days + self.lead_spread * scores_of(NODES), 0.0)
        return Lead(
            mean=np.full(products, self.lead_days),
            spread=np.full(products, self.lead_spread),
            nodes=np.tile(nodes, (products, 1)),
        )


def min_max(units: Array, training: int, factor: float = 1.0) -> Rule:
    """Fixed once, from the mean of the training part since each product's first sale: reorder at two weeks, up to six.

    :param factor: times as much.
    """
    past = units[:, :training]
    first = np.where((past > 0).any(axis=1), (past > 0).argmax(axis=1), training - 1)
    week = past.sum(axis=1) / (training - first) * 7 * factor
    levels = (week * MIN_WEEKS, week * MAX_WEEKS)
    return lambda day: levels


def average_usage(units: Array, lead_days: float, review: int, factor: float = 1.0) -> Rule:
    """Reorder at the average daily usage of 90 days x lead time, up to the usage of lead time + review; at every review
    anew.

    :param factor: times as much.
    """

    def at(day: int) -> tuple[Array, Array]:
        recent = units[:, max(0, day - USAGE_DAYS) : day]
        usage = recent.mean(axis=1) * factor
        return usage * lead_days, usage * (lead_days + review)

    return at
