"""How much each method has to say about each product: rolling-origin backtest on the days there are.

A product's own backtest is short, so its verdict is shrunk to that of its class, and no method wins outright: a
method's weight is its error to the power of -8, which leaves the near-equal ones nearly equal weights and bad ones
none. A class (smooth, erratic, intermittent, lumpy) in which that blend would have been worse than the better of its
two baselines, the mean or the week before, gets this baseline instead.
"""

from dataclasses import dataclass

import numpy as np

from .horizons import KINDS
from .methods import BASELINES, levels_at
from .panel import Array, Flags, Ints, Panel

HORIZON = 28
"""days"""
STEP = 7
"""days between two origins"""
MAX_ORIGINS = 26
MIN_TRAINING = 28
"""days"""
POWER = 8
OWN_WINDOWS = 26.0
"""A class's verdict counts as so many windows of the product's own."""
LONG_GAP = 1.32
"""mean days between two days with sales"""
ERRATIC = 0.49
"""squared coefficient of variation of the units of such days; both from Syntetos, Boylan & Croston (2005)"""
POOL = 20
"""So many products are taken for a whole shop, whose total is worth keeping to."""
FARTHEST = 1.5
"""Where the last four weeks' total is off by a larger factor, a few orders made it, and it is kept to so far only."""


@dataclass(frozen=True, slots=True)
class Selected:
    origins: tuple[int, ...]
    """newest first, as indices of days"""
    weights: Array
    """methods x products"""
    names: tuple[str, ...]
    kinds: Ints
    """index into KINDS, by product"""
    level: Array
    """units an open day from the end of the panel on, by product"""
    past: Array
    """the same at each origin: products x origins"""
    spread: Array
    """variance of an open day's units from the end on"""
    past_spread: Array
    usable: Flags
    """whether a product had enough days at an origin: products x origins"""
    baseline: Array
    """level of the better baseline at each origin, by product: products x origins"""


def kinds_of(panel: Panel) -> Ints:
    """Each product's class by its days since the first sale, as an index into KINDS."""
    live = (np.arange(panel.days)[None, :] >= panel.first[:, None]) & ~np.isnan(panel.units)
    units = np.nan_to_num(panel.units)
    sales = np.maximum((units > 0).sum(axis=1), 1)
    mean = units.sum(axis=1) / sales
    square = (units**2).sum(axis=1) / sales
    varied = np.divide(square, mean**2, out=np.ones_like(mean), where=mean > 0) - 1.0
    gap = live.sum(axis=1) / sales
    made: Ints = 2 * (gap >= LONG_GAP).astype(np.int64) + (varied >= ERRATIC)
    return made


def select(panel: Panel, factors: Array) -> Selected:
    """Backtest every method on every product and weigh them.

    :param factors: `panel.weekday_factors`.
    """
    origins = tuple(range(panel.days - HORIZON, MIN_TRAINING - 1, -STEP)[:MAX_ORIGINS])
    found, spreads = levels_at(panel, (panel.days, *origins))
    names = tuple(found)
    levels = np.stack(list(found.values()))
    usable = np.stack([origin - panel.first >= MIN_TRAINING for origin in origins], axis=1)
    actual = window_sums(panel, origins, HORIZON)
    share = window_shares(panel, factors, origins, HORIZON)
    errors = (np.abs(actual - levels[:, :, 1:] * share) * usable).sum(axis=2)
    kinds = kinds_of(panel)
    weights = _weights(errors, usable.sum(axis=1), kinds, names.index("blend"))
    weights = _fallen_back(weights, levels, actual, share, usable, kinds, names)
    blended = np.einsum("mp,mpo->po", weights, levels)
    before = tuple(max(0, at - HORIZON) for at in (panel.days, *origins))
    there = np.concatenate([np.ones((len(blended), 1), dtype=bool), usable], axis=1)
    expected = blended * window_shares(panel, factors, before, HORIZON)
    blended = blended * kept_to_total(expected, window_sums(panel, before, HORIZON), there, kinds)
    base = [names.index(name) for name in BASELINES]
    better = errors[base].argmin(axis=0)
    return Selected(
        origins=origins,
        weights=weights,
        names=names,
        kinds=kinds,
        level=blended[:, 0],
        past=blended[:, 1:],
        spread=spreads[:, 0],
        past_spread=spreads[:, 1:],
        usable=usable,
        baseline=levels[np.array(base)[better], np.arange(len(blended)), 1:],
    )


def kept_to_total(expected: Array, recent: Array, there: Flags, kinds: Ints) -> Array:
    """By what the forecasts of each class are multiplied, at each origin, for their total to be that of the last four
    weeks, as far as their demand is known: products x origins.

    Damped one-off orders make single products' forecasts better and the shop's total too low; four whole weeks of a
    whole shop are as good a forecast of its total as any, and follow the season. A few products are no shop.
    """
    factors = np.ones_like(expected)
    enough = there.sum(axis=0) >= POOL
    for kind in range(len(KINDS)):
        own = kinds == kind
        made = (expected * there)[own].sum(axis=0)
        seen = (recent * there)[own].sum(axis=0)
        possible = enough & (made > 0) & (seen > 0)
        factors[own] = np.divide(seen, made, out=np.ones_like(seen), where=possible)
    return np.clip(factors, 1 / FARTHEST, FARTHEST)


def window_sums(panel: Panel, begins: tuple[int, ...], days: int) -> Array:
    """Units of the known days of each window: products x windows."""
    gone = np.concatenate([np.zeros((len(panel.units), 1)), np.cumsum(np.nan_to_num(panel.units), axis=1)], axis=1)
    begin = np.array(begins)
    whole: Array = gone[:, np.minimum(begin + days, panel.days)] - gone[:, begin]
    return whole


def window_shares(panel: Panel, factors: Array, begins: tuple[int, ...], days: int) -> Array:
    """What a level is multiplied by for the sum of each window's known days: products x windows."""
    unknown = np.isnan(panel.units)
    made = np.empty((len(factors), len(begins)))
    for column, begin in enumerate(begins):
        daily = factors[:, panel.weekday(np.arange(begin, begin + days))]
        made[:, column] = (daily * ~unknown[:, begin : begin + days]).sum(axis=1)
    return made


def _weights(errors: Array, windows: Ints, kinds: Ints, reference: int) -> Array:
    """:param errors: sums of absolute errors, methods x products."""
    own = errors[reference]
    mean = own / np.maximum(windows, 1)
    relative = np.ones_like(errors)
    for kind in range(len(KINDS)):
        there = kinds == kind
        if there.any() and own[there].sum() > 0:
            usual = np.clip(errors[:, there] / np.maximum(own[there], 1e-9), 0, 5).mean(axis=1)[:, None]
            shrunk = errors[:, there] + OWN_WINDOWS * mean[there] * usual
            relative[:, there] = shrunk / np.maximum(own[there] + OWN_WINDOWS * mean[there], 1e-9)
    weights = np.maximum(relative, 0.05) ** -POWER
    normed: Array = weights / weights.sum(axis=0)
    return normed


def _fallen_back(
    weights: Array, levels: Array, actual: Array, share: Array, usable: Flags, kinds: Ints, names: tuple[str, ...]
) -> Array:
    weights = weights.copy()
    blended = np.einsum("mp,mpo->po", weights, levels[:, :, 1:])
    for kind in range(len(KINDS)):
        there = kinds == kind
        if not there.any():
            continue

        def wrong(level: Array, there: Flags = there) -> float:
            return float((np.abs(actual - level * share) * usable)[there].sum())

        base = {name: wrong(levels[names.index(name), :, 1:]) for name in BASELINES}
        best = min(base, key=lambda name: base[name])
        if base[best] < wrong(blended):
            weights[:, there] = 0.0
            weights[names.index(best), there] = 1.0
    return weights
