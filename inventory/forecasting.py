"""What will be sold in the coming days, from what was sold in the past. Pure; quantities are floats.

A rolling-origin backtest (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.10) tries every
method on the product's own past and takes the one whose sums over the horizon were off the least. The two baselines,
the mean and the week before, are candidates too: so what is chosen was never worse than they were.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from math import sqrt
from statistics import NormalDist, fmean

MIN_DAYS = 56
MIN_SALE_DAYS = 10
MIN_TRAINING = 28
MAX_ORIGINS = 26
ORIGIN_STEP = 7
"""days"""
COVERAGE = 0.90
SEASON_WEEKS = 26
SHRINKAGE = 4.0
"""So many imagined average weekdays pull a weekday's factor towards 1."""
HOLIDAY_RATE = 0.9
"""Where the shop sells on at least so many of a weekday's dates, one without any sale was a closed day."""
SMOOTHING = (0.03, 0.1, 0.3)

Days = Sequence[float]


@dataclass(frozen=True, slots=True)
class Backtest:
    """Errors over all origins; of sums over the horizon, except `rmsse`, which is of days."""

    origins: int
    horizon_days: int
    wape: float | None
    """sum of |forecast - actual| / sum of actual; None when nothing was sold in the windows"""
    baseline_wape: float | None
    """the same of the better baseline"""
    rmsse: float | None
    """root mean squared error of a day, scaled by that of repeating the day before (Makridakis et al., M5, 2022)"""
    bias: float | None
    """sum of (forecast - actual) / sum of actual"""


@dataclass(frozen=True, slots=True)
class Forecasted:
    """`daily` is empty and `reasons` are not when there is too little to go by."""

    days: int
    """of history"""
    sale_days: int
    units: float
    method: str = ""
    daily: tuple[float, ...] = ()
    low: float = 0.0
    """of the 90 % interval of the sum"""
    high: float = 0.0
    backtest: Backtest | None = None
    reasons: tuple[str, ...] = ()

    @property
    def expected(self) -> float:
        return sum(self.daily)


@dataclass(frozen=True, slots=True)
class History:
    """Daily units from `start` on; on which of these days the shop was open, and on which weekdays it will be."""

    start: date
    units: Days
    opened: Sequence[bool]
    weekdays: frozenset[int]

    def before(self, end: int) -> "History":
        return History(self.start, self.units[:end], self.opened[:end], self.weekdays)

    def weekday(self, index: int) -> int:
        return (self.start.weekday() + index) % 7

    def open_units(self, last: int | None = None) -> list[float]:
        """Units of the open days among the last so many."""
        begin = max(0, len(self.units) - last) if last else 0
        return [u for u, o in zip(self.units[begin:], self.opened[begin:], strict=True) if o]


@dataclass(slots=True)
class _Trial:
    """A method's errors in the backtest."""

    sums: list[float] = field(default_factory=list)
    """actual - forecast, over the horizon, by origin"""
    squares: float = 0.0
    days: int = 0

    @property
    def absolute(self) -> float:
        return sum(map(abs, self.sums))


Method = Callable[[History, int], list[float]]


def forecast(units: Days, *, start: date, horizon: int, shop_days: Collection[date] | None = None) -> Forecasted:
    """Expected units of each of the `horizon` days after the history, with a 90 % interval of their sum.

    :param units: sold per day, net of returns, dense, from `start` (the product's first sale) on.
    :param shop_days: days on which the shop sold anything; they show its closed weekdays and holidays.
    """
    sale_days = sum(1 for u in units if u > 0)
    seen = Forecasted(days=len(units), sale_days=sale_days, units=sum(units), reasons=too_little(len(units), sale_days))
    if seen.reasons:
        return seen
    history = _history(units, start, shop_days)
    window = min(horizon, max(ORIGIN_STEP, (len(units) - MIN_TRAINING) // 2))
    trials, actual = _backtest(history, window)
    name = min(METHODS, key=lambda method: trials[method].absolute)
    daily = METHODS[name](history, horizon)
    low, high = _interval(sum(daily), history, trials[name], window, horizon)
    backtest = Backtest(
        origins=len(actual),
        horizon_days=window,
        wape=_share(trials[name].absolute, sum(actual)),
        baseline_wape=_share(min(trials[b].absolute for b in BASELINES), sum(actual)),
        rmsse=_rmsse(trials[name], units),
        bias=_share(-sum(trials[name].sums), sum(actual)),
    )
    return replace(seen, method=name, daily=tuple(daily), low=low, high=high, backtest=backtest)


def too_little(days: int, sale_days: int) -> tuple[str, ...]:
    """Why nothing can be said of a product's demand; empty when something can."""
    reasons = []
    if days < MIN_DAYS:
        reasons.append(f"{days} days of history; at least {MIN_DAYS} are needed")
    if sale_days < MIN_SALE_DAYS:
        reasons.append(f"{sale_days} days with sales; at least {MIN_SALE_DAYS} are needed")
    return tuple(reasons)


def _history(units: Days, start: date, shop_days: Collection[date] | None) -> History:
    if shop_days is None:
        return History(start, units, [True] * len(units), frozenset(range(7)))
    sold = [start + timedelta(days=i) in shop_days for i in range(len(units))]
    first = start.weekday()
    rate, recent = {}, set()
    for weekday in range(7):
        own = sold[(weekday - first) % 7 :: 7]
        rate[weekday] = fmean(own)
        if any(own[-8:]):
            recent.add(weekday)
    opened = [s or (rate[(first + i) % 7] < HOLIDAY_RATE and (first + i) % 7 in recent) for i, s in enumerate(sold)]
    return History(start, units, opened, frozenset(recent or range(7)))


# Methods: each takes the history and gives the units expected on each of the following days.


def _mean(history: History, horizon: int) -> list[float]:
    return _spread(history, horizon, _average(history.open_units()), dict.fromkeys(range(7), 1.0))


def _last_week(history: History, horizon: int) -> list[float]:
    return [history.units[len(history.units) - 7 + i % 7] for i in range(horizon)]


def _moving(days: int) -> Method:
    def method(history: History, horizon: int) -> list[float]:
        return _spread(history, horizon, _average(history.open_units(days)), _weekday_factors(history))

    return method


def _smoothing(alpha: float) -> Method:
    """Simple exponential smoothing of the open days (Brown 1959), begun at the mean of the first 28."""

    def method(history: History, horizon: int) -> list[float]:
        units = history.open_units()
        level = _average(units[:28])
        for value in units:
            level += alpha * (value - level)
        return _spread(history, horizon, level, _weekday_factors(history))

    return method


METHODS: dict[str, Method] = {
    "mean": _mean,
    "last week": _last_week,
    "28-day average x weekday": _moving(28),
    "56-day average x weekday": _moving(56),
    **{f"exponential smoothing {alpha} x weekday": _smoothing(alpha) for alpha in SMOOTHING},
}
BASELINES = ("mean", "last week")


def _spread(history: History, horizon: int, level: float, factors: dict[int, float]) -> list[float]:
    weekdays = [history.weekday(len(history.units) + i) for i in range(horizon)]
    return [level * factors[day] if day in history.weekdays else 0.0 for day in weekdays]


def _weekday_factors(history: History) -> dict[int, float]:
    """Each open weekday's mean over the mean of all, shrunk towards 1; 1 on average over the open weekdays."""
    begin = max(0, len(history.units) - 7 * SEASON_WEEKS)
    sums, counts = [0.0] * 7, [0] * 7
    for i in range(begin, len(history.units)):
        if history.opened[i]:
            day = history.weekday(i)
            sums[day] += history.units[i]
            counts[day] += 1
    mean = sum(sums) / max(1, sum(counts))
    if not mean:
        return dict.fromkeys(range(7), 1.0)
    factors = {d: (sums[d] / mean + SHRINKAGE) / (counts[d] + SHRINKAGE) for d in history.weekdays}
    scale = fmean(factors.values())
    return {d: factor / scale for d, factor in factors.items()}


def _average(units: Days) -> float:
    return fmean(units) if units else 0.0


# Backtest and interval


def _backtest(history: History, window: int) -> tuple[dict[str, _Trial], list[float]]:
    """Each method's errors, and what was sold over the horizon, at each origin."""
    newest = len(history.units) - window
    origins = range(newest, MIN_TRAINING - 1, -ORIGIN_STEP)[:MAX_ORIGINS]
    trials = {name: _Trial() for name in METHODS}
    actuals = []
    for origin in origins:
        past, actual = history.before(origin), history.units[origin : origin + window]
        actuals.append(sum(actual))
        for name, method in METHODS.items():
            guess = method(past, window)
            trials[name].sums.append(sum(actual) - sum(guess))
            trials[name].squares += sum((a - g) ** 2 for a, g in zip(actual, guess, strict=True))
            trials[name].days += window
    return trials, actuals


def _interval(expected: float, history: History, trial: _Trial, window: int, horizon: int) -> tuple[float, float]:
    """The wider of two: from the backtest's errors, and (few origins make those unsure) from the spread of the days.

    The origins' windows overlap, so they count as no more observations than fit side by side, and the quantile is
    Student's, by Cornish and Fisher's expansion.
    """
    z = NormalDist().inv_cdf((1 + COVERAGE) / 2)
    mean = _average(history.units)
    days = z * sqrt(horizon * fmean((u - mean) ** 2 for u in history.units))
    apart = ((len(trial.sums) - 1) * ORIGIN_STEP + window) / window
    student = z + (z**3 + z) / (4 * apart)
    errors = student * horizon / window * sqrt(fmean(e * e for e in trial.sums))
    half = max(days, errors)
    return min(expected, max(0.0, expected - half)), expected + half


def _rmsse(trial: _Trial, units: Days) -> float | None:
    scale = fmean((b - a) ** 2 for a, b in pairwise(units))
    return sqrt(trial.squares / trial.days / scale) if scale else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
