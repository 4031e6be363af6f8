"""What a plan rests on, and the plan. Pure; statistics are floats, results Decimals."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is expected to be sold of one product, in its unit."""

    mean: float
    """a day"""
    sd: float
    """a day"""
    expected: float
    """over lead time + review period"""
    quantile: float
    """The demand of that time stays at or below it with the probability of the service level."""
    cycle: float
    """expected over one review period"""
    fresh: float | None = None
    """expected over lead time + shelf life; None: it keeps"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a product is ordered."""

    service_level: float
    """share of order cycles without a stock-out"""
    lead_days: float
    """mean"""
    lead_spread: float
    """standard deviation of the lead time, in days"""
    review_days: int
    pack_size: Decimal = Decimal(1)
    minimum_order: Decimal = Decimal(0)
    fixed_point: Decimal | None = None
    """a reorder point set by hand"""
    step: Decimal = Decimal(1)
    """the smallest part of the product's unit that is counted"""
    shelf_life_days: int | None = None
    """None: it keeps"""


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
    capped: bool = False
    """less than up to the level, because more would not sell before it expires"""
