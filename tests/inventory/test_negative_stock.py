"""Selling more than the books have: refused, or (where the shop says so) done and marked."""

from decimal import Decimal

import pytest
from django.db import transaction

from inventory.models import Location, Product, StockLevel, StockMovement
from inventory.selectors import stock_of
from inventory.services import Item, reservation_create, stock_adjust, stock_pick
from shop_assistant.agents import call
from shop_assistant.agents.errors import InsufficientStock

from .making import USER, kit, location, lotted, product, stocked
from .test_oversell import at_once

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def allowed(settings):
    settings.NEGATIVE_STOCK = "allow"


def sell(sku, quantity, **fields):
    sold = call("sales", "sell", {"lines": [{"sku": sku, "quantity": quantity}], **fields})
    return sold["lines"][0]


def test_it_is_refused_unless_the_shop_allows_it():
    stocked("SKU001", 3)
    with pytest.raises(InsufficientStock):
        sell("SKU001", 4)
    assert sell("SKU001", 3)["oversold"] is False


@pytest.mark.usefixtures("allowed")
def test_what_is_missing_goes_below_nothing_where_the_product_mainly_lies():
    item = stocked("SKU001", 3, 2)
    sold = sell("SKU001", 9)
    assert sold["oversold"] is True
    assert {(p["location"], p["quantity"]) for p in sold["picked"]} == {("A-01-01", 7), ("A-01-02", 2)}
    first = StockLevel.objects.get(location__code="A-01-01")
    assert (first.on_hand, first.oversold) == (-4, True)
    assert list(StockMovement.objects.filter(oversold=True).values_list("quantity", "balance")) == [(-7, -4)]
    assert (stock_of(item).available, sell("SKU001", 1)["oversold"]) == (-4, True)
    stocked("SKU002", 1)
    assert [row["sku"] for row in call("inventory", "query", {"oversold": True})["items"]] == ["SKU001"]
    assert call("inventory", "query", {"sku": "SKU001"})["oversold"] is True


@pytest.mark.usefixtures("allowed")
def test_back_above_nothing_it_is_no_longer_marked():
    item = stocked("SKU001", 1)
    sell("SKU001", 3)
    for delta, left, marked in ((1, -1, True), (1, 0, False), (4, 4, False)):
        stock_adjust(product=item, delta=D(delta), user_id=USER)
        assert StockLevel.objects.values_list("on_hand", "oversold").get() == (left, marked)
    with pytest.raises(InsufficientStock):
        stock_adjust(product=item, delta=D(-5), user_id=USER)  # only sales may


@pytest.mark.usefixtures("allowed")
def test_what_lies_nowhere_yet_can_be_sold_too():
    product("NEW")
    assert sell("NEW", 2)["picked"] == [{"sku": "NEW", "location": "A-01-01", "lot": None, "quantity": 2}]
    away = Location.objects.create(code="B-1", warehouse=Location.objects.get().warehouse)
    assert sell("NEW", 1, location="B-1")["oversold"] is True
    assert StockLevel.objects.get(location=away).on_hand == -1


@pytest.mark.usefixtures("allowed")
def test_kits_go_below_nothing_in_what_they_lack():
    stocked("WHEEL", 3)
    stocked("BOARD", 9)
    kit("CART", WHEEL=2, BOARD=1)
    assert sell("CART", 2)["oversold"] is True
    assert dict(StockLevel.objects.values_list("product__sku", "on_hand")) == {"WHEEL": -1, "BOARD": 7}


@pytest.mark.usefixtures("allowed")
def test_never_lots_serial_numbers_what_is_reserved_or_a_promise():
    lotted("MILK", ("A", 2, None))
    phone = product("PHONE", tracking="serial")
    item = stocked("SKU001", 5)
    with transaction.atomic():
        reservation_create(items=[Item(item, D(2))], user_id=USER)
    for sku, quantity in (("MILK", 3), (phone.sku, 1), ("SKU001", 4)):
        with pytest.raises(InsufficientStock):
            sell(sku, quantity)
    stocked("SKU002", 1)
    with pytest.raises(InsufficientStock), transaction.atomic():
        reservation_create(items=[Item(Product.objects.get(sku="SKU002"), D(2))], user_id=USER)
    assert not StockLevel.objects.filter(oversold=True).exists()


@pytest.mark.django_db(transaction=True)
def test_what_lies_nowhere_is_sold_by_many_in_any_order_without_a_deadlock():
    location()
    items = [product(f"NEW{number}") for number in range(8)]

    def take(wanted):
        with transaction.atomic():
            return stock_pick(items=[Item(item, Decimal(1)) for item in wanted], below_zero=True)

    results = at_once(*[lambda: take(items), lambda: take(items[::-1])] * 4)
    assert [len(picks) for picks in results] == [8] * 8
    assert StockLevel.objects.count() == 8
