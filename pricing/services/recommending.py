"""Recommended list prices: asking for one, and deciding on it."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inventory.models import Product
from pricing.elasticity import Advice, Objective, Terms, advise
from pricing.models import PriceChange, PriceRecommendation
from pricing.selectors import weekly_sales
from shop_assistant.agents.errors import Conflict
from shop_assistant.money import HUNDRED, minor_unit

from .changes import price_change_schedule


def terms_of(product: Product) -> Terms:
    """The product as the statistics see it."""
    return Terms(
        price=product.list_price,
        cost=product.cost,
        tax_factor=1 + product.tax_rate / HUNDRED if settings.PRICES_INCLUDE_TAX else Decimal(1),
        minor_unit=minor_unit(settings.SHOP_CURRENCY),
    )


def price_advise(*, product: Product, objective: Objective) -> Advice:
    """What the last two years of sales say about the product's list price; may abstain."""
    if not settings.ENABLE_PRICE_OPTIMIZATION:
        return Advice(reasons=("Price optimization is switched off (ENABLE_PRICE_OPTIMIZATION).",))
    return advise(weekly_sales(product=product), terms_of(product), objective)


@transaction.atomic
def recommendation_propose(
    *, product: Product, objective: Objective, price: Decimal, evidence: Any, expected: Any, user_id: str
) -> PriceRecommendation:
    """Store a recommendation for a person to decide on. A newer one takes the place of one still undecided."""
    Product.objects.select_for_update().get(pk=product.pk)  # one proposal at a time
    proposed = PriceRecommendation.objects.filter(
        product=product, objective=objective, status=PriceRecommendation.Status.PROPOSED
    ).first() or PriceRecommendation(product=product, objective=objective)
    proposed.current_price = product.list_price
    proposed.recommended_price = price
    proposed.evidence, proposed.expected = evidence, expected
    proposed.proposed_at, proposed.proposed_by = timezone.now(), user_id
    proposed.save()
    return proposed


@transaction.atomic
def recommendation_approve(*, recommendation: PriceRecommendation, user_id: str) -> PriceChange:
    """Plan the recommended price from now on.

    :raises Conflict: when it was decided already, or the list price is no longer the one it was made for.
    """
    locked = _undecided(recommendation)
    product = locked.product
    if product.list_price != locked.current_price:
        raise Conflict(
            f"The list price of {product.sku} has changed since: ask for a new recommendation.",
            current_price=product.list_price,
        )
    locked.change = price_change_schedule(
        product=product,
        new_price=locked.recommended_price,
        reason=f"recommended for {locked.objective}",
        user_id=user_id,
    )
    _decide(locked, PriceRecommendation.Status.APPROVED, user_id)
    return locked.change


@transaction.atomic
def recommendation_reject(*, recommendation: PriceRecommendation, user_id: str) -> PriceRecommendation:
    """:raises Conflict: when it was decided already."""
    locked = _undecided(recommendation)
    _decide(locked, PriceRecommendation.Status.REJECTED, user_id)
    return locked


def _undecided(recommendation: PriceRecommendation) -> PriceRecommendation:
    locked: PriceRecommendation = (
        PriceRecommendation.objects.select_for_update(of=("self",)).select_related("product").get(pk=recommendation.pk)
    )
    if locked.status != PriceRecommendation.Status.PROPOSED:
        raise Conflict(f"This recommendation is {locked.status} already.", status=locked.status)
    return locked


def _decide(recommendation: PriceRecommendation, status: PriceRecommendation.Status, user_id: str) -> None:
    recommendation.status = status
    recommendation.decided_by, recommendation.decided_at = user_id, timezone.now()
    recommendation.save()
