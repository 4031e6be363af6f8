"""Candidate methods. Each gives a level, units an open day; all levels at all origins come out of one pass over time.

A level at an origin is made of the days before it alone. The methods, by their usual names and sources:

    mean, moving averages of 28 and 56 days, the week before (seasonal naive)
    SES     simple exponential smoothing, ETS(A,N,N): Hyndman & Athanasopoulos, Forecasting, 3rd ed., 8.1
    SBA     Croston with Syntetos & Boylan's correction: Int. J. of Forecasting 21 (2005) 303-314
    TSB     Teunter, Syntetos & Babai: European J. of Operational Research 214 (2011) 606-615
    ADIDA   Nikolopoulos et al.: J. of the Operational Research Society 62 (2011) 544-554
    IMAPA   Petropoulos & Kourentzes: J. of the Operational Research Society 66 (2015) 914-924
    theta   Assimakopoulos & Nikolopoulos: Int. J. of Forecasting 16 (2000) 521-530, where a trend shows; else SES
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from .panel import Array, Flags, Panel

SMOOTHING = 0.05
FAST, SLOW = 0.1, 0.02
AGGREGATES = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""open days"""
ONE_OFF = 10.0
"""A day that sold more than so many times the usual sale day counts as so many times."""
USUAL_AFTER = 5
"""sale days"""
WEEKS = 26
MIN_WEEKS = 12
CLEAR_TREND = 2.0
"""t value of the slope"""

BLENDED = ("SES", "TSB", "SBA", "IMAPA", "56-day average", "28-day average")
BASELINES = ("mean", "last week")


class _State:
    """What is kept of every product while the days go by."""

    def __init__(self, products: int) -> None:
        zeros = np.zeros
        self.age, self.sales = zeros(products), zeros(products)
        self.total = zeros(products)
        self.smooth = {alpha: zeros(products) for alpha in (SLOW, SMOOTHING, FAST)}
        self.square = zeros(products)
        self.chance, self.size = zeros(products), zeros(products)
        self.gap, self.croston_size, self.croston_gap = zeros(products), zeros(products), zeros(products)
        self.sums = [zeros(products)]
        self.aggregate = {k: deque([zeros(products)] * k, maxlen=k) for k in AGGREGATES}

    def see(self, units: Array, live: Flags) -> None:
        """One more open day."""
        known = live & ~np.isnan(units)
        units = np.where(known, units, self.smooth[SMOOTHING])
        usual = np.where(self.sales >= USUAL_AFTER, self.size * ONE_OFF, np.inf)
        units = np.where(live, np.minimum(units, usual), 0.0)
        sold = known & (units > 0)
        self.age += live
        self.sales += sold
        age = np.maximum(self.age, 1.0)
        self.total += units
        for alpha, level in self.smooth.items():
            level += np.maximum(alpha, 1 / age) * (units - level) * live
        self.square += np.maximum(SMOOTHING / 2, 1 / age) * (units**2 - self.square) * live
        self._intermittent(units, sold, known, age)
        self.sums.append(self.sums[-1] + units)
        self._aggregated(age)

    def _intermittent(self, units: Array, sold: Flags, known: Flags, age: Array) -> None:
        self.chance += np.maximum(SMOOTHING, 1 / age) * (sold - self.chance) * known
        step = np.maximum(SMOOTHING, 1 / np.maximum(self.sales, 1.0)) * sold
        self.size += step * (units - self.size)
        self.gap += known
        step = np.maximum(FAST, 1 / np.maximum(self.sales, 1.0)) * sold
        self.croston_size += step * (units - self.croston_size)
        self.croston_gap += step * (self.gap - self.croston_gap)
        self.gap[sold] = 0

    def _aggregated(self, age: Array) -> None:
        seen = len(self.sums) - 1
        for k, before in self.aggregate.items():
            whole = self.sums[-1] - self.sums[max(0, seen - k)]
            weight = np.minimum(1.0, np.maximum(1 - (1 - SMOOTHING) ** k, k / age))
            level = before[0] + weight * (whole - before[0])
            before.append(np.where(age < 2 * k, self.total / age * k, level))

    def levels(self, open_days: dict[int, int]) -> dict[str, Array]:
        """:param open_days: how many there were in the last 7, 28 and 56 days."""
        age = np.maximum(self.age, 1.0)
        ses = self.smooth[SMOOTHING]
        parts = np.stack([self.aggregate[k][-1] / k for k in AGGREGATES])
        gap = np.divide(age, self.sales, out=np.ones_like(age), where=self.sales > 0)
        chosen = np.array(AGGREGATES)[:, None] <= np.maximum(gap, 1.0)
        made = {
            "mean": self.total / age,
            "last week": self._recent(open_days[7]),
            "28-day average": self._recent(open_days[28]),
            "56-day average": self._recent(open_days[56]),
            "slow SES": self.smooth[SLOW],
            "SES": ses.copy(),
            "fast SES": self.smooth[FAST],
            "SBA": (1 - FAST / 2)
            * np.divide(self.croston_size, self.croston_gap, out=np.zeros_like(age), where=self.croston_gap > 0),
            "TSB": self.chance * self.size,
            "ADIDA": parts[chosen.sum(axis=0) - 1, np.arange(len(age))],
            "IMAPA": (parts * chosen).sum(axis=0) / chosen.sum(axis=0),
            "theta": self._theta(open_days),
        }
        made["blend"] = np.mean([made[name] for name in BLENDED], axis=0)
        return {name: level.copy() for name, level in made.items()}

    def spread(self) -> Array:
        """Variance of an open day's units."""
        return np.maximum(self.square - self.smooth[SMOOTHING] ** 2, 0.0)

    def _recent(self, days: int) -> Array:
        days = min(days, len(self.sums) - 1)
        return (self.sums[-1] - self.sums[-1 - days]) / np.clip(self.age, 1.0, max(days, 1))

    def _theta(self, open_days: dict[int, int]) -> Array:
        """The smoothed level and half the trend's growth over four weeks, where the trend of the weeks is clear."""
        week = max(1, round(open_days[56] / 8))
        weeks = min(WEEKS, (len(self.sums) - 1) // week)
        level = self.smooth[SMOOTHING].copy()
        if weeks < MIN_WEEKS:
            return level
        at = [self.sums[-1 - week * back] for back in range(weeks, -1, -1)]
        sums = np.diff(np.stack(at), axis=0)
        lived = np.arange(weeks)[:, None] >= weeks - np.floor(self.age / week)
        count = np.maximum(lived.sum(axis=0), 1)
        x = np.where(lived, np.arange(weeks)[:, None], 0.0)
        x = np.where(lived, x - x.sum(axis=0) / count, 0.0)
        y = np.where(lived, sums - (sums * lived).sum(axis=0) / count, 0.0)
        square = np.maximum((x**2).sum(axis=0), 1e-9)
        slope = (x * y).sum(axis=0) / square
        rest = ((y - slope * x) ** 2).sum(axis=0) / np.maximum(count - 2, 1)
        clear = (count >= MIN_WEEKS) & (slope**2 * square > CLEAR_TREND**2 * rest)
        ahead = 1.5 + 1 / (1 - (1 - SMOOTHING) ** week)
        return np.maximum(level + np.where(clear, slope / week * ahead / 2, 0.0), 0.0)


def levels_at(panel: Panel, origins: Sequence[int]) -> tuple[dict[str, Array], Array]:
    """Each method's level, and the variance of a day's units, at each origin: products x origins."""
    state, wanted = _State(len(panel.units)), sorted(set(origins))
    opened = np.concatenate([[0], np.cumsum(panel.opened)])
    found: dict[int, dict[str, Array]] = {}
    spreads: dict[int, Array] = {}
    for day in range(panel.days + 1):
        if day in wanted:
            counts = {days: int(opened[day] - opened[max(0, day - days)]) for days in (7, 28, 56)}
            found[day], spreads[day] = state.levels(counts), state.spread()
        if day < panel.days and panel.opened[day]:
            state.see(panel.units[:, day], panel.first <= day)
    names = found[wanted[0]]
    levels = {name: np.stack([found[origin][name] for origin in origins], axis=1) for name in names}
    return levels, np.stack([spreads[origin] for origin in origins], axis=1)
