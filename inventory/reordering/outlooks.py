"""The demand of many products over lead time + review, as curves of quantiles. Statistics are floats; it needs numpy.

A curve is the demand's quantile at each probability of GRID. Between two of them it runs straight over the normal
quantile of the probability, and beyond the last as between the last two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import GRID, SCORES, WEIGHTS

Array = NDArray[np.float64]

NODES = tuple((node + 0.5) / 9 for node in range(9))
"""Probabilities of the lead times that stand for all of them, each for a ninth."""
SMOOTH = "smooth"
"""the class of demand that the normal distribution fits"""
CHUNK = 2000
"""products at a time: some hundred numbers each"""
_GRID, _SCORES, _SHARES = np.array(GRID), np.array(SCORES), np.array(WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Lead times of many products, in days."""

    mean: Array
    spread: Array
    """standard deviation"""
    nodes: Array
    """products x NODES, ascending and equally likely"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlooks:
    """By product."""

    mean: Array
    """a day's"""
    sd: Array
    """a day's"""
    expected: Array
    """over lead time + review"""
    cycle: Array
    """expected over one review period"""
    curves: Array
    """of lead time + review: products x GRID"""


def outlooks(stored: Sequence[Mapping[str, Any]], lead: Lead, review: Array) -> Outlooks:
    """From forecasts in their stored form (see `inventory.forecasting`), all of the same horizons.

    :param review: days.
    """
    days, levels = stored[0]["days"], stored[0]["levels"]
    expected = np.array([each["expected"] for each in stored])
    sums = np.array([each["sums"] for each in stored])
    mean, sd = (np.array([each[name] for each in stored]) for name in ("day_mean", "day_sd"))
    whole = sums_at(days, expected, lead.mean + review)
    smooth = np.array([each["kind"] == SMOOTH for each in stored])
    return Outlooks(
        mean=mean,
        sd=sd,
        expected=whole,
        cycle=sums_at(days, expected, review),
        curves=np.where(
            smooth[:, None],
            normal_curves(whole, normal_sd(mean, sd, lead, review)),
            curves_of_sums(days, levels, sums, lead.nodes, review),
        ),
    )


def sums_at(known_days: Sequence[float], sums: Array, days: Array) -> Array:
    """Each product's sums over its own number of days: straight between the known ones, on as between the last two.

    :param sums: products x known days (x levels).
    :param days: not below 0, by product.
    """
    at = np.array([0.0, *known_days])
    values = np.concatenate([np.zeros_like(sums[:, :1]), sums], axis=1)
    index = np.clip(np.searchsorted(at, days, side="right") - 1, 0, len(at) - 2)
    weight = (days - at[index]) / (at[index + 1] - at[index])
    row = np.arange(len(sums))
    low, high = values[row, index], values[row, index + 1]
    made: Array = np.maximum(low + (high - low) * (weight if sums.ndim == 2 else weight[:, None]), 0.0)
    return made


def curves_of_sums(
    known_days: Sequence[float], levels: Sequence[float], sums: Array, lead_days: Array, review: Array
) -> Array:
    """Curves from the quantiles of forecasts. The demand of each possible lead time counts as often as that occurs.

    :param sums: quantiles of sums: products x known days x levels.
    :param lead_days: `Lead.nodes`.
    """
    scores = scores_of(levels)
    vary = bool((lead_days[:, -1] > lead_days[:, 0]).any())
    made = np.empty((len(sums), len(GRID)))
    for begin in range(0, len(sums), CHUNK):
        part = slice(begin, begin + CHUNK)
        days = lead_days[part] + review[part, None]
        parts = [
            _between(scores, sums_at(known_days, sums[part], days[:, node]), _SCORES)
            for node in (range(days.shape[1]) if vary else (0,))
        ]
        made[part] = _mixed(parts) if vary else parts[0]
    return np.maximum.accumulate(made, axis=1)


def normal_curves(mean: Array, sd: Array) -> Array:
    """Curves of normal distributions, cut off at 0."""
    made: Array = np.maximum(mean[:, None] + sd[:, None] * _SCORES, 0.0)
    return made


def normal_sd(mean: Array, sd: Array, lead: Lead, review: Array) -> Array:
    """Standard deviation of the demand of lead time + review, from a day's mean and standard deviation (the package
    says the formula and its source).
    """
    made: Array = np.sqrt((lead.mean + review) * sd**2 + mean**2 * lead.spread**2)
    return made


def quantiles_of(curves: Array, levels: Array | float) -> Array:
    """Each curve's value at its own probability, or all at one."""
    score = scores_of(np.broadcast_to(np.asarray(levels, dtype=float), len(curves)))
    index = np.clip(np.searchsorted(_SCORES, score, side="right") - 1, 0, len(SCORES) - 2)
    row = np.arange(len(curves))
    low, high = curves[row, index], curves[row, index + 1]
    weight = (score - _SCORES[index]) / (_SCORES[index + 1] - _SCORES[index])
    made: Array = np.maximum(low + (high - low) * weight, 0.0)
    return made


def scores_of(levels: Sequence[float] | Array) -> Array:
    """The normal quantile of each probability."""
    unique, place = np.unique(np.asarray(levels, dtype=float), return_inverse=True)
    made: Array = np.array([NormalDist().inv_cdf(float(level)) for level in unique])[place]
    return made


def _between(scores: Array, values: Array, wanted: Array) -> Array:
    """Rows of quantiles at `scores` as quantiles at the scores `wanted`."""
    index = np.clip(np.searchsorted(scores, wanted, side="right") - 1, 0, len(scores) - 2)
    weight = (wanted - scores[index]) / (scores[index + 1] - scores[index])
    made: Array = np.maximum(values[:, index] + (values[:, index + 1] - values[:, index]) * weight, 0.0)
    return made


def _mixed(parts: list[Array]) -> Array:
    """Curves of the equal mixture of distributions that are given as curves."""
    values = np.concatenate(parts, axis=1)
    shares = np.tile(_SHARES / len(parts), len(parts))
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    middle = np.cumsum(shares[order], axis=1) - shares[order] / 2
    return np.stack([np.interp(_GRID, at, row) for at, row in zip(middle, values, strict=True)])
