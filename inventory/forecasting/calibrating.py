"""Quantiles of the sum over any horizon, from how far the backtest's own forecasts were off (split conformal).

An error is divided by what would be expected of it: sqrt(open days x variance of a day + (0.3 x forecast)^2), the
spread of independent days and the drift of a level. Such scores are alike among products that are alike, so they are
pooled: by class and, within it, by thirds of the forecast. Small pools are shrunk to larger ones, and a few windows to
the normal distribution of independent days. Overlapping windows count as no more than fit side by side.
"""

from dataclasses import dataclass

import numpy as np

from .horizons import KINDS, LEVELS
from .panel import Array, Flags, Ints, Panel
from .selecting import STEP, Selected, window_shares, window_sums
from .stored import NORMAL

DRIFT = 0.3
MIN_WINDOWS = 8
"""A horizon with fewer of them is given the scores of the next shorter one."""
THIRDS = 3
FEW = 20.0
"""A larger pool counts as so many windows of the smaller one."""
FEW_AT_ALL = 8.0
"""The normal distribution counts as so many windows."""


@dataclass(frozen=True, slots=True)
class _Scores:
    values: Array
    sums: Array
    """the forecasts they belong to"""
    products: Ints
    """and their rows"""
    overlap: float
    """how many windows hold the same day"""


def sums_and_quantiles(
    panel: Panel, factors: Array, chosen: Selected, horizons: tuple[int, ...]
) -> tuple[Array, Array]:
    """Expected sums (products x horizons) and their quantiles (products x horizons x levels), clipped at 0.

    :param horizons: days, ascending.
    """
    expected = np.stack([chosen.level * _share_ahead(panel, factors, days) for days in horizons], axis=1)
    made = np.empty((*expected.shape, len(LEVELS)))
    scores: _Scores | None = None
    for column, days in enumerate(horizons):
        scores = _scores(panel, factors, chosen, days) or scores
        share = _share_ahead(panel, factors, days)
        independent = np.sqrt(share * chosen.spread)
        scale = np.hypot(independent, DRIFT * expected[:, column])
        quantiles, weight = _pooled(scores, chosen.kinds, expected[:, column])
        normal = np.array([NORMAL.inv_cdf(level) for level in LEVELS])
        off = weight * quantiles * scale[:, None] + (1 - weight) * normal * independent[:, None]
        made[:, column] = np.maximum(0.0, expected[:, column, None] + off)
    return expected, np.maximum.accumulate(made, axis=1)


def _share_ahead(panel: Panel, factors: Array, days: int) -> Array:
    share: Array = factors[:, panel.weekday(np.arange(panel.days, panel.days + days))].sum(axis=1)
    return share


def _scores(panel: Panel, factors: Array, chosen: Selected, days: int) -> _Scores | None:
    """None where too few windows of so many days lie within the panel."""
    columns = [i for i, origin in enumerate(chosen.origins) if origin + days <= panel.days]
    if len(columns) < MIN_WINDOWS:
        return None
    later = range(7) if days < 7 else range(1)
    found = [_one(panel, factors, chosen, days, columns, offset) for offset in later]
    values, sums, usable = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    return _Scores(
        values=values[usable],
        sums=sums[usable],
        products=np.broadcast_to(np.arange(len(values))[:, None], usable.shape)[usable],
        overlap=max(1.0, days / STEP),
    )


def _one(
    panel: Panel, factors: Array, chosen: Selected, days: int, columns: list[int], offset: int
) -> tuple[Array, Array, Flags]:
    begins = tuple(chosen.origins[i] + offset for i in columns)
    share = window_shares(panel, factors, begins, days)
    sums = chosen.past[:, columns] * share
    scale = np.hypot(np.sqrt(share * chosen.past_spread[:, columns]), DRIFT * sums)
    usable = chosen.usable[:, columns] & (share > 0)
    off = window_sums(panel, begins, days) - sums
    return np.divide(off, scale, out=np.zeros_like(off), where=scale > 0), sums, usable


def _pooled(scores: _Scores | None, kinds: Ints, expected: Array) -> tuple[Array, Array]:
    """Each product's quantiles of the scores, and how far they are to be believed (products x 1)."""
    quantiles = np.zeros((len(kinds), len(LEVELS)))
    if scores is None or not len(scores.values):
        return quantiles, np.zeros((len(kinds), 1))
    everybody = np.quantile(scores.values, LEVELS)
    known = len(scores.values) / scores.overlap
    for kind in range(len(KINDS)):
        of_kind, there = kinds[scores.products] == kind, kinds == kind
        values, sums = scores.values[of_kind], scores.sums[of_kind]
        parent = _shrunk(values, everybody, scores.overlap)
        edges = np.quantile(sums, np.arange(1, THIRDS) / THIRDS) if len(sums) else np.zeros(THIRDS - 1)
        third, own = np.searchsorted(edges, sums), np.searchsorted(edges, expected)
        for part in range(THIRDS):
            quantiles[there & (own == part)] = _shrunk(values[third == part], parent, scores.overlap)
    return quantiles, np.full((len(kinds), 1), known / (known + FEW_AT_ALL))


def _shrunk(values: Array, parent: Array, overlap: float) -> Array:
    if not len(values):
        return parent
    windows = len(values) / overlap
    made: Array = (windows * np.quantile(values, LEVELS) + FEW * parent) / (windows + FEW)
    return made
