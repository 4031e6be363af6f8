"""One product's order from its demand, its terms and its stock."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from .terms import Demand, Plan, Terms

LARGEST = Decimal("9999999999")
"""No order is larger: it has to fit its column."""
ZERO = Decimal(0)


def plan(terms: Terms, demand: Demand | None, *, available: Decimal, on_order: Decimal) -> Plan | None:
    """What to order; None when there is neither a known demand nor a reorder point set by hand.

    :param available: what can be sold; below zero where more was promised than there is.
    """
    if demand is None and terms.fixed_point is None:
        return None
    expected = up(demand.expected, terms.step) if demand else None
    point = terms.fixed_point if terms.fixed_point is not None else up(demand.quantile if demand else 0.0, terms.step)
    point = min(point, LARGEST)
    # At least a step above a point set by hand: what is ordered up to just that point would be ordered again.
    least = ZERO if terms.fixed_point is None else terms.step
    up_to = min(point + max(up(demand.cycle, terms.step) if demand else ZERO, least), LARGEST)
    position = available + on_order
    wanted = terms.fixed_point is not None or (demand is not None and demand.mean > 0)
    quantity, capped = ZERO, False
    if wanted and position <= point:
        quantity, capped = _order(up_to - position, terms), False
        if demand is not None and demand.fresh is not None:
            most = _packs(Decimal(repr(round(demand.fresh, 6))) - position, terms, ROUND_FLOOR)
            quantity, capped = (quantity, False) if quantity <= most else (_at_least(most, terms), True)
    return Plan(
        quantity=quantity,
        reorder_point=point,
        order_up_to=up_to,
        safety_stock=max(ZERO, point - (expected or ZERO)) if terms.fixed_point is None else None,
        expected_demand=expected,
        days_of_cover=max(0.0, float(position)) / demand.mean if demand and demand.mean else None,
        capped=capped,
    )


def up(value: float, step: Decimal) -> Decimal:
    """The next multiple of the step that is not below the value."""
    capped = min(value, float(LARGEST))
    return (Decimal(repr(round(capped, 6))) / step).to_integral_value(ROUND_CEILING) * step


def _order(missing: Decimal, terms: Terms) -> Decimal:
    """At least the minimum and one pack, in whole packs."""
    return _packs(max(missing, terms.minimum_order, terms.pack_size), terms, ROUND_CEILING)


def _packs(quantity: Decimal, terms: Terms, rounding: str) -> Decimal:
    packs = (min(quantity, LARGEST) / terms.pack_size).to_integral_value(rounding)
    if packs * terms.pack_size > LARGEST:
        packs = LARGEST // terms.pack_size
    return max(packs, ZERO) * terms.pack_size


def _at_least(most: Decimal, terms: Terms) -> Decimal:
    """Nothing rather than less than the supplier delivers."""
    return most if most > 0 and most >= terms.minimum_order else ZERO
