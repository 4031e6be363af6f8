"""Many products' days side by side, and the calendar of the shop."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

HOLIDAY_RATE = 0.9
"""Where the shop sells on at least so many of a weekday's dates, one without any sale was a closed day."""
RECENT_WEEKS = 8
"""A weekday without any sale in so many weeks is one on which the shop is closed."""
PROFILE_DAYS = 182
WEEKDAY_SPREAD = 0.02
"""Variance that weekdays' factors of single products have around the shop's: how far a product's own are believed."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Units by product and day; NaN: unknown demand (nothing could be sold)."""

    start: date
    units: Array
    """products x days"""
    opened: Flags
    """by day"""
    weekdays: Flags
    """on which the shop will be open, Monday first"""
    first: Ints = field(init=False)
    """index of each product's first sale; the number of days where there is none"""

    def __post_init__(self) -> None:
        sold = self.units > 0
        first = np.where(sold.any(axis=1), sold.argmax(axis=1), self.units.shape[1])
        object.__setattr__(self, "first", first)

    @property
    def days(self) -> int:
        return int(self.units.shape[1])

    def weekday(self, index: int | Ints) -> Any:
        return (self.start.weekday() + index) % 7


def panel_of(units: Array, start: date, sold: Flags | None = None) -> Panel:
    """A panel whose calendar is read from the days on which the shop sold anything.

    :param units: products x days.
    :param sold: by day, whether the shop sold anything; left out: whether any of these products was sold.
    """
    known = days_sold(units) if sold is None else sold
    weekday = (start.weekday() + np.arange(units.shape[1])) % 7
    rate, recent = np.zeros(7), np.zeros(7, dtype=bool)
    for day in range(7):
        own = known[weekday == day]
        rate[day] = own.mean() if own.size else 0.0
        recent[day] = own[-RECENT_WEEKS:].any()
    opened = known | ((rate < HOLIDAY_RATE) & recent)[weekday]
    return Panel(start, units, opened, recent if recent.any() else np.ones(7, dtype=bool))


def days_sold(units: Array) -> Flags:
    """Whether any of these products was sold, by day."""
    return np.asarray((units > 0).any(axis=0), dtype=np.bool_)


def weekday_factors(panel: Panel) -> Array:
    """Products x 7: a weekday's mean over the mean of all open days; 0 where the shop is closed, 1 on average.

    A product's own factor counts as far as its days are regular: it is drawn to the shop's factor the more, the more
    its units vary between dates of one weekday (the weight of Buehlmann's credibility, n / (n + within / between)).
    """
    begin = max(0, panel.days - PROFILE_DAYS)
    used = panel.opened.copy()
    used[:begin] = False
    weekday = panel.weekday(np.arange(panel.days))
    live = (np.arange(panel.days)[None, :] >= panel.first[:, None]) & ~np.isnan(panel.units)
    known = np.nan_to_num(panel.units)
    mean = (known * live)[:, used].sum(axis=1) / np.maximum(live[:, used].sum(axis=1), 1)
    relative = np.divide(known, mean[:, None], out=np.zeros_like(known), where=mean[:, None] > 0)
    spread = _within(relative, live, used, weekday)
    own, weight = np.ones((len(known), 7)), np.zeros((len(known), 7))
    shop = np.ones(7)
    trusted = live / (1.0 + spread[:, None])
    for day in np.flatnonzero(panel.weekdays):
        columns = used & (weekday == day)
        count = live[:, columns].sum(axis=1)
        total = (relative[:, columns] * live[:, columns]).sum(axis=1)
        own[:, day] = np.divide(total, count, out=np.ones_like(total), where=count > 0)
        weight[:, day] = count / (count + spread / WEEKDAY_SPREAD + 1e-9)
        votes = trusted[:, columns].sum()
        said = (relative[:, columns] * trusted[:, columns]).sum()
        within = trusted.sum() and (trusted[:, columns] * spread[:, None]).sum() / max(votes, 1e-9)
        shop[day] = (said + within / WEEKDAY_SPREAD) / (votes + within / WEEKDAY_SPREAD) if votes else 1.0
    factors = np.where(panel.weekdays, weight * own + (1 - weight) * shop, 0.0)
    scale: Array = factors.sum(axis=1, keepdims=True) / panel.weekdays.sum()
    made: Array = np.divide(factors, scale, out=np.where(panel.weekdays, 1.0, 0.0) + 0 * factors, where=scale > 0)
    return made


def _within(relative: Array, live: Flags, used: Flags, weekday: Ints) -> Array:
    """Variance of each row's days around the means of their weekdays, in squares of the row's mean."""
    squares, count = np.zeros(len(relative)), np.zeros(len(relative))
    for day in range(7):
        columns = used & (weekday == day)
        known = live[:, columns]
        units = relative[:, columns] * known
        days = known.sum(axis=1)
        squares += (units**2).sum(axis=1) - units.sum(axis=1) ** 2 / np.maximum(days, 1)
        count += days
    within: Array = np.maximum(squares, 0.0) / np.maximum(count, 1)
    return within
