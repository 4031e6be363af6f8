"""What is beyond a product's usual: single wholesale orders."""

import numpy as np

from .replaying import Array

TIMES = 10.0
"""A day that sold more than so many times the usual sale day is a one-off order as far as it is beyond that."""
USUAL_AFTER = 5
"""sale days; before them nothing is known to be usual"""
MEMORY = 0.05
"""weight of the latest sale day in the usual one, at least"""


def without_one_offs(units: Array) -> Array:
    """Demand, cut off at what its own earlier days make possible: products x days."""
    made = np.empty_like(units)
    usual, seen = np.zeros(len(units)), np.zeros(len(units))
    for day in range(units.shape[1]):
        most = np.where(seen >= USUAL_AFTER, TIMES * usual, np.inf)
        sold = made[:, day] = np.minimum(units[:, day], most)
        any_sold = sold > 0
        seen += any_sold
        usual += np.where(any_sold, np.maximum(MEMORY, 1 / np.maximum(seen, 1.0)) * (sold - usual), 0.0)
    return made
