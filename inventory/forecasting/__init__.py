"""What will be sold in the coming days, from what was sold in the past. Pure: no Django; statistics are floats.

What others need of a forecast is its **stored** form, a dict of JSON values (`Forecast.quantiles`):

    {"days":     [1, 7, 14, 28, 56, 91],           horizons, from the day after the history on
     "expected": [1.2, 8.4, ...],                   mean of the sum over each horizon
     "levels":   [0.05, 0.1, ..., 0.99, 0.995],     levels of the quantiles
     "sums":     [[0, 0, ..., 4, 5], ...],          by horizon: the quantile of the SUM at each level
     "day_mean": 1.2, "day_sd": 2.1,                a day's demand: mean expected, standard deviation seen
     "kind":     "lumpy"}                           smooth, erratic, intermittent or lumpy (Syntetos & Boylan 2005)

and these functions read it, without numpy:

    quantile_of_sum(stored, days, level) -> float   the sum over so many days stays at or below it with this
                                                    probability; days > 0 (fractions too), 0 < level < 1
    mean_of_sum(stored, days) -> float              expected sum over so many days

Both interpolate between horizons and go on beyond the last; the quantiles are clipped at 0 and never fall with the
days or the level. How good the forecast was stands beside it (`Forecast.backtest`: wape, rmsse, bias).

The forecasts themselves are made by `engine.forecast_panel`, many products at a time, and rated by `scoring.rolling`;
both need numpy, so they are imported where they are used, not here: a web process starts without it.
"""

from .abstaining import MIN_DAYS, MIN_SALE_DAYS, Abstained, too_little
from .analogy import Peer, by_analogy
from .horizons import HORIZONS, KINDS, LEVELS
from .stored import mean_of_sum, quantile_of_sum

__all__ = [
    "HORIZONS",
    "KINDS",
    "LEVELS",
    "MIN_DAYS",
    "MIN_SALE_DAYS",
    "Abstained",
    "Peer",
    "by_analogy",
    "mean_of_sum",
    "quantile_of_sum",
    "too_little",
]
