"""How long suppliers take, learned from what they delivered."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from inventory.lead_times import LEAST, entered, learned
from inventory.models import PurchaseOrder
from inventory.selectors import lead_time_of, lead_times_of, supplier_lead_time
from inventory.services import Delivered, purchase_receive

from .buying import offer, sent, shelf, supplier
from .making import USER, location

in_database = pytest.mark.django_db
some_days = st.lists(st.floats(min_value=0, max_value=100), min_size=LEAST, max_size=60)


@given(some_days)
def test_what_is_learned_lies_within_what_was_seen(days):
    found = learned(days, "supplier")
    assert min(days) - 1e-9 <= found.mean_days <= max(days) + 1e-9
    assert found.sd_days >= 0
    quantiles = [found.quantile(p / 100) for p in range(1, 100, 7)]
    assert quantiles == sorted(quantiles)
    assert min(days) <= quantiles[0] <= quantiles[-1] <= max(days)


def test_quantiles_are_those_of_the_deliveries():
    found = learned([5, 6, 7, 8, 9], "product")
    assert (found.mean_days, found.receipts, found.source) == (7, 5, "product")
    assert [found.quantile(p) for p in (0.25, 0.5, 0.75, 0.875)] == [6, 7, 8, 8.5]
    assert found.sd_days == pytest.approx(1.5811, abs=1e-4)


def test_one_delivery_that_was_lost_for_months_does_not_make_a_supplier_slow():
    usual = learned([6, 7, 7, 8, 7, 6, 8], "supplier")
    with_one = learned([6, 7, 7, 8, 7, 6, 8, 120], "supplier")
    assert with_one.mean_days - usual.mean_days < 1
    assert with_one.quantile(0.99) > usual.quantile(0.99)  # but late it was


def test_few_deliveries_teach_nothing_and_what_was_entered_is_a_normal_distribution():
    assert learned([7] * (LEAST - 1), "supplier") is None
    found = entered(days=10, spread=2)
    assert (found.quantile(0.5), found.receipts, found.source) == (10, 0, "entered")
    assert found.quantile(0.8413) == pytest.approx(12, abs=0.01)
    assert entered(days=1, spread=5).quantile(0.01) == 0
    assert entered(days=4).quantile(0.99) == 4
    for p in (0, 1, -1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            found.quantile(p)


def delivered(of, *items, took, ago):
    """An order that arrived so many days ago, after so many days."""
    order = sent(of, *((item, 1) for item in items))
    order = PurchaseOrder.objects.get(pk=order.pk)
    arrived = timezone.now() - timedelta(days=ago)
    order.sent_at = arrived - timedelta(days=took)
    order.save()
    with transaction.atomic():
        purchase_receive(
            order=order,
            delivered=[Delivered(product=item, quantity=Decimal(1)) for item in items],
            user_id=USER,
            received_at=arrived,
        )


@in_database
def test_lead_times_come_from_the_product_else_the_supplier_else_what_was_entered(django_assert_num_queries):
    location()
    acme, zeta = supplier(lead_time_days=30, lead_time_spread=Decimal(4)), supplier("ZETA", lead_time_days=3)
    often, seldom, other = shelf("OFTEN", "SELDOM", "OTHER")
    for item, of in ((often, acme), (seldom, acme), (other, zeta)):
        item.supplier = of
        item.save()
    assert lead_time_of(often) == entered(days=30, spread=4)
    for ago, took in enumerate([5, 6, 7, 8, 9], start=10):
        delivered(acme, often, took=took, ago=ago)
    delivered(acme, seldom, took=20, ago=5)
    delivered(acme, seldom, often, took=11, ago=4)
    delivered(acme, seldom, took=90, ago=400)  # too long ago to tell
    with django_assert_num_queries(2):
        times = lead_times_of([often, seldom, other])
    assert (times[often.pk].source, times[often.pk].receipts) == ("product", 6)
    assert times[often.pk].mean_days == pytest.approx(46 / 6)
    assert (times[seldom.pk].source, times[seldom.pk].receipts) == ("supplier", 7)
    assert times[seldom.pk] == supplier_lead_time(acme)
    assert times[other.pk] == entered(days=3)
    assert lead_time_of(often, zeta) == entered(days=3)


@in_database
def test_a_lead_time_entered_for_an_offer_counts_before_what_was_learned():
    location()
    acme = supplier(lead_time_spread=Decimal(2))
    (item,) = shelf("A", supplier=acme)
    for ago in range(1, 7):
        delivered(acme, item, took=5, ago=ago)
    assert lead_time_of(item).mean_days == pytest.approx(5)
    offer(acme, item, "4", lead_time_days=21)
    assert lead_time_of(item) == entered(days=21, spread=2)


@in_database
def test_a_product_without_a_supplier_takes_a_week():
    (item,) = shelf("A")
    assert lead_time_of(item) == entered(days=7)
