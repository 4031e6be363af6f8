"""How long deliveries take, learned from those that arrived. Pure; days are floats.

Few deliveries are known of most suppliers, and single ones are very late: what lies far out is taken for the fence that
it lies beyond, the median plus or minus three scaled median absolute deviations (P. J. Rousseeuw, C. Croux:
Alternatives to the Median Absolute Deviation, JASA 88, 1993), so that it still says "late", but not how late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from statistics import NormalDist, fmean, median, stdev
from typing import Literal

LEAST = 5
"""So many deliveries have to be known, else their spread says nothing."""
NORMAL_MAD = 1.4826
"""times the median absolute deviation is the standard deviation of a normal distribution"""
FENCE = 3.0
LEAST_SCALE = 0.5
"""days; deliveries that always took equally long would otherwise make any other an outlier"""

Source = Literal["product", "supplier", "entered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """From the order's being sent to the goods' arrival."""

    mean_days: float
    sd_days: float
    receipts: int
    """deliveries it was learned from; 0: entered by hand"""
    source: Source
    """learned from deliveries of this product by this supplier, of anything by this supplier, or entered by hand"""
    days: tuple[float, ...] = ()
    """what the deliveries took, ascending; empty: entered by hand"""

    def quantile(self, p: float) -> float:
        """So many days are enough in a share `p` of cases: of the deliveries, by linear interpolation between them;
        where none are known, of the normal distribution, cut off at 0.

        :raises ValueError: unless 0 < p < 1.
        """
        if not 0 < p < 1:
            raise ValueError("p must be between 0 and 1")
        if not self.days:
            return max(0.0, self.mean_days + NormalDist().inv_cdf(p) * self.sd_days)
        place = p * (len(self.days) - 1)
        low = floor(place)
        high = min(low + 1, len(self.days) - 1)
        return self.days[low] + (place - low) * (self.days[high] - self.days[low])


def entered(*, days: float, spread: float = 0.0) -> LeadTime:
    """What somebody entered by hand: mean and standard deviation, in days."""
    return LeadTime(mean_days=days, sd_days=spread, receipts=0, source="entered")


def learned(days: Sequence[float], source: Source) -> LeadTime | None:
    """What these deliveries teach; None when they are too few."""
    if len(days) < LEAST:
        return None
    kept = sorted(_fenced([max(0.0, each) for each in days]))
    return LeadTime(mean_days=fmean(kept), sd_days=stdev(kept), receipts=len(kept), source=source, days=tuple(kept))


def _fenced(days: Sequence[float]) -> list[float]:
    middle = median(days)
    scale = max(NORMAL_MAD * median(abs(each - middle) for each in days), LEAST_SCALE)
    low, high = middle - FENCE * scale, middle + FENCE * scale
    return [min(max(each, low), high) for each in days]
