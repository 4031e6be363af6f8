"""Redeeming coupons: limits hold, also when many sales contend for the last use."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from audit.models import AppendOnlyError
from pricing.models import CouponRedemption, CouponUse, PriceRule
from pricing.services import coupon_redeem
from shop_assistant.agents.errors import ClarificationNeeded, Conflict


def coupon(**limits: int) -> PriceRule:
    made: PriceRule = PriceRule.objects.create(code="R", name="R", kind="percent", value=10, coupon="SAVE", **limits)
    return made


def used(rule: PriceRule) -> dict[str, int]:
    return dict(CouponUse.objects.filter(rule=rule).values_list("customer_id", "used"))


@pytest.mark.django_db
def test_uses_are_counted_and_recorded():
    rule = coupon()
    coupon_redeem(rule=rule, order_reference="S-000001", customer_id="CUST001")
    coupon_redeem(rule=rule, order_reference="S-000002", customer_id=None)
    assert used(rule) == {"": 2, "CUST001": 1}
    assert list(CouponRedemption.objects.order_by("pk").values_list("order_reference", "customer_id")) == [
        ("S-000001", "CUST001"),
        ("S-000002", ""),
    ]


@pytest.mark.django_db
def test_a_limit_for_all():
    rule = coupon(coupon_limit=2)
    for n in range(2):
        coupon_redeem(rule=rule, order_reference=f"S-{n}", customer_id=None)
    with pytest.raises(Conflict, match="its customers have used it 2 times"):
        coupon_redeem(rule=rule, order_reference="S-2", customer_id=None)
    assert used(rule) == {"": 2}


@pytest.mark.django_db
def test_a_limit_for_each_customer_and_a_refusal_counts_nothing():
    rule = coupon(coupon_limit_per_customer=1)
    coupon_redeem(rule=rule, order_reference="S-1", customer_id="CUST001")
    with pytest.raises(Conflict, match="this customer has used it 1 times"):
        coupon_redeem(rule=rule, order_reference="S-2", customer_id="CUST001")
    assert used(rule) == {"": 1, "CUST001": 1}
    coupon_redeem(rule=rule, order_reference="S-3", customer_id="CUST002")
    with pytest.raises(ClarificationNeeded):
        coupon_redeem(rule=rule, order_reference="S-4", customer_id=None)
    assert used(rule) == {"": 2, "CUST001": 1, "CUST002": 1}


@pytest.mark.django_db
def test_a_sale_that_is_rolled_back_gives_its_use_back():
    rule = coupon(coupon_limit=1)
    with transaction.atomic():
        coupon_redeem(rule=rule, order_reference="S-1", customer_id=None)
        transaction.set_rollback(True)
    coupon_redeem(rule=rule, order_reference="S-2", customer_id=None)
    assert used(rule) == {"": 1}


@pytest.mark.django_db
def test_redemptions_are_a_ledger():
    redemption = coupon_redeem(rule=coupon(), order_reference="S-1", customer_id=None)
    redemption.redeemed_at = datetime(2024, 1, 1, tzinfo=UTC)
    with pytest.raises(AppendOnlyError):
        redemption.save()
    with pytest.raises(AppendOnlyError):
        redemption.delete()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_only_as_many_succeed_as_the_limit_allows():
    rule = coupon(coupon_limit=5)
    start, won, lost = threading.Barrier(12), [], []

    def redeem(number: int) -> None:
        start.wait()
        try:
            coupon_redeem(rule=rule, order_reference=f"S-{number}", customer_id=f"CUST{number % 3}")
            won.append(number)
        except Conflict:
            lost.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (5, 7)
    assert used(rule)[""] == 5 == CouponRedemption.objects.count()
    assert sum(used(rule).values()) == 10
