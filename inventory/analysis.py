"""What matters among many products. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from math import ceil, sqrt
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
A_SHARE, B_SHARE = Decimal("0.80"), Decimal("0.95")


def abc_classes(values: Mapping[Key, Decimal]) -> dict[Key, str]:
    """Classes A, B and C by value, such as a year's turnover (H. F. Dickie, "ABC inventory analysis shoots for dollars,
    not pennies", 1951): in falling order, A are those with which the first 80 % of all value is reached, B those up to
    95 %, C the rest and whatever is worth nothing. Equal values keep the order in which they come.
    """
    whole = sum((max(value, Decimal(0)) for value in values.values()), Decimal(0))
    classes, before = {}, Decimal(0)
    for key, value in sorted(values.items(), key=lambda pair: -pair[1]):
        share = before / whole if whole else Decimal(1)
        classes[key] = "C" if value <= 0 else "A" if share < A_SHARE else "B" if share < B_SHARE else "C"
        before += max(value, Decimal(0))
    return classes


STEADY, SWINGING = 0.5, 1.0
LONGEST_COVER = 3650
"""Days; what lasts longer lasts for ever."""


def variation(units: float, squares: float, weeks: int) -> float | None:
    """The coefficient of variation (standard deviation / mean) of so many weeks' demand.

    :param squares: the sum of the squares of the weeks' units.
    :return: None where nothing was sold on the whole, or of less than two weeks.
    """
    if units <= 0 or weeks < 2:
        return None
    mean = units / weeks
    return sqrt(max(squares / weeks - mean * mean, 0.0)) / mean


def xyz_class(swing: float | None) -> str:
    """X: weekly demand swings by up to half its mean, Y: by up to all of it, Z: by more, or nothing is sold."""
    if swing is None or swing > SWINGING:
        return "Z"
    return "X" if swing <= STEADY else "Y"


def days_of_cover(available: float, daily: float) -> float | None:
    """How many days of demand are there; None: no end is in sight."""
    if available <= 0:
        return 0.0
    days = available / daily if daily > 0 else LONGEST_COVER + 1.0
    return days if days <= LONGEST_COVER else None


def stock_out_day(available: float, daily: Sequence[float]) -> int | None:
    """The day, today being 0, on which demand takes the last of it; `daily` is what is expected of today and the days
    after, and begins again at its end. None: no end is in sight.
    """
    if available <= 0:
        return 0
    round_ = sum(daily)
    if round_ <= 0 or available > round_ / len(daily) * LONGEST_COVER:
        return None
    turns = max(ceil(available / round_) - 1, 0)
    left, day = available - turns * round_, turns * len(daily)
    for number, units in enumerate(daily):
        left -= units
        if left <= 1e-9:
            return day + number
    return day + len(daily)
