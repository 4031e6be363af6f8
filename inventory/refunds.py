"""What is paid back for goods that return. Pure.

A part of a line is refunded as the difference of two cumulative amounts, each rounded once: so the parts add up to
exactly what was paid, in whatever portions the goods come back, and the last unit gets the remainder.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)


def allocate(amount: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """Shares of an amount in proportion to the weights, in whole units, that add up to exactly the amount.

    With weights in whole units and an amount not above their sum, no share exceeds its weight.
    """
    whole, seen, given = sum(weights, ZERO), ZERO, ZERO
    shares = []
    for weight in weights:
        seen += weight
        due = _rounded(amount * seen / whole, unit) if seen != whole else amount
        shares.append(due - given)
        given = due
    return shares


def part(amount: Decimal, *, sold: Decimal, before: Decimal, now: Decimal, unit: Decimal) -> Decimal:
    """The part of `amount` that belongs to `now` more of the `sold` units, when `before` of them came back earlier."""
    return _until(amount, sold, before + now, unit) - _until(amount, sold, before, unit)


def _until(amount: Decimal, sold: Decimal, returned: Decimal, unit: Decimal) -> Decimal:
    return amount if returned == sold else min(amount, _rounded(amount * returned / sold, unit))


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, ROUND_HALF_UP)
