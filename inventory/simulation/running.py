"""A whole simulation: forecasts, the level that the fill rate takes, the rivals, and the same rivals made as good."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import numpy as np

from inventory.forecasting import MIN_DAYS, too_little

from .one_offs import without_one_offs
from .replaying import Array, Course, Rows, Rule, lead_times, replay
from .rules import REFRESH, Policy, average_usage, min_max

LEARNED_DAYS = 84
"""The level is the one that would have served the target's share of so many days before."""
RELEARNED = 7
"""days after which it is looked for again"""
LEAST_TRAINING, LEAST_TEST = LEARNED_DAYS + MIN_DAYS, 56
"""days; the first forecast is made before those that the level is learned from"""
WARM_UP = 28
"""days at the beginning of a replay that count nothing"""
LEAST_LEVEL, MOST_LEVEL = 0.3, 0.999
LEAST_FACTOR, MOST_FACTOR = 0.05, 100.0
POLICY, MIN_MAX, USAGE = "forecast policy", "fixed min/max", "average usage x lead time"
TUNED = ", tuned"


class TooShort(ValueError):
    """The data can't be simulated. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    target: float = 0.95
    """fill rate"""
    lead_days: float = 7.0
    lead_spread: float = 2.0
    """standard deviation, in days"""
    review: int = 7
    """days"""
    seed: int = 1
    one_offs: bool = False
    """true: single orders far beyond the usual count, too"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    name: str
    factor: float
    """times the rule's own reorder point and level; 1: as it is"""
    course: Course

    @property
    def fill_rate(self) -> float:
        return self.course.fill_rate

    @property
    def cycle_service(self) -> float | None:
        return 1 - self.course.cycles_short / self.course.cycles if self.course.cycles else None

    @property
    def stock_units(self) -> float:
        return float(self.course.stock.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    settings: Settings
    first_day: date
    """that counts"""
    days: int
    rows: Rows
    """indices of the products simulated"""
    left_out: int
    """products with too little history before the test"""
    one_off_share: float
    """of the units asked for: beyond the usual, and not counted unless told so"""
    levels: tuple[float, ...]
    """shares of order cycles that the policy aimed at, one for every four weeks"""
    outcomes: tuple[Outcome, ...]
    """the policy, the rivals as they are, the rivals tuned to its fill rate"""

    @property
    def policy(self) -> Outcome:
        return self.outcomes[0]

    @property
    def on_target(self) -> bool:
        """Within one point."""
        return abs(self.policy.fill_rate - self.settings.target) <= 0.01

    @property
    def least_stock(self) -> bool:
        """Less than both rivals need for the same fill rate."""
        return all(self.policy.stock_units < o.stock_units for o in self.outcomes if o.name.endswith(TUNED))


def simulate(
    units: Array, start: date, settings: Settings, *, progress: Callable[[int, int], object] = lambda done, whole: None
) -> Result:
    """Replay the second half of the days.

    :param units: demand: products x days, without gaps.
    :param progress: told how much of the work is done.
    :raises TooShort:
    """
    days = units.shape[1]
    test = max(LEAST_TRAINING, days // 2)
    if days - test < LEAST_TEST:
        raise TooShort(f"{days} days of demand; at least {LEAST_TRAINING + LEAST_TEST} are needed")
    rows = _known(units[:, :test])
    if not len(rows):
        raise TooShort(f"no product has enough sales before {start + timedelta(days=test)} to be forecast")
    asked = units[rows]
    usual = without_one_offs(asked)
    counted = asked if settings.one_offs else usual
    work = _Work(counted, start, test, settings, progress)
    levels, outcomes = work.done()
    beyond = float((asked - usual)[:, test + WARM_UP :].sum())
    return Result(
        settings=settings,
        first_day=start + timedelta(days=test + WARM_UP),
        days=days - test - WARM_UP,
        rows=rows,
        left_out=len(units) - len(rows),
        one_off_share=beyond / max(float(asked[:, test + WARM_UP :].sum()), 1e-9),
        levels=levels,
        outcomes=outcomes,
    )


def _known(past: Array) -> Rows:
    """Rows with enough history for a forecast."""
    sold = past > 0
    since = np.where(sold.any(axis=1), past.shape[1] - sold.argmax(axis=1), 0)
    known = [not too_little(int(age), int(sales)) for age, sales in zip(since, sold.sum(axis=1), strict=True)]
    return np.flatnonzero(known)


class _Work:
    def __init__(
        self, units: Array, start: date, test: int, settings: Settings, progress: Callable[[int, int], object]
    ) -> None:
        self.units, self.test, self.settings, self.progress = units, test, settings, progress
        self.end = units.shape[1]
        self.step = 1.0 if bool((units == np.round(units)).all()) else 0.001
        self.policy = Policy(
            units, start, lead_days=settings.lead_days, lead_spread=settings.lead_spread, review=settings.review
        )
        self.leads = self._leads(self.end - test, settings.seed)
        self.before = self._leads(LEARNED_DAYS, settings.seed + 1)

    def done(self) -> tuple[tuple[float, ...], tuple[Outcome, ...]]:
        refreshes = range(self.test - LEARNED_DAYS, self.end, REFRESH)
        for count, day in enumerate(refreshes):
            self.policy.prepare(day)
            self.progress(count + 1, len(refreshes) + 3)
        learned = {day: self._level(day) for day in range(self.test, self.end, RELEARNED)}
        self.progress(len(refreshes) + 1, len(refreshes) + 3)

        def level(day: int) -> float:
            return learned[max(each for each in learned if each <= day)]

        ours = Outcome(name=POLICY, factor=1.0, course=self._course(self.policy.rule(level)))
        rivals: dict[str, Callable[[float], Rule]] = {
            MIN_MAX: partial(min_max, self.units, self.test),
            USAGE: partial(average_usage, self.units, self.settings.lead_days, self.settings.review),
        }
        plain = [Outcome(name=name, factor=1.0, course=self._course(rule(1.0))) for name, rule in rivals.items()]
        tuned = [self._tuned(name, rule, ours.fill_rate) for name, rule in rivals.items()]
        self.progress(len(refreshes) + 3, len(refreshes) + 3)
        return tuple(learned.values()), (ours, *plain, *tuned)

    def _course(self, rule: Rule) -> Course:
        return replay(
            self.units,
            self.test,
            self.end,
            rule,
            self.leads,
            review=self.settings.review,
            step=self.step,
            warm_up=WARM_UP,
        )

    def _level(self, day: int) -> float:
        """The share of order cycles that would have given the target's fill rate in the weeks before this day."""
        low, high = LEAST_LEVEL, MOST_LEVEL
        for _ in range(10):
            middle = (low + high) / 2
            made = replay(
                self.units,
                day - LEARNED_DAYS,
                day,
                self.policy.rule(middle),
                self.before,
                review=self.settings.review,
                step=self.step,
                warm_up=WARM_UP,
            )
            low, high = (middle, high) if made.fill_rate < self.settings.target else (low, middle)
        return round(high, 4)

    def _tuned(self, name: str, rule: Callable[[float], Rule], target: float) -> Outcome:
        """With the factor that gives the rival the same fill rate on these very days: better than it could know."""
        low, high = LEAST_FACTOR, MOST_FACTOR
        for _ in range(16):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if self._course(rule(middle)).fill_rate < target else (low, middle)
        return Outcome(name=name + TUNED, factor=high, course=self._course(rule(high)))

    def _leads(self, days: int, seed: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        return lead_times(
            days, len(self.units), mean=self.settings.lead_days, spread=self.settings.lead_spread, seed=seed
        )
