"""The probabilities at which a product's demand over lead time + review is kept. No numpy."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist

GRID = (
    *(0.005, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85),
    *(0.9, 0.925, 0.95, 0.9625, 0.975, 0.9825, 0.99, 0.995, 0.9975, 0.999),
)
SCORES = tuple(NormalDist().inv_cdf(probability) for probability in GRID)
WEIGHTS = tuple(high - low for low, high in pairwise([0.0, *((one + next_) / 2 for one, next_ in pairwise(GRID)), 1.0]))
"""The share of all cases that each value of a curve stands for."""


def served(curve: Sequence[float], stock: float) -> float:
    """Units expected to be sold of so many that are there: the mean of the lesser of demand and stock."""
    reached = bisect_right(curve, stock)
    below = sum(weight * value for weight, value in zip(WEIGHTS[:reached], curve, strict=False))
    return below + stock * sum(WEIGHTS[reached:])
