"""How the shop would have fared: past demand replayed day by day with the policy of `inventory.reordering`, beside what
shops do otherwise. Pure; it needs numpy.

A day begins with the deliveries, then (every review period) orders are placed, then goods are sold from the shelf; what
is not there is lost. Every rule sees the days before, lost sales included, and meets the same lead times.

One-off orders, ten times a product's usual sale day and beyond, are nothing that a shelf is filled for: what is beyond
that is left out for all rules alike, unless told otherwise.

    fill rate      units served / units asked for, over all products
    cycle service  share of order cycles (from a delivery to the next one of a product) without a stock-out
    average stock  on hand at the end of a day, all products together
"""

from .running import Outcome, Result, Settings, TooShort, simulate

__all__ = ["Outcome", "Result", "Settings", "TooShort", "simulate"]
