"""A coupon's limits, exact however many sales contend for its last use."""

from django.db import transaction
from django.db.models import F

from pricing.models import CouponRedemption, CouponUse, PriceRule
from pricing.selectors import coupon_uses
from shop_assistant.agents.errors import ClarificationNeeded, Conflict


def coupon_check(*, rule: PriceRule, customer_id: str | None) -> None:
    """Whether the coupon can be used once more, at this moment.

    :raises ClarificationNeeded: when it is limited by customer and none is named.
    :raises Conflict: when it is used up.
    """
    limits = _limits(rule, customer_id)
    uses = coupon_uses(rule=rule, customer_id=customer_id or "")
    for who, limit in limits.items():
        if limit is not None and uses.get(who, 0) >= limit:
            raise _used_up(rule, who, limit)


@transaction.atomic
def coupon_redeem(*, rule: PriceRule, order_reference: str, customer_id: str | None) -> CouponRedemption:
    """Count one use of the coupon, for the shop and for the customer, and record for which order.

    :raises ClarificationNeeded: when it is limited by customer and none is named.
    :raises Conflict: when it is used up; nothing is counted then.
    """
    limits = _limits(rule, customer_id)
    CouponUse.objects.bulk_create([CouponUse(rule=rule, customer_id=who) for who in limits], ignore_conflicts=True)
    for who, limit in limits.items():
        open_uses = CouponUse.objects.filter(rule=rule, customer_id=who)
        if limit is not None:
            open_uses = open_uses.filter(used__lt=limit)
        if not open_uses.update(used=F("used") + 1):
            raise _used_up(rule, who, limit)
    redemption = CouponRedemption(rule=rule, order_reference=order_reference, customer_id=customer_id or "")
    redemption.save()
    return redemption


def _limits(rule: PriceRule, customer_id: str | None) -> dict[str, int | None]:
    """The limit for everyone under "", the customer's under the customer's id: always locked in this order."""
    if customer_id:
        return {"": rule.coupon_limit, customer_id: rule.coupon_limit_per_customer}
    if rule.coupon_limit_per_customer is not None:
        raise ClarificationNeeded(
            f"The coupon {rule.coupon} is limited for each customer: name the customer.",
            coupon=rule.coupon,
            missing="customer_id",
        )
    return {"": rule.coupon_limit}


def _used_up(rule: PriceRule, who: str, limit: int | None) -> Conflict:
    whose = "this customer has" if who else "its customers have"
    return Conflict(
        f"The coupon {rule.coupon} is used up: {whose} used it {limit} times.", coupon=rule.coupon, limit=limit
    )
