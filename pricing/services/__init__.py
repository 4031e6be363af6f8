"""Quoting, redeeming, and changing list prices."""

from .approving import self_approval
from .changes import price_change_approve, price_change_cancel, price_change_schedule, price_changes_apply_due
from .coupons import coupon_check, coupon_redeem
from .discounts import discount_approve
from .quoting import DEFAULT_CHANNEL, Quote, QuotedLine, as_rule, quote
from .recommending import price_advise, recommendation_approve, recommendation_propose, recommendation_reject

__all__ = [
    "DEFAULT_CHANNEL",
    "Quote",
    "QuotedLine",
    "as_rule",
    "coupon_check",
    "coupon_redeem",
    "discount_approve",
    "price_advise",
    "price_change_approve",
    "price_change_cancel",
    "price_change_schedule",
    "price_changes_apply_due",
    "quote",
    "recommendation_approve",
    "recommendation_propose",
    "recommendation_reject",
    "self_approval",
]
