"""What delivered goods have cost with freight, duty and such. Pure.

Every amount ends in the ledger to its last digit: the shares of a cost add up to it, and where a part's cost can't be
divided by its quantity, a few of its units cost a ten-thousandth more than the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from .refunds import allocate

ZERO = Decimal(0)
GRAIN = Decimal("0.0001")
"""Costs of a unit are kept in ten-thousandths of the currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    amount: Decimal
    """in whole minor units of the currency"""
    by_value: bool
    """a part's share of it is in proportion to its value; else to its quantity"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    quantity: Decimal
    unit_cost: Decimal

    @property
    def value(self) -> Decimal:
        return self.quantity * self.unit_cost


def landed(costs: Sequence[Cost], parts: Sequence[Part], unit: Decimal) -> list[Decimal]:
    """Each part's share of all these costs, in whole minor units (`unit`), which add up to exactly the costs. Of parts
    that are worth nothing at all, a cost by value is shared by quantity.
    """
    shares = [ZERO] * len(parts)
    for cost in costs:
        weights = [part.value if cost.by_value else part.quantity for part in parts]
        if not any(weights):
            weights = [part.quantity for part in parts]
        shares = [share + more for share, more in zip(shares, allocate(cost.amount, weights, unit), strict=True)]
    return shares


def units_at(quantity: Decimal, total: Decimal) -> list[tuple[Decimal, Decimal]]:
    """How many units cost how much each, so that all of them together cost exactly the total: one cost where the total
    can be divided by the quantity, else two that are a ten-thousandth apart.

    With a quantity in thousandths and a total in ten-millionths (one of both multiplied) both are exact.
    """
    low = (total / quantity).quantize(GRAIN, ROUND_DOWN)
    dearer = (total - quantity * low) / GRAIN
    found = [(quantity - dearer, low), (dearer, low + GRAIN)]
    return [(units, cost) for units, cost in found if units]
