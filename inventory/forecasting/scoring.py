"""How good forecasts are: rolling origins over data that the forecaster has not seen, beside simple baselines.

RMSSE of a series: sqrt(mean squared error of the horizon's days / mean squared first difference of the days from its
first sale to the origin) (Makridakis et al., the M5 competition, Int. J. of Forecasting 38 (2022) 1346-1364).
WAPE: sum of |forecast - actual| of the horizon's sums / sum of the actual sums. Bias: sum of (forecast - actual) / sum
of actual. Pinball: mean pinball loss of the sums' quantiles at five levels from 0.05 to 0.95 / mean actual sum.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np

from .engine import forecast_panel
from .horizons import HORIZONS, KINDS, LEVELS
from .panel import Array, Flags, Ints, days_sold, panel_of

MIN_DAYS = 84
MIN_SALE_DAYS = 10
PINBALL = (0.05, 0.25, 0.5, 0.75, 0.95)
OURS = "forecast"


@dataclass(frozen=True, slots=True)
class Figures:
    """Fractions. None: nothing was sold, no series has a scale, or (baselines) there is no interval."""

    series: float
    rmsse: float | None
    wape: float | None
    bias: float | None
    pinball: float | None = None
    coverage90: float | None = None
    width90: float | None = None
    """mean width of the 90 % interval / mean forecast"""


@dataclass(frozen=True, slots=True)
class Score:
    """By method, ours first, and the same by class."""

    first_day: date | None
    """of the days forecast; None: the mean of all origins"""
    overall: dict[str, Figures]
    kinds: dict[str, dict[str, Figures]]


class TooShort(ValueError):
    """The data can't be split as asked. The message says why."""


def rolling(
    units: Array, start: date, *, horizon: int, origins: int, progress: Callable[[], object] = lambda: None
) -> list[Score]:
    """Forecast the last `origins` windows of `horizon` days, each from the days before it alone.

    :param units: series x days, without gaps.
    :raises TooShort:
    """
    days = units.shape[1]
    first = days - horizon * origins
    if first < MIN_DAYS:
        raise TooShort(
            f"{days} days of data: {origins} origins of {horizon} days need at least {MIN_DAYS + horizon * origins}"
        )
    found = []
    for origin in range(first, days, horizon):
        found.append(_score(units, start, origin, horizon))
        progress()
    return found


def average(scores: list[Score]) -> Score:
    """Means over the origins."""
    overall = {name: _mean([score.overall[name] for score in scores]) for name in scores[0].overall}
    kinds = {}
    for kind in KINDS:
        there = [score.kinds[kind] for score in scores if kind in score.kinds]
        if there:
            kinds[kind] = {name: _mean([by_name[name] for by_name in there]) for name in there[0]}
    return Score(None, overall, kinds)


def eligible(units: Array) -> Flags:
    """Series with enough history at the end of these days to be forecast."""
    sold = units > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), units.shape[1])
    fit: Flags = (units.shape[1] - first >= MIN_DAYS) & (sold.sum(axis=1) >= MIN_SALE_DAYS)
    return fit


def _score(units: Array, start: date, origin: int, horizon: int) -> Score:
    past = units[:, :origin]
    rows = eligible(past)
    if not rows.any():
        raise TooShort(
            f"no series has {MIN_DAYS} days of history and {MIN_SALE_DAYS} sale days before "
            f"{start + timedelta(days=origin)}"
        )
    panel = panel_of(past[rows], start, days_sold(past))
    made = forecast_panel(panel, tuple(sorted({*(days for days in HORIZONS if days < horizon), horizon})))
    actual = units[rows, origin : origin + horizon]
    scale = _scale(past[rows], panel.first)
    quantiles = made.quantiles[:, -1]
    methods = {OURS: made.daily(horizon), **_baselines(past[rows], panel.first, horizon)}

    def figures(which: Flags) -> dict[str, Figures]:
        return {
            name: _figures(daily[which], actual[which], scale[which], quantiles[which] if name == OURS else None)
            for name, daily in methods.items()
        }

    kinds = {name: made.chosen.kinds == index for index, name in enumerate(KINDS)}
    return Score(
        first_day=start + timedelta(days=origin),
        overall=figures(np.ones(len(actual), dtype=bool)),
        kinds={name: figures(which) for name, which in kinds.items() if which.any()},
    )


def _baselines(past: Array, first: Ints, horizon: int) -> dict[str, Array]:
    days = past.shape[1]
    flat = np.ones(horizon)
    return {
        "seasonal naive": past[:, days - 7 + np.arange(horizon) % 7],
        "28-day average": np.outer(past[:, -28:].sum(axis=1) / 28, flat),
        "mean": np.outer(past.sum(axis=1) / (days - first), flat),
        "zero": np.zeros((len(past), horizon)),
    }


def _figures(daily: Array, actual: Array, scale: Array, quantiles: Array | None) -> Figures:
    forecast, sold = daily.sum(axis=1), actual.sum(axis=1)
    whole, scaled = float(sold.sum()), scale > 0
    squares = ((actual - daily) ** 2).mean(axis=1)
    bands: dict[str, float | None] = {}
    if quantiles is not None:
        bands = _bands(forecast, sold, quantiles)
    return Figures(
        series=len(daily),
        rmsse=float(np.sqrt(squares[scaled] / scale[scaled]).mean()) if scaled.any() else None,
        wape=float(np.abs(forecast - sold).sum() / whole) if whole else None,
        bias=float((forecast - sold).sum() / whole) if whole else None,
        **bands,
    )


def _bands(forecast: Array, sold: Array, quantiles: Array) -> dict[str, float | None]:
    low, high = quantiles[:, LEVELS.index(0.05)], quantiles[:, LEVELS.index(0.95)]
    losses = []
    for level in PINBALL:
        off = sold - quantiles[:, LEVELS.index(level)]
        losses.append(np.maximum(level * off, (level - 1) * off).mean())
    mean, expected = float(sold.mean()), float(forecast.mean())
    return {
        "pinball": float(np.mean(losses)) / mean if mean else None,
        "coverage90": float(((sold >= low) & (sold <= high)).mean()),
        "width90": float((high - low).mean()) / expected if expected else None,
    }


def _scale(past: Array, first: Ints) -> Array:
    """Mean squared first difference of each row's days since its first sale."""
    steps = np.diff(past, axis=1) ** 2
    live = np.arange(1, past.shape[1])[None, :] > first[:, None]
    scale: Array = (steps * live).sum(axis=1) / np.maximum(live.sum(axis=1), 1)
    return scale


def _mean(figures: list[Figures]) -> Figures:
    made: dict[str, Any] = {}
    for field in fields(Figures):
        known = [value for each in figures if (value := asdict(each)[field.name]) is not None]
        made[field.name] = float(np.mean(known)) if known else None
    return Figures(**made)
