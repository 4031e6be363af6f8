"""Recommendations over real orders: evidence first, then best sellers, and nothing where nothing was sold."""

from decimal import Decimal

import pytest

from customers.services import customer_create
from inventory.models import StockLevel
from shop_assistant.agents.errors import NotFound, ValidationFailed

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(sales):
    """TEA goes with MILK; BREAD sells best; PEN went with TEA once; OLD is not sold any more."""
    for day in range(6):
        sales.order("TEA", "MILK", days_ago=day)
    for day in range(20):
        sales.order("BREAD", days_ago=day)
    sales.order("TEA", "PEN")
    for _ in range(4):
        sales.order("TEA", "OLD")
    old = sales.product("OLD")
    old.active = False
    old.save()
    return sales


def test_bought_together_with_its_evidence(run, sold):
    answer = run("get_recommendations", skus=["tea"], limit=3)
    milk, bread, pen = answer.items
    assert (milk.sku, milk.product_name, milk.basis) == ("MILK", "Product MILK", "bought_together")
    assert milk.reason == "Bought together with TEA in 6 of 11 orders, 2.8 times as often as by chance."
    assert milk.unit_price == Decimal("9.99")
    assert milk.available == 8
    assert 0 < milk.score < 1
    assert (bread.sku, bread.basis) == ("BREAD", "best_seller")
    assert bread.reason == "Best seller: in 20 of 31 orders of the four weeks to 2024-01-20."
    assert pen.basis == "best_seller"
    assert (answer.based_on, answer.abstained, answer.reasons) == (["TEA"], False, [])


def test_for_a_customer_what_others_bought_with_their_things(run, sold, john):
    sold.order("TEA", customer=john)
    answer = run("get_recommendations", customer_id="CUST001", limit=1)
    assert [i.sku for i in answer.items] == ["MILK"]
    assert (answer.customer_id, answer.based_on) == ("CUST001", ["TEA"])
    both = run("get_recommendations", customer_id="CUST001", skus=["MILK"])
    assert both.based_on == ["MILK", "TEA"]
    assert not {"MILK", "TEA", "OLD"} & {i.sku for i in both.items}


def test_without_anything_to_go_by_the_best_sellers(run, sold):
    customer_create(public_id="NEW")
    for payload in ({}, {"customer_id": "NEW"}):
        answer = run("get_recommendations", **payload)
        assert answer.items[0].sku == "BREAD"
        assert {i.basis for i in answer.items} == {"best_seller"}
        assert answer.reasons == ["There is nothing to start from: these are the best sellers of recent weeks."]
    too_little = run("get_recommendations", skus=["PEN"])
    assert too_little.items[0].sku == "BREAD"
    assert too_little.reasons[0].startswith("Nothing is bought together with these often enough")


def test_what_is_out_of_stock_comes_last(run, sold):
    StockLevel.objects.filter(product__sku="MILK").update(on_hand=0, reserved=0)
    items = run("get_recommendations", skus=["TEA"]).items
    assert (items[-1].sku, items[-1].available) == ("MILK", 0)


def test_it_abstains_where_nothing_was_sold(run, sales):
    sales.product("TEA")
    answer = run("get_recommendations", skus=["TEA"])
    assert (answer.items, answer.abstained) == ([], True)
    assert answer.reasons


def test_the_number_of_queries_does_not_grow(run, sold, john, django_assert_max_num_queries):
    for sku in ("A", "B", "C", "D"):
        sold.order(sku, "TEA", customer=john)
    with django_assert_max_num_queries(14):
        run("get_recommendations", customer_id="CUST001", skus=["TEA", "MILK", "BREAD"], limit=50)


def test_unknown_things_are_named(run, sold):
    with pytest.raises(NotFound) as error:
        run("get_recommendations", skus=["TEE"])
    assert "TEA" in error.value.details["available_skus"]
    with pytest.raises(NotFound):
        run("get_recommendations", customer_id="CUST999")


@pytest.mark.parametrize("payload", [{"skus": []}, {"limit": 0}, {"limit": 51}, {"skus": ["x"] * 21}, {"limit": "5"}])
def test_bounds(agent, payload):
    with pytest.raises(ValidationFailed):
        agent.operations["get_recommendations"].parse(payload)
