"""A new product's demand, from that of the products of its category.

The mean demands of the category's products are taken for draws of a gamma distribution, and the new product's own days
for Poisson evidence on its own, discounted by how much more than Poisson the others vary: its level is the mean of the
conjugate posterior (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6). The quantiles of a sum are those of a gamma
distribution with the predictive mean and variance, by Wilson & Hilferty's approximation (PNAS 17 (1931) 684-688).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, median, pvariance
from typing import Any

from .horizons import HORIZONS, LEVELS
from .stored import NORMAL

METHOD = "analogy with its category"
MIN_PEERS = 5


@dataclass(frozen=True, slots=True)
class Peer:
    """Another product's day: mean, standard deviation and class of its demand."""

    mean: float
    sd: float
    kind: str


def by_analogy(units: float, days: float, peers: Sequence[Peer]) -> dict[str, Any] | None:
    """The stored form of a new product's forecast; None with fewer than five peers, or when none of them sells.

    :param units: sold so far, within so many days.
    """
    means = [peer.mean for peer in peers]
    if len(peers) < MIN_PEERS or not any(means):
        return None
    usual = fmean(means)
    between = max(pvariance(means), (usual / 10) ** 2)
    dispersion = max(1.0, median(peer.sd**2 / peer.mean for peer in peers if peer.mean))
    shape = usual**2 / between + units / dispersion
    rate = usual / between + days / dispersion
    mean = shape / rate
    expected = [mean * horizon for horizon in HORIZONS]
    spreads = [horizon * dispersion * mean + horizon**2 * shape / rate**2 for horizon in HORIZONS]
    return {
        "days": list(HORIZONS),
        "expected": [round(value, 4) for value in expected],
        "levels": list(LEVELS),
        "sums": [
            [round(_gamma(level, m, variance), 4) for level in LEVELS]
            for m, variance in zip(expected, spreads, strict=True)
        ],
        "day_mean": round(mean, 4),
        "day_sd": round(sqrt(dispersion * mean), 4),
        "kind": Counter(peer.kind for peer in peers).most_common(1)[0][0],
    }


def _gamma(level: float, mean: float, variance: float) -> float:
    ninth = variance / mean**2 / 9
    root: float = 1 - ninth + NORMAL.inv_cdf(level) * sqrt(ninth)
    return mean * max(0.0, root) ** 3
