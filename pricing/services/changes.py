"""Planned list prices, and putting them into force when their time has come."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit import events
from audit.history import authored
from audit.services import event_record
from inventory.models import Product
from pricing.models import PriceChange, PriceRecommendation
from shop_assistant.agents.errors import Conflict, ValidationFailed
from shop_assistant.money import is_price


def price_change_schedule(
    *,
    product: Product,
    new_price: Decimal,
    reason: str,
    user_id: str,
    effective_at: datetime | None = None,
    approved: bool = True,
) -> PriceChange:
    """Plan a product's list price from a moment on; now, when it is left out. The worker puts it into force.

    :param approved: False: it waits until somebody approves it (`price_change_approve`).
    :raises ValidationFailed: when the price is negative or not in whole minor units of the shop's currency.
    """
    if not is_price(new_price, settings.SHOP_CURRENCY):
        raise ValidationFailed(fields={"new_price": f"must be an amount in {settings.SHOP_CURRENCY}, not negative"})
    change = PriceChange(
        product=product,
        old_price=product.list_price,
        new_price=new_price,
        effective_at=effective_at or timezone.now(),
        reason=reason,
        user_id=user_id,
        status=PriceChange.Status.SCHEDULED if approved else PriceChange.Status.PROPOSED,
    )
    change.save()
    return change


@transaction.atomic
def price_change_approve(*, change: PriceChange, user_id: str) -> PriceChange:
    """Let a proposed change come into force when its time has come.

    :raises Conflict: when it does not wait for approval.
    """
    locked = _locked(change, PriceChange.Status.PROPOSED)
    locked.status = PriceChange.Status.SCHEDULED
    locked.decided_by, locked.decided_at = user_id, timezone.now()
    locked.save()
    return locked


@transaction.atomic
def price_change_cancel(*, change: PriceChange, user_id: str) -> PriceChange:
    """Call a proposed or planned change off; a recommendation it came from counts as rejected.

    :raises Conflict: when it is no longer planned.
    """
    locked = _locked(change, PriceChange.Status.PROPOSED, PriceChange.Status.SCHEDULED)
    locked.status = PriceChange.Status.CANCELLED
    locked.decided_by, locked.decided_at = user_id, timezone.now()
    locked.save()
    for recommendation in PriceRecommendation.objects.filter(change=locked):
        recommendation.status = PriceRecommendation.Status.REJECTED
        recommendation.change = None
        recommendation.decided_by, recommendation.decided_at = user_id, timezone.now()
        recommendation.save()
    return locked


def _locked(change: PriceChange, *expected: PriceChange.Status) -> PriceChange:
    """The change as it is now, its row locked, so that of two decisions at once one finds the other's."""
    rows = PriceChange.objects.select_for_update(of=("self",)).select_related("product")
    locked: PriceChange = rows.get(pk=change.pk)
    if locked.status not in expected:
        raise Conflict(f"This price change is {locked.status} already.", status=locked.status)
    return locked


def price_changes_apply_due() -> list[PriceChange]:
    """Put every planned change whose time has come into force, each in a transaction of its own; those applied."""
    due = PriceChange.objects.filter(status=PriceChange.Status.SCHEDULED, effective_at__lte=timezone.now())
    pks = list(due.order_by("effective_at", "pk").values_list("pk", flat=True))
    return [applied for pk in pks if (applied := _apply(pk))]


@transaction.atomic
def _apply(pk: int) -> PriceChange | None:
    change: PriceChange = PriceChange.objects.select_for_update().get(pk=pk)
    if change.status != PriceChange.Status.SCHEDULED:
        return None  # another worker was faster, or it was called off
    product: Product = Product.objects.select_for_update().get(pk=change.product_id)
    with authored(change.user_id, change.reason) as authorship:
        change.old_price, product.list_price = product.list_price, change.new_price
        product.save()
        change.status = PriceChange.Status.APPLIED
        change.applied_at = timezone.now()
        change.save()
        for recommendation in PriceRecommendation.objects.filter(change=change):
            recommendation.status = PriceRecommendation.Status.APPLIED
            recommendation.save()
        event_record(
            events.OBJECT_CHANGED,
            user_id=change.user_id,
            change="changed",
            model=Product._meta.label,
            key=str(product.pk),
            reason=change.reason,
            history=authorship.rows,
        )
    return change
