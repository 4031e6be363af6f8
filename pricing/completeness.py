"""Coupons used against the redemptions that used them."""

from collections.abc import Iterator

from django.db.models import Count

from audit.completeness import Gap, Look, check, entries_merged

from .models import CouponRedemption, CouponUse

CHUNK = 2000


@check("coupons", "coupons redeemed against what is counted as used")
def coupons_add_up(look: Look) -> Iterator[Gap]:
    by_customer = CouponRedemption.objects.exclude(customer_id="").values_list("rule__code", "customer_id")
    by_rule = CouponRedemption.objects.values_list("rule__code")
    uses = CouponUse.objects.order_by("rule__code", "customer_id").values_list("rule__code", "customer_id", "used")
    counted = {"": by_rule.order_by("rule__code"), "customer": by_customer.order_by("rule__code", "customer_id")}
    for whose, redeemed in counted.items():
        told = uses.exclude(customer_id="") if whose else uses.filter(customer_id="")
        for key, used, count in entries_merged(
            (((code, who) if whose else (code,), used) for code, who, used in told.iterator(chunk_size=CHUNK)),
            ((tuple(row[:-1]), row[-1]) for row in redeemed.annotate(n=Count("pk")).iterator(chunk_size=CHUNK)),
        ):
            look.rows["coupons"] += 1
            if (used or 0) != (count or 0):
                by = f" by {key[1]}" if whose else ""
                how = f"counts {used or 0} uses, but was redeemed {count or 0} times"
                yield Gap("coupons", f"coupon of {key[0]}{by}", how)
