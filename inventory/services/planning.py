"""Reorder points, and draft purchase orders."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from inventory.models import (
    PurchaseOrder,
    ReferenceCounter,
    ReorderTarget,
    Supplier,
)
from inventory.reorder_reviews import Review, evidence_of
from inventory.selectors import reorder_review

from .purchasing import PREFIX, WantedLine, purchase_create


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
        if review.supplier and review.plan and review.plan.quantity > 0:
            by_supplier[review.supplier].append(review)
    return [
        purchase_create(
            supplier=supplier,
            lines=[
                WantedLine(product=review.product, quantity=review.planned.quantity, reason=evidence_of(review))
                for review in by_supplier[supplier]
            ],
            user_id=user_id,
            task_id=task_id,
        )
        for supplier in sorted(by_supplier, key=lambda found: found.pk)
    ]
