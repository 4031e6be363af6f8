"""What to order: the pure modules fed from the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import Round

from inventory import forecasting, reordering
from inventory.lead_times import LeadTime
from inventory.models import Forecast, Location, OrderLine, Product, ReorderPolicy, StockLevel
from inventory.offers import Offer
from inventory.reorder_reviews import Mean, Review

from .available import with_available
from .catalog import IS_KIT
from .demand import demand_rows
from .lead_times import lead_times_of
from .purchasing import offer_terms, offers_of, on_order_of
from .sales import day_start

SPREAD_DAYS = 84
"""Where no forecast is stored, demand rests on so many days."""
FEW = 500
"""So many products are named in a query; of more, all are read."""
ZERO = Decimal(0)


def reorder_review(
    *, products: QuerySet[Product] | None = None, service_level: float | None = None, today: date
) -> list[Review]:
    """Look at these products (all active ones when left out) for reordering, by SKU; kits, which are never ordered, are
    left out. Up to eleven queries, however many products.

    Demand is that of the stored forecast where there is a fresh one, else mean and standard deviation of the last 84
    days.

    :param service_level: share of order cycles without a stock-out; None: as each product's policy says.
    """
    # Late import: numpy, which a web process needs only here.
    from .outlooks import outlooks_of

    rows = (Product.objects.filter(active=True) if products is None else products).exclude(IS_KIT)
    since = today - timedelta(days=SPREAD_DAYS)
    earlier = OrderLine.objects.filter(product=OuterRef("pk"), order__occurred_at__lt=day_start(since))
    found: list[Any] = list(
        with_available(rows)
        .select_related("supplier", "reorder_policy")
        .annotate(sold_before=Exists(earlier))
        .order_by("sku")
    )
    keys = rows.order_by().values("pk")
    leads, usual = lead_times_of(found), ReorderPolicy()
    offers = {key: offer_terms(offer) for key, offer in offers_of(keys).items()}
    terms = {
        product.pk: _terms(
            product, getattr(product, "reorder_policy", usual), offers.get(product.pk), leads[product.pk], service_level
        )
        for product in found
    }
    fresh = {
        row.product_id: row for row in Forecast.objects.filter(product__in=keys, made_on=today - timedelta(days=1))
    }
    means, poor = _means([product for product in found if product.pk not in fresh], keys, since, today)
    outlooks = outlooks_of(fresh, means, terms, leads)
    coming, moving = on_order_of(keys), _in_transit(keys)
    return [
        _planned(
            Review(
                product=product,
                today=today,
                terms=terms[product.pk],
                lead=leads[product.pk],
                offer=offers.get(product.pk),
                outlook=outlooks.get(product.pk),
                available=Decimal(product.available),
                on_order=coming.get(product.pk, ZERO),
                in_transit=moving.get(product.pk, ZERO),
                plan=None,
                abstained=poor.get(product.pk, ""),
            )
        )
        for product in found
    ]


def _planned(review: Review) -> Review:
    if not review.product.active:
        return replace(review, abstained="no longer sold")
    demand = review.outlook.demand if review.outlook else None
    coming = review.on_order + review.in_transit
    return replace(review, plan=reordering.plan(review.terms, demand, available=review.available, on_order=coming))


def _means(
    products: Sequence[Any], keys: QuerySet[Any, Any], since: date, today: date
) -> tuple[Mapping[int, Mean], Mapping[int, str]]:
    """Demand of products without a fresh forecast; and of those with too little history, why there is none."""
    if not products:
        return {}, {}
    sold: dict[int, dict[date, float]] = defaultdict(dict)
    wanted = [product.pk for product in products] if len(products) <= FEW else keys
    for key, day, units in demand_rows(wanted, since=since, until=today - timedelta(days=1)):
        sold[key][day] = float(units)
    means: dict[int, Mean] = {}
    poor: dict[int, str] = {}
    for product in products:
        days = sold.get(product.pk, {})
        first = since if product.sold_before else min(days, default=today)
        count = (today - first).days
        if reasons := forecasting.too_little(count, sum(units > 0 for units in days.values())):
            poor[product.pk] = f"not enough sales in the last {SPREAD_DAYS} days: {'; '.join(reasons)}"
            continue
        mean = sum(days.values()) / count
        squares = sum((units - mean) ** 2 for units in days.values()) + (count - len(days)) * mean**2
        means[product.pk] = Mean(mean, sqrt(squares / count), count)
    return means, poor


def _terms(
    product: Product, policy: ReorderPolicy, offer: Offer | None, lead: LeadTime, service_level: float | None
) -> reordering.Terms:
    """Packs and minimum are the supplier's, where it is known what it offers."""
    return reordering.Terms(
        service_level=service_level or float(policy.service_level),
        lead_days=lead.mean_days,
        lead_spread=lead.sd_days,
        review_days=policy.review_days,
        pack_size=offer.pack_size if offer else Decimal(policy.pack_size),
        minimum_order=offer.minimum_order if offer else Decimal(policy.minimum_order),
        fixed_point=policy.reorder_point,
        step=Decimal(1) if product.counted_in_pieces else Decimal("0.001"),
        shelf_life_days=product.shelf_life_days,
    )


def _in_transit(keys: QuerySet[Any, Any]) -> dict[int, Decimal]:
    rows = StockLevel.objects.filter(product__in=keys, location__kind=Location.Kind.TRANSIT, on_hand__gt=0).order_by()
    whole = rows.values("product_id").annotate(whole=Round(Sum("on_hand"), precision=3))
    return dict(whole.values_list("product_id", "whole"))
