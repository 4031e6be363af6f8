"""Reading a stored forecast (the package says its form). No numpy: the web process reads, and only reads."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any

NORMAL = NormalDist()


def mean_of_sum(stored: Mapping[str, Any], days: float) -> float:
    """Expected units over so many days from the first day forecast on.

    :raises ValueError: without any day.
    """
    _check_days(days)
    known: Sequence[float] = stored["days"]
    return _between((0, *known), (0.0, *stored["expected"]), days)


def quantile_of_sum(stored: Mapping[str, Any], days: float, level: float) -> float:
    """Units that the demand of so many days stays at or below with probability `level`.

    Between two levels it runs straight over the normal quantile of the level, as the tails of such sums nearly do, and
    beyond the last as between the last two. Beyond the longest horizon the mean grows with the days and the distance
    from it with their square root.

    :raises ValueError: without any day, or a level that is not between 0 and 1.
    """
    _check_days(days)
    if not 0 < level < 1:
        raise ValueError("a level lies between 0 and 1")
    known: Sequence[float] = stored["days"]
    sums = [_at_level(stored["levels"], row, level) for row in stored["sums"]]
    longest = known[-1]
    if days <= longest:
        return max(0.0, _between((0, *known), (0.0, *sums), days))
    spread = sums[-1] - float(stored["expected"][-1])
    return max(sums[-1], mean_of_sum(stored, days) + spread * sqrt(days / longest))


def _at_level(levels: Sequence[float], values: Sequence[float], level: float) -> float:
    index = min(max(bisect_right(levels, level) - 1, 0), len(levels) - 2)
    low, high = NORMAL.inv_cdf(levels[index]), NORMAL.inv_cdf(levels[index + 1])
    slope = (values[index + 1] - values[index]) / (high - low)
    return max(0.0, values[index] + slope * (NORMAL.inv_cdf(level) - low))


def _between(at: Sequence[float], values: Sequence[float], wanted: float) -> float:
    """Straight between two points, and on beyond the last as between the last two."""
    index = min(bisect_right(at, wanted) - 1, len(at) - 2)
    slope = (values[index + 1] - values[index]) / (at[index + 1] - at[index])
    return values[index] + slope * (wanted - at[index])


def _check_days(days: float) -> None:
    if not days > 0:
        raise ValueError("a horizon has at least some part of a day")
