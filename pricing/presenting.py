"""Quotes, advice and rules as the operations answer them."""

from typing import Any, Literal

from django.conf import settings

from inventory.models import Product
from shop_assistant.money import round_money

from .elasticity import Advice, Effect, History
from .models import DiscountApproval, PriceChange, PriceRecommendation
from .rules import described
from .schemas import (
    Calculated,
    CalculatedBasket,
    DiscountApproved,
    Elasticity,
    LinePrice,
    PriceDecision,
    PriceEffects,
    PriceEvidence,
    PriceInterval,
    Recommended,
    RuleItem,
    RuleReason,
    WeeklyEffect,
    statistic,
)
from .services import Quote, QuotedLine, as_rule

PRICE_BASIS = "the list price in force, not the price charged: that is lower because more was bought"
CAVEAT = "A steady trend over time is taken out; seasons, stock-outs and what else changed with the price are not."


def single(quote: Quote) -> Calculated:
    (line,) = quote.lines
    return Calculated(**_line(line), currency=quote.currency, tax_included=quote.tax_included)


def basket(quote: Quote) -> CalculatedBasket:
    return CalculatedBasket(
        lines=[LinePrice(**_line(line)) for line in quote.lines],
        subtotal=quote.subtotal,
        savings=quote.discount,
        tax=quote.tax,
        total_cost=quote.total,
        currency=quote.currency,
        tax_included=quote.tax_included,
    )


def _line(line: QuotedLine) -> dict[str, Any]:
    return {
        "sku": line.product.sku,
        "product_name": line.product.name,
        "base_price": line.base_price,
        "quantity": line.quantity,
        "discount_percent": line.discount_percent,
        "unit_price_after_discount": line.unit_price,
        "total_cost": line.total,
        "savings": line.savings,
        "applicable_rules": list(line.rules),
        "tax": line.tax,
        "tax_rate": line.tax_rate,
        "reasons": [RuleReason(rule=e.rule, applied=e.applied, reason=e.reason) for e in line.reasons],
    }


def recommended(product: Product, objective: str, advice: Advice) -> Recommended:
    """The advice in full; `recommendation_id` is not known yet."""
    expected = interval = elasticity = None
    if advice.units and advice.revenue:
        profit = _effect(advice.profit) if advice.profit else None
        expected = PriceEffects(units=_effect(advice.units), revenue=_effect(advice.revenue), profit=profit)
    if advice.low is not None and advice.high is not None:
        interval = PriceInterval(low=advice.low, high=advice.high)
    if advice.fit:
        elasticity = Elasticity(
            value=statistic(advice.fit.elasticity),
            std_error=statistic(advice.fit.std_error),
            low=statistic(advice.fit.low),
            high=statistic(advice.fit.high),
            r2=statistic(advice.fit.r2),
        )
    return Recommended(
        sku=product.sku,
        product_name=product.name,
        objective=objective,
        currency=settings.SHOP_CURRENCY,
        current_price=product.list_price,
        abstained=advice.price is None,
        recommended_price=advice.price,
        interval=interval,
        elasticity=elasticity,
        expected=expected,
        evidence=_evidence(advice.history) if advice.history else None,
        reasons=list(advice.reasons),
        recommendation_id=None,
    )


def _effect(effect: Effect) -> WeeklyEffect:
    change = statistic((effect.then / effect.now - 1) * 100) if effect.now > 0 else None
    return WeeklyEffect(now=statistic(effect.now), then=statistic(effect.then), change_percent=change)


def _evidence(history: History) -> PriceEvidence:
    return PriceEvidence(
        weeks=history.weeks,
        mixed_weeks=history.mixed_weeks,
        weeks_spanned=history.weeks_spanned,
        distinct_prices=history.prices,
        lowest_price=statistic(history.lowest),
        highest_price=statistic(history.highest),
        discounted_share=statistic(history.discounted_share),
        price_basis=PRICE_BASIS,
        caveat=CAVEAT,
    )


def rule_item(rule: Any) -> RuleItem:
    """A rule of `rule_page`."""
    return RuleItem(
        rule_id=rule.code,
        name=rule.name,
        kind=rule.kind,
        value=rule.value,
        summary=described(as_rule(rule)),
        min_quantity=rule.min_quantity,
        sku=rule.product.sku if rule.product else None,
        category=rule.category.name if rule.category else None,
        customer_tier=rule.customer_tier or None,
        channel=rule.channel or None,
        starts_at=rule.starts_at,
        ends_at=rule.ends_at,
        priority=rule.priority,
        exclusive=rule.exclusive,
        coupon=rule.coupon,
        coupon_limit=rule.coupon_limit,
        coupon_limit_per_customer=rule.coupon_limit_per_customer,
        coupon_used=rule.coupon_used,
        active=rule.active,
    )


Approval = Literal["four eyes", "self-approved", "declined"]


def decided_change(change: PriceChange, approval: Approval) -> PriceDecision:
    """What became of a proposed or planned change."""
    return PriceDecision(
        change_id=change.pk,
        recommendation_id=None,
        sku=change.product.sku,
        product_name=change.product.name,
        current_price=change.product.list_price,
        new_price=round_money(change.new_price, settings.SHOP_CURRENCY),
        currency=settings.SHOP_CURRENCY,
        status=change.status,
        effective_at=None if approval == "declined" else change.effective_at,
        proposed_by=change.user_id,
        decided_by=change.decided_by,
        approval=approval,
    )


def decided_recommendation(found: PriceRecommendation, approval: Approval, decided_by: str) -> PriceDecision:
    """What became of a recommendation."""
    return PriceDecision(
        change_id=found.change.pk if found.change else None,
        recommendation_id=found.pk,
        sku=found.product.sku,
        product_name=found.product.name,
        current_price=found.current_price,
        new_price=round_money(found.recommended_price, settings.SHOP_CURRENCY),
        currency=settings.SHOP_CURRENCY,
        status=found.status,
        effective_at=found.change.effective_at if found.change else None,
        proposed_by=found.proposed_by,
        decided_by=decided_by,
        approval=approval,
    )


def approved_discount(made: DiscountApproval) -> DiscountApproved:
    return DiscountApproved(
        rule_id=made.rule.code,
        percent=made.percent,
        made_by=made.made_by,
        approved_by=made.approved_by,
        approved_at=made.approved_at,
        approval="self-approved" if made.self_approved else "four eyes",
    )
