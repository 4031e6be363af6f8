"""A product looked at for reordering, and what is to be said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from shop_assistant.agents.fields import json_number

from . import reordering
from .analysis import stock_out_day
from .lead_times import LeadTime
from .models import Product, Supplier
from .offers import Offer, offer_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected to be sold of a product, and how that was found. Units are floats."""

    demand: reordering.Demand
    curve: Sequence[float]
    """quantiles over lead time + review, at the probabilities of reordering.grid"""
    method: str
    daily: Sequence[float]
    """expected of today and the days after; begins again at its end"""
    kind: str | None = None
    """smooth, erratic, intermittent or lumpy; None: not known"""
    error: float | None = None
    """WAPE of the backtest; None: there is none"""
    fresh_curve: Sequence[float] | None = None
    """the same as `curve` over lead time + shelf life; None: it keeps"""


@dataclass(frozen=True, slots=True)
class Mean:
    """Of a product without a fresh forecast."""

    mean: float
    """units a day"""
    sd: float
    """standard deviation of a day's"""
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    product: Product
    today: date
    terms: reordering.Terms
    lead: LeadTime
    offer: Offer | None
    """of its supplier"""
    outlook: Outlook | None
    available: Decimal
    on_order: Decimal
    in_transit: Decimal
    """on the way from one of the shop's places to another"""
    plan: reordering.Plan | None
    abstained: str = ""
    """why there is no plan"""
    suggested: Decimal | None = None
    """what the plan said before somebody, or the money, changed its quantity"""

    def changed(self, quantity: Decimal) -> "Review":
        """The same with another quantity to order."""
        plan = self.planned
        return replace(self, plan=replace(plan, quantity=quantity), suggested=plan.quantity)

    @property
    def planned(self) -> reordering.Plan:
        """The plan, where the caller knows that there is one."""
        if self.plan is None:
            raise ValueError(self.abstained)
        return self.plan

    @property
    def supplier(self) -> Supplier | None:
        """Whom it is ordered from; None: nobody is known, or the one who is delivers no more."""
        supplier = self.product.supplier
        return supplier if supplier and supplier.active else None

    @property
    def position(self) -> Decimal:
        """What is there and what will come."""
        return self.available + self.on_order + self.in_transit

    @property
    def runs_out_on(self) -> date | None:
        """The day on which demand is expected to take the last of what is available now; None: not in sight, or not
        known.
        """
        if self.outlook is None:
            return None
        day = stock_out_day(float(self.available), self.outlook.daily)
        return None if day is None else self.today + timedelta(days=day)

    @property
    def expected_expiry(self) -> float | None:
        """Units of the position and the order that are expected to expire unsold; None: it keeps, or not known."""
        if self.plan is None or self.outlook is None or self.outlook.fresh_curve is None:
            return None
        there = float(self.position + self.plan.quantity)
        return max(0.0, there - reordering.served(self.outlook.fresh_curve, there)) if there > 0 else 0.0

    @property
    def reason(self) -> str:
        """In words: why so much, or why there is no plan."""
        return self.abstained if self.plan is None else _reason(self, self.plan)

    def unit_cost(self, quantity: Decimal) -> Decimal | None:
        """Of one unit when so many are ordered, in the shop's currency; None: not known."""
        return offer_price(self.offer, quantity) if self.offer else self.product.cost


def evidence_of(review: Review) -> dict[str, Any]:
    """What the quantity to order rests on, as JSON values."""
    plan, terms, lead, outlook = review.planned, review.terms, review.lead, review.outlook
    demand = outlook.demand if outlook else None
    runs_out_on = review.runs_out_on
    return {
        "expected_demand": None if plan.expected_demand is None else json_number(plan.expected_demand),
        "quantile": _rounded(demand.quantile) if demand else None,
        "daily_demand": _rounded(demand.mean) if demand else None,
        "daily_spread": _rounded(demand.sd) if demand else None,
        "demand_class": outlook.kind if outlook else None,
        "method": outlook.method if outlook else None,
        "backtest_wape": outlook.error if outlook else None,
        "lead_time_days": _rounded(terms.lead_days),
        "lead_time_spread_days": _rounded(terms.lead_spread),
        "lead_time_source": lead.source,
        "deliveries": lead.receipts,
        "review_days": terms.review_days,
        "service_level": terms.service_level,
        "suggested": None if review.suggested is None else json_number(review.suggested),
        "safety_stock": None if plan.safety_stock is None else json_number(plan.safety_stock),
        "available": json_number(review.available),
        "on_order": json_number(review.on_order),
        "in_transit": json_number(review.in_transit),
        "days_of_cover": _rounded(plan.days_of_cover),
        "runs_out_on": runs_out_on.isoformat() if runs_out_on else None,
        "shelf_life_days": terms.shelf_life_days,
        "expected_expiry": _rounded(review.expected_expiry),
    }


def _reason(review: Review, plan: reordering.Plan) -> str:
    by_hand = review.terms.fixed_point is not None
    point, position = _told(plan.reorder_point), _told(review.position)
    moving = f" + {_told(review.in_transit)} in transit" if review.in_transit else ""
    parts = f"{_told(review.available)} available + {_told(review.on_order)} on order{moving} = {position}"
    how = "set by hand" if by_hand else "computed"
    if review.position > plan.reorder_point:
        said = f"{parts}, above the reorder point of {point} ({how}): nothing to order"
    elif plan.quantity or plan.capped:
        said = f"{parts}, not above the reorder point of {point} ({how}): order up to {_told(plan.order_up_to)}"
    else:
        said = f"{parts}, and nothing is sold: nothing to order"
    return ". ".join([said, *_more(review, plan)])


def _more(review: Review, plan: reordering.Plan) -> list[str]:
    """Sentences about demand, stock and expiry."""
    told = []
    terms, outlook = review.terms, review.outlook
    if outlook is not None:
        spread = f" ± {terms.lead_spread:.2g}" if terms.lead_spread else ""
        told.append(
            f"{_units(outlook.demand.expected)} are expected to be sold in {terms.lead_days:.2g}{spread} days of lead "
            f"time and {terms.review_days} days to the next review, with a probability of {terms.service_level:.3g} no "
            f"more than {_units(outlook.demand.quantile)} ({outlook.method})"
        )
    if review.available > 0 and review.runs_out_on is not None:
        told.append(f"What is available runs out on {review.runs_out_on}")
    if plan.capped:
        most = "No more than that" if plan.quantity else "Nothing is ordered: less than the least order"
        told.append(f"{most} sells within its shelf life of {terms.shelf_life_days} days")
    if outlook is not None and outlook.error is not None:
        told.append(f"Such forecasts of it were off by {outlook.error:.0%}")
    return told


def _told(quantity: Decimal) -> str:
    return f"{json_number(quantity)}"


def _units(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _rounded(value: float | None) -> float | None:
    return value if value is None else round(value, 4)
