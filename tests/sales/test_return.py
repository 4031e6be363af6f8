"""A return: money, stock and points go back, never more than went."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import LoyaltyAccount, LoyaltyEntry
from inventory.models import OrderReturn, ReturnedQuantity, StockLevel, StockMovement
from orchestrator import get_orchestrator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def on_hand(sku: str) -> Decimal:
    return StockLevel.objects.get(product__sku=sku).on_hand


def points() -> int:
    return LoyaltyAccount.objects.get(customer__public_id="CUST001").balance


@pytest.fixture
def sold(api) -> Any:
    """3 care kits and 2 Widget Pro, 500 points' worth paid with points: 209.98 less 5.00."""
    body = {
        "lines": [{"sku": "SKU003", "quantity": 3}, {"sku": "SKU001", "quantity": 2}],
        "customer_id": "CUST001",
        "redeem_points": 500,
    }
    return api("clerk").post("/api/sales/sell", body).json()["data"]


def give_back(api: Any, **body: Any) -> Any:
    return api("clerk").post("/api/sales/return", body)


def test_everything_comes_back(api, sold):
    before = points()
    back = give_back(api, order=sold["order"], reason="wrong colour").json()["data"]
    assert back["refund"] == sold["total"] == 204.98
    assert (on_hand("SKU003"), on_hand("SKU001")) == (25, 150)
    assert (back["points_returned"], back["points_taken_back"]) == (500, 204)
    assert points() == before + 500 - 204 == 1250


def test_parts_come_back_and_never_more_than_was_sold(api, sold):
    first = give_back(api, order=sold["order"], lines=[{"sku": "SKU003", "quantity": 1}])
    assert first.status_code == 200
    too_much = give_back(api, order=sold["order"], lines=[{"sku": "SKU003", "quantity": 3}])
    assert too_much.status_code == 409
    assert too_much.json()["error"]["details"]["returnable"] == 2
    rest = give_back(api, order=sold["order"])
    assert rest.status_code == 200
    assert first.json()["data"]["refund"] + rest.json()["data"]["refund"] == pytest.approx(sold["total"])
    assert give_back(api, order=sold["order"]).status_code == 409
    assert points() == 1250


def test_what_can_not_be_sold_again_stays_off_the_shelf(api, sold):
    back = give_back(api, order=sold["order"], lines=[{"sku": "SKU001", "quantity": 1}], restock=False)
    assert back.json()["data"]["restocked"] is False
    assert on_hand("SKU001") == 148
    assert not StockMovement.objects.filter(kind="return").exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"order": "S-999999"}, 404),
        ({"lines": [{"sku": "SKU002", "quantity": 1}]}, 404),
        ({"lines": [{"sku": "SKU001", "quantity": 0.5}]}, 400),
        ({"lines": [{"sku": "SKU001", "quantity": -1}]}, 400),
    ],
)
def test_a_refused_return_changes_nothing(api, sold, body, status):
    before = (OrderReturn.objects.count(), on_hand("SKU001"), points(), LoyaltyEntry.objects.count())
    assert give_back(api, **{"order": sold["order"], **body}).status_code == status
    assert (OrderReturn.objects.count(), on_hand("SKU001"), points(), LoyaltyEntry.objects.count()) == before


def test_points_that_are_spent_already_are_not_taken_below_zero(api, sold):
    api("clerk").post("/api/customer/loyalty", {"customer_id": "CUST001", "operation": "redeem", "points": points()})
    back = give_back(api, order=sold["order"]).json()["data"]
    assert points() >= 0
    assert back["points_taken_back"] <= 500  # what redeeming gave back is all there is to take


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_refunds_of_any_parts_add_up_to_what_was_paid(parts):
    """Whatever the order of partial returns, the sum of the refunds is the price of what came back, to the penny."""
    agent = get_orchestrator().sales_agent
    quantity = sum(parts)
    stock = {"action": "update", "sku": "SKU002", "delta": quantity, "reason": "receipt"}
    get_orchestrator().inventory_agent.process(stock)
    sale = {"action": "sell", "lines": [{"sku": "SKU002", "quantity": quantity}], "redeem_points": 7}
    order = agent.process({**sale, "customer_id": "CUST001"})["data"]
    refunds = Decimal(0)
    for part in parts:
        body = {"action": "return", "order": order["order"], "lines": [{"sku": "SKU002", "quantity": part}]}
        refunds += Decimal(str(agent.process(body)["data"]["refund"]))
    assert refunds == Decimal(str(order["total"]))
    assert ReturnedQuantity.objects.get(line__order__reference=order["order"]).quantity == quantity
