"""Price rules, the uses of their coupons, and what happens to list prices."""

from .approvals import DiscountApproval
from .changes import PriceChange, PriceRecommendation
from .rules import CouponRedemption, CouponUse, PriceRule

__all__ = ["CouponRedemption", "CouponUse", "DiscountApproval", "PriceChange", "PriceRecommendation", "PriceRule"]
