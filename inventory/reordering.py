"""When to order, and how much. Pure; statistics are floats, results Decimals.

A periodic review with a reorder point and an order-up-to level, (R, s, S) in Silver, Pyke & Thomas, Inventory and
Production Management in Supply Chains, 4th ed., ch. 6 and 7: what is ordered at one review has to last until what is
ordered at the next one arrives, so demand is protected over lead time + review.

    safety stock   SS = z * sqrt(P * sd_D**2 + D**2 * sd_L**2)     P = lead time + review period
    reorder point  s = D * P + SS
    order up to    S = s + D * review period

with D and sd_D the mean and standard deviation of a day's demand, sd_L that of the lead time and z the normal quantile
of the service level (the share of order cycles without a stock-out). Source of SS: P. King, Crack the Code, APICS
Magazine, July/August 2011, for demand and lead time that vary independently.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from math import sqrt
from statistics import NormalDist

LARGEST = Decimal("9999999999")
"""No order is larger: it has to fit its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Per day."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a product is ordered."""

    service_level: float
    lead_days: int
    lead_spread: float
    """standard deviation of the lead time, in days"""
    review_days: int
    pack_size: Decimal = Decimal(1)
    minimum_order: Decimal = Decimal(0)
    fixed_point: Decimal | None = None
    """a reorder point set by hand"""
    step: Decimal = Decimal(1)
    """the smallest part of the product's unit that is counted"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    quantity: Decimal
    """to order now; 0: nothing"""
    reorder_point: Decimal
    order_up_to: Decimal
    safety_stock: Decimal | None
    """None: the reorder point is set by hand"""
    expected_demand: Decimal | None
    """over lead time + review; None: not known"""
    days_of_cover: float | None
    """how long what is available and on order lasts; None: nothing is sold, or not known"""


def plan(terms: Terms, demand: Demand | None, *, available: Decimal, on_order: Decimal) -> Plan | None:
    """What to order; None when there is neither a known demand nor a reorder point set by hand."""
    if demand is None and terms.fixed_point is None:
        return None
    days = terms.lead_days + terms.review_days
    expected = _up(demand.mean * days, terms.step) if demand else None
    safety = _up(safety_stock(terms, demand), terms.step) if demand and terms.fixed_point is None else None
    point = terms.fixed_point if terms.fixed_point is not None else (expected or Decimal(0)) + (safety or Decimal(0))
    point = min(point, LARGEST)
    cycle = _up(demand.mean * terms.review_days, terms.step) if demand else Decimal(0)
    up_to = min(point + cycle, LARGEST)
    position = available + on_order
    wanted = terms.fixed_point is not None or (demand is not None and demand.mean > 0)
    return Plan(
        quantity=_order(up_to - position, terms) if wanted and position <= point else Decimal(0),
        reorder_point=point,
        order_up_to=up_to,
        safety_stock=safety,
        expected_demand=expected,
        days_of_cover=max(0.0, float(position)) / demand.mean if demand and demand.mean else None,
    )


def safety_stock(terms: Terms, demand: Demand) -> float:
    """Units kept against the spread of demand and lead time (the module says the formula and its source)."""
    days = terms.lead_days + terms.review_days
    spread = sqrt(days * demand.sd**2 + demand.mean**2 * terms.lead_spread**2)
    return NormalDist().inv_cdf(terms.service_level) * spread


def _order(missing: Decimal, terms: Terms) -> Decimal:
    """At least the minimum and one pack, in whole packs."""
    wanted = max(missing, terms.minimum_order, terms.pack_size)
    packs = (min(wanted, LARGEST) / terms.pack_size).to_integral_value(ROUND_CEILING)
    if packs * terms.pack_size > LARGEST:
        packs = LARGEST // terms.pack_size
    return packs * terms.pack_size


def _up(value: float, step: Decimal) -> Decimal:
    """The next multiple of the step that is not below the value."""
    capped = min(value, float(LARGEST))
    return (Decimal(repr(round(capped, 6))) / step).to_integral_value(ROUND_CEILING) * step
