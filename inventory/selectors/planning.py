"""What will be sold and what to order: the pure modules fed from the database."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Sum

from inventory import forecasting, reordering
from inventory.models import Forecast, OrderLine, Product, PurchaseOrder, PurchaseOrderLine, ReorderPolicy, StockLevel
from inventory.models.columns import MAX_QUANTITY
from shop_assistant.agents.fields import json_number

from .sales import daily_demand, day_start, demand_rows, open_days

HISTORY_DAYS = 364
"""52 whole weeks"""
HORIZON_DAYS = 28
"""of the forecasts that are stored every night, and that reordering reads"""
SPREAD_DAYS = 84
"""Demand's standard deviation, and its mean where no forecast is stored, rest on so many days."""
LEAD_DAYS = 7
"""of a product without a supplier"""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Review:
    """A product looked at for reordering."""

    product: Product
    terms: reordering.Terms
    demand: reordering.Demand | None
    method: str
    """how the mean demand was found"""
    available: Decimal
    on_order: Decimal
    plan: reordering.Plan | None
    reason: str
    """in words; of there being no plan, where there is none"""

    @property
    def planned(self) -> reordering.Plan:
        """The plan, where the caller knows that there is one."""
        if self.plan is None:
            raise ValueError(self.reason)
        return self.plan


def evidence_of(review: Review) -> dict[str, Any]:
    """What the quantity to order rests on, as JSON values."""
    plan, terms, demand = review.planned, review.terms, review.demand
    return {
        "expected_demand": None if plan.expected_demand is None else json_number(plan.expected_demand),
        "daily_demand": _rounded(demand.mean) if demand else None,
        "daily_spread": _rounded(demand.sd) if demand else None,
        "method": review.method or None,
        "lead_time_days": terms.lead_days,
        "lead_time_spread_days": terms.lead_spread,
        "review_days": terms.review_days,
        "service_level": terms.service_level,
        "safety_stock": None if plan.safety_stock is None else json_number(plan.safety_stock),
        "days_of_cover": _rounded(plan.days_of_cover),
    }


def forecast_get(*, product: Product, horizon_days: int, today: date) -> Forecast | forecasting.Forecasted:
    """The forecast of the days from `today` on: the stored one if it rests on yesterday, else made now (not stored), or
    a refusal with its reasons; up to three queries.
    """
    stored: Forecast | None = Forecast.objects.filter(
        product=product, horizon_days=horizon_days, made_on=today - timedelta(days=1)
    ).first()
    return stored or forecast_make(product=product, horizon_days=horizon_days, today=today)


def forecast_make(
    *, product: Product, horizon_days: int, today: date, shop_days: Collection[date] | None = None
) -> Forecast | forecasting.Forecasted:
    """A forecast that is not stored, or a refusal; one query, and one more without `shop_days`.

    :param shop_days: days on which the shop sold anything, where the caller has read them already.
    """
    last = today - timedelta(days=1)
    since = last - timedelta(days=HISTORY_DAYS - 1)
    sold = daily_demand(product=product, since=since, until=last)
    first = min(sold, default=today)
    units = [float(sold.get(first + timedelta(days=i), ZERO)) for i in range((today - first).days)]
    if shop_days is None and not forecasting.too_little(len(units), sum(u > 0 for u in units)):
        shop_days = open_days(since=first, until=last)
    made = forecasting.forecast(units, start=first, horizon=horizon_days, shop_days=shop_days)
    return _as_row(product, made, made.backtest, last) if made.backtest else made


def _as_row(product: Product, made: forecasting.Forecasted, backtest: forecasting.Backtest, last: date) -> Forecast:
    daily = [as_quantity(units) for units in made.daily]
    expected = min(sum(daily, ZERO), MAX_QUANTITY)
    return Forecast(
        product=product,
        made_on=last,
        horizon_days=len(daily),
        method=made.method,
        expected=expected,
        low=min(as_quantity(made.low), expected),
        high=max(as_quantity(made.high), expected),
        daily=[float(units) for units in daily],
        backtest={name: _rounded(value) for name, value in asdict(backtest).items()},
        history={"days": made.days, "sale_days": made.sale_days, "units": float(as_quantity(made.units))},
    )


def reorder_review(
    *, products: QuerySet[Product] | None = None, service_level: float | None = None, today: date
) -> list[Review]:
    """Look at these products (all active ones when left out) for reordering, by SKU; five queries, however many.

    Demand is the mean of the stored forecast where there is a fresh one, else of the last 84 days; its standard
    deviation is that of the days of these 84.
    """
    rows = Product.objects.filter(active=True) if products is None else products
    figures = _figures(rows.order_by().values("pk"), today)
    earlier = OrderLine.objects.filter(product=OuterRef("pk"), order__occurred_at__lt=day_start(figures.since))
    found = rows.select_related("supplier", "reorder_policy").annotate(sold_before=Exists(earlier)).order_by("sku")
    usual = ReorderPolicy()
    return [
        _look_at(product, getattr(product, "reorder_policy", usual), service_level, figures, product.sold_before)
        for product in found
    ]


@dataclass(frozen=True, slots=True)
class _Figures:
    """Of many products at once, by primary key."""

    today: date
    since: date
    free: dict[int, Decimal]
    coming: dict[int, Decimal]
    sold: dict[int, dict[date, float]]
    """net units of the days with sales since `since`"""
    forecasts: dict[int, tuple[float, str]]
    """units a day and method of the fresh stored ones"""


def _figures(keys: QuerySet[Any, Any], today: date) -> _Figures:
    last = today - timedelta(days=1)
    since = last - timedelta(days=SPREAD_DAYS - 1)
    sold: dict[int, dict[date, float]] = defaultdict(dict)
    for key, day, units in demand_rows(keys, since=since, until=last):
        sold[key][day] = float(units)
    fresh = Forecast.objects.filter(product__in=keys, horizon_days=HORIZON_DAYS, made_on=last)
    return _Figures(
        today=today,
        since=since,
        free=dict(_sums(StockLevel.objects.filter(product__in=keys), F("on_hand") - F("reserved"))),
        coming=dict(_sums(_open_purchases().filter(product__in=keys), F("quantity"))),
        sold=sold,
        forecasts={
            key: (float(units) / HORIZON_DAYS, method)
            for key, units, method in fresh.values_list("product_id", "expected", "method")
        },
    )


def _look_at(
    product: Product, policy: ReorderPolicy, service_level: float | None, figures: _Figures, sold_before: bool
) -> Review:
    sold = figures.sold.get(product.pk, {})
    first = figures.since if sold_before else min(sold, default=figures.today)
    demand, method, reason = _demand(sold, (figures.today - first).days, figures.forecasts.get(product.pk))
    terms = _terms(product, policy, service_level)
    available, on_order = figures.free.get(product.pk, ZERO), figures.coming.get(product.pk, ZERO)
    plan = reordering.plan(terms, demand, available=available, on_order=on_order) if product.active else None
    if plan is not None:
        reason = _in_words(plan, available, on_order, "computed" if terms.fixed_point is None else "set by hand")
    elif not product.active:
        reason = "no longer sold"
    return Review(product, terms, demand, method, available, on_order, plan, reason)


def _demand(
    sold: dict[date, float], days: int, stored: tuple[float, str] | None
) -> tuple[reordering.Demand | None, str, str]:
    """A day's demand, how it was found, and why it was not."""
    if not stored and (reasons := forecasting.too_little(days, sum(units > 0 for units in sold.values()))):
        return None, "", f"not enough sales in the last {SPREAD_DAYS} days: {'; '.join(reasons)}"
    days = max(days, 1)
    mean = sum(sold.values()) / days
    squares = sum((units - mean) ** 2 for units in sold.values()) + (days - len(sold)) * mean**2
    level, method = stored or (mean, f"mean of {days} days")
    return reordering.Demand(mean=level, sd=sqrt(squares / days)), method, ""


def _in_words(plan: reordering.Plan, available: Decimal, on_order: Decimal, how: str) -> str:
    position, point = json_number(available + on_order), json_number(plan.reorder_point)
    parts = f"{json_number(available)} available + {json_number(on_order)} on order = {position}"
    if plan.quantity:
        return f"{parts}, not above the reorder point of {point} ({how}): order up to {json_number(plan.order_up_to)}"
    return f"{parts}, above the reorder point of {point} ({how}): nothing to order"


def _terms(product: Product, policy: ReorderPolicy, service_level: float | None) -> reordering.Terms:
    supplier = product.supplier
    return reordering.Terms(
        service_level=service_level or float(policy.service_level),
        lead_days=supplier.lead_time_days if supplier else LEAD_DAYS,
        lead_spread=float(supplier.lead_time_spread) if supplier else 0.0,
        review_days=policy.review_days,
        pack_size=Decimal(policy.pack_size),
        minimum_order=Decimal(policy.minimum_order),
        fixed_point=policy.reorder_point,
        step=Decimal(1) if product.counted_in_pieces else Decimal("0.001"),
    )


def _open_purchases() -> QuerySet[PurchaseOrderLine]:
    Status = PurchaseOrder.Status
    rows: QuerySet[PurchaseOrderLine] = PurchaseOrderLine.objects.filter(
        purchase_order__status__in=[Status.DRAFT, Status.SENT]
    )
    return rows


def _sums(rows: QuerySet[Any], what: Any) -> QuerySet[Any, tuple[int, Decimal]]:
    return rows.order_by().values("product_id").annotate(whole=Sum(what)).values_list("product_id", "whole")


def as_quantity(units: float) -> Decimal:
    """Statistics as a quantity that fits its column."""
    return min(Decimal(repr(round(max(units, 0.0), 3))), MAX_QUANTITY)


def _rounded(value: float | None) -> float | None:
    return value if value is None else round(value, 4)
