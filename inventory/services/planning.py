"""Stored forecasts and reorder points, and draft purchase orders."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from django.conf import settings

from inventory.models import (
    Forecast,
    Product,
    PurchaseOrder,
    PurchaseOrderLine,
    ReferenceCounter,
    ReorderTarget,
    Supplier,
)
from inventory.selectors import HORIZON_DAYS, Review, evidence_of, forecast_make, reorder_review

from .references import next_reference

PREFIX = "PO"


def forecast_refresh(
    *, product: Product, today: date, horizon_days: int = HORIZON_DAYS, shop_days: Collection[date] | None = None
) -> Forecast | None:
    """Store the forecast of the days from `today` on in place of the one before; None where it abstains.

    :param shop_days: see `selectors.forecast_make`.
    """
    made = forecast_make(product=product, horizon_days=horizon_days, today=today, shop_days=shop_days)
    if not isinstance(made, Forecast):
        Forecast.objects.filter(product=product, horizon_days=horizon_days).delete()
        return None
    figures = [f.name for f in Forecast._meta.concrete_fields if f.name not in ("id", "product", "horizon_days")]
    Forecast.objects.bulk_create(
        [made], update_conflicts=True, unique_fields=["product", "horizon_days"], update_fields=figures
    )
    return made


def targets_refresh(*, today: date) -> int:
    """Store the computed reorder point of every active product that has one, drop older ones; how many there are."""
    last = today - timedelta(days=1)
    targets = [
        ReorderTarget(
            product=review.product,
            reorder_point=review.plan.reorder_point,
            order_up_to=review.plan.order_up_to,
            made_on=last,
        )
        for review in reorder_review(today=today)
        if review.plan is not None and review.terms.fixed_point is None
    ]
    ReorderTarget.objects.bulk_create(
        targets,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["product"],
        update_fields=["reorder_point", "order_up_to", "made_on"],
    )
    ReorderTarget.objects.exclude(made_on=last).delete()
    return len(targets)


def reordering_lock() -> None:
    """Let one transaction at a time decide what to order: what it orders is on order for the next."""
    ReferenceCounter.objects.bulk_create([ReferenceCounter(prefix=PREFIX)], ignore_conflicts=True)
    ReferenceCounter.objects.select_for_update().get(prefix=PREFIX)


def reorder_create(*, reviews: Sequence[Review], user_id: str, task_id: UUID | None = None) -> list[PurchaseOrder]:
    """A draft purchase order for each supplier, of what these reviews say to order. Products without a supplier and
    plans of nothing are left out.
    """
    by_supplier: dict[Supplier, list[Review]] = defaultdict(list)
    for review in reviews:
        if review.product.supplier and review.plan and review.plan.quantity > 0:
            by_supplier[review.product.supplier].append(review)
    made = []
    for supplier in sorted(by_supplier, key=lambda found: found.pk):
        order = PurchaseOrder.objects.create(
            reference=next_reference(prefix=PREFIX),
            supplier=supplier,
            currency=settings.SHOP_CURRENCY,
            user_id=user_id,
            task_id=task_id,
        )
        PurchaseOrderLine.objects.create_all(
            PurchaseOrderLine(
                purchase_order=order,
                product=review.product,
                quantity=review.planned.quantity,
                unit_cost=review.product.cost,
                reason=evidence_of(review),
            )
            for review in by_supplier[supplier]
        )
        made.append(order)
    return made
