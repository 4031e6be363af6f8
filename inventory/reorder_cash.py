"""The part of an order that a budget buys."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.conf import settings

from shop_assistant.agents.fields import json_number
from shop_assistant.money import round_money, tax_of

from .offers import Offer, orderable
from .reorder_reviews import Review
from .reordering import Bought, Step, cash_plan, served, steps_of

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What of a review the money did not reach, and why."""

    review: Review
    ordered: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    reviews: list[Review]
    """what is bought, with its quantities"""
    spent: Decimal
    whole_cost: Decimal
    """of all the reviews, as far as costs are known"""
    expected: float
    """margin, or units served, that the order is expected to add"""
    left: list[Left]


def budget_spend(reviews: Sequence[Review], budget: Decimal, *, margin: bool) -> Spent:
    """The order within these reviews that is expected to bring the most margin, or to serve the most units, over lead
    time + review for this much money.

    A unit brings its list price without tax, less its cost, if it is expected to be sold in that time.
    """
    lines: dict[Hashable, list[Step]] = {}
    why: dict[Hashable, str] = {}
    for review in reviews:
        key = review.product.pk
        if problem := _unfit(review, margin):
            why[key] = problem
        else:
            lines[key] = _steps(review, margin)
    bought = cash_plan(lines, budget)
    left = [
        Left(
            review=review,
            ordered=ordered,
            reason=why.get(review.product.pk) or _unreached(review, bought, lines, budget),
        )
        for review in reviews
        if (ordered := _quantity(bought, review)) < review.planned.quantity
    ]
    return Spent(
        reviews=[review.changed(_quantity(bought, review)) for review in reviews if _quantity(bought, review)],
        spent=bought.spent,
        whole_cost=sum((cost_of(review, review.planned.quantity) or ZERO for review in reviews), ZERO),
        expected=bought.gain,
        left=left,
    )


def cost_of(review: Review, quantity: Decimal) -> Decimal | None:
    """Of so many units, in minor units of the currency; None: not known."""
    unit = review.unit_cost(quantity)
    return None if unit is None else round_money(quantity * unit, settings.SHOP_CURRENCY)


def _unfit(review: Review, margin: bool) -> str:
    if review.unit_cost(review.planned.quantity) is None:
        return "its cost is not known"
    if review.outlook is None:
        return "nothing is known of its demand"
    if margin and _earned(review, review.planned.quantity) <= 0:
        return "it costs as much as it brings"
    return ""


def _steps(review: Review, margin: bool) -> list[Step]:
    terms, wanted = review.terms, review.planned.quantity
    offer = Offer(unit_cost=ZERO, pack_size=terms.pack_size, minimum_order=terms.minimum_order)
    curve = [float(units) for units in review.outlook.curve] if review.outlook else []
    without = served(curve, float(review.position))
    return steps_of(
        least=orderable(offer, terms.pack_size),
        wanted=wanted,
        pack=terms.pack_size,
        cost=lambda quantity: cost_of(review, quantity) or ZERO,
        gain=partial(_gain, review, curve, without, margin),
    )


def _gain(review: Review, curve: Sequence[float], without: float, margin: bool, quantity: Decimal) -> float:
    """:param without: units expected to be sold of what is there and will come."""
    units = served(curve, float(review.position + quantity)) - without
    return units * float(_earned(review, quantity)) if margin else units


def _earned(review: Review, quantity: Decimal) -> Decimal:
    """By one unit sold, of so many ordered."""
    price = review.product.list_price
    tax = tax_of(price, review.product.tax_rate, included=True) if settings.PRICES_INCLUDE_TAX else ZERO
    return price - tax - (review.unit_cost(quantity) or ZERO)


def _quantity(bought: Bought, review: Review) -> Decimal:
    step = bought.steps.get(review.product.pk)
    return step.quantity if step else ZERO


def _unreached(review: Review, bought: Bought, lines: dict[Hashable, list[Step]], budget: Decimal) -> str:
    steps = lines[review.product.pk]
    taken = bought.steps.get(review.product.pk)
    following = steps[steps.index(taken) + 1 if taken else 0]
    extra = following.cost - (taken.cost if taken else ZERO)
    gain = following.gain - (taken.gain if taken else 0.0)
    if not bought.spent:
        return f"the least of it costs {json_number(extra)}, more than the budget"
    usual = bought.gain / float(bought.spent)
    brings = gain / float(extra) if extra > 0 else 0.0
    each = f"each {settings.SHOP_CURRENCY} more for it is expected to bring {brings:.3g}"
    told = f"{each}, what is ordered brings {usual:.3g}"
    unspent = budget - bought.spent
    return (
        told
        if extra <= unspent
        else f"{told}; its next pack costs {json_number(extra)}, and {json_number(unspent)} is left"
    )
