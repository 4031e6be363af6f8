"""A sale: price, stock, order, tax and points in one transaction."""

from decimal import Decimal
from typing import Any

import pytest

from customers.models import CustomerOrder, LoyaltyAccount, LoyaltyEntry
from inventory.models import Order, Product, StockLevel, StockMovement
from pricing.models import CouponRedemption, PriceRule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def on_hand(sku: str) -> Decimal:
    return sum((level.on_hand for level in StockLevel.objects.filter(product__sku=sku)), Decimal(0))


def points(customer_id: str = "CUST001") -> int:
    return LoyaltyAccount.objects.get(customer__public_id=customer_id).balance


def sell(api: Any, **body: Any) -> Any:
    return api("clerk").post("/api/sales/sell", body)


def test_a_walk_in_sale_freezes_price_tax_and_cost(api):
    answer = sell(api, lines=[{"sku": "SKU001", "quantity": 2}])
    assert answer.status_code == 200, answer.json()
    sold = answer.json()["data"]
    assert (sold["subtotal"], sold["discount"], sold["total"], sold["tax"]) == (59.98, 0, 59.98, 10)
    assert sold["customer_id"] is None
    assert sold["loyalty_points"] is None
    order = Order.objects.get(reference=sold["order"])
    line = order.lines.get()
    assert (line.unit_price, line.unit_cost, line.tax_rate, line.total) == (
        Decimal("29.99"),
        Decimal("14.50"),
        Decimal(20),
        Decimal("59.98"),
    )
    movement = StockMovement.objects.get(reference=order.reference)
    assert (movement.kind, movement.quantity, movement.balance) == ("sale", -2, 148)
    assert str(movement.task_id) == answer.headers["X-Task-ID"]
    assert not CustomerOrder.objects.filter(order=order).exists()
    assert on_hand("SKU001") == 148


def test_the_quantity_break_counts_over_all_lines_of_a_product(api):
    sold = sell(api, lines=[{"sku": "SKU001", "quantity": 4}, {"sku": "SKU001", "quantity": 6}]).json()["data"]
    assert [line["unit_price"] for line in sold["lines"]] == [26.99, 26.99]
    assert (sold["total"], sold["discount"]) == (269.9, 30)


def test_a_customer_pays_with_points_and_earns_on_what_is_paid(api):
    sold = sell(
        api, lines=[{"sku": "SKU003", "quantity": 1}], customer_id="CUST001", redeem_points=1000, payment="card"
    ).json()["data"]
    assert (sold["points_value"], sold["total"], sold["points_earned"]) == (10, 40, 40)
    assert sold["loyalty_points"] == points() == 1250 - 1000 + 40
    assert CustomerOrder.objects.get(order__reference=sold["order"]).customer.public_id == "CUST001"
    kinds = LoyaltyEntry.objects.filter(order__reference=sold["order"]).values_list("kind", "points")
    assert sorted(kinds) == [("earn", 40), ("redeem", -1000)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"lines": [{"sku": "SKU001", "quantity": 151}]}, 409, "INSUFFICIENT_STOCK"),
        ({"lines": [{"sku": "SKU003", "quantity": 1}], "customer_id": "CUST001", "redeem_points": 1251}, 409,
         "INSUFFICIENT_POINTS"),
        ({"lines": [{"sku": "SKU003", "quantity": 1}], "customer_id": "CUST001", "redeem_points": 5001}, 400,
         "VALIDATION_ERROR"),
        ({"lines": [{"sku": "SKU003", "quantity": 1}], "redeem_points": 1}, 422, "CLARIFICATION_NEEDED"),
        ({"lines": [{"sku": "SKU003", "quantity": 1}], "customer_id": "CUST999"}, 404, "DATA_NOT_FOUND"),
        ({"lines": [{"sku": "NOPE", "quantity": 1}]}, 404, "DATA_NOT_FOUND"),
        ({"lines": [{"sku": "SKU001", "quantity": 1}], "coupon": "NOPE"}, 404, "DATA_NOT_FOUND"),
        ({"lines": [{"sku": "SKU001", "quantity": 1}], "location": "Z-99"}, 404, "DATA_NOT_FOUND"),
        ({"lines": [{"sku": "SKU001", "quantity": 1}], "location": "A-01-02"}, 409, "INSUFFICIENT_STOCK"),
        ({"lines": []}, 400, "VALIDATION_ERROR"),
        ({"lines": [{"sku": "SKU001", "quantity": 1}], "payment": "barter"}, 400, "VALIDATION_ERROR"),
    ],
)  # fmt: skip
def test_a_refused_sale_changes_nothing(api, body, status, code):
    before = (Order.objects.count(), StockMovement.objects.count(), on_hand("SKU001"), points())
    answer = sell(api, **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.json()
    assert (Order.objects.count(), StockMovement.objects.count(), on_hand("SKU001"), points()) == before


def test_what_is_not_sold_any_more_is_refused(api):
    product = Product.objects.get(sku="SKU002")
    product.active = False
    product.save()
    answer = sell(api, lines=[{"sku": "SKU002", "quantity": 1}])
    assert (answer.status_code, answer.json()["error"]["details"]["skus"]) == (409, ["SKU002"])


def test_stock_falls_short_over_several_lines_of_a_product_too(api):
    answer = sell(api, lines=[{"sku": "SKU003", "quantity": 20}, {"sku": "SKU003", "quantity": 6}])
    assert answer.status_code == 409
    assert on_hand("SKU003") == 25


def test_a_coupon_is_redeemed_with_the_sale_and_only_so_often(api):
    rule = PriceRule.objects.create(
        code="WELCOME", name="5 off", kind="fixed", value=Decimal(5), coupon="HELLO", coupon_limit=1
    )
    first = sell(api, lines=[{"sku": "SKU003", "quantity": 1}], coupon="hello", customer_id="CUST001")
    assert first.json()["data"]["total"] == 45
    assert CouponRedemption.objects.get(rule=rule).order_reference == first.json()["data"]["order"]
    second = sell(api, lines=[{"sku": "SKU003", "quantity": 1}], coupon="HELLO", customer_id="CUST001")
    assert second.status_code == 409
    assert CouponRedemption.objects.count() == 1


def test_tax_is_added_where_prices_are_without(api, settings):
    settings.PRICES_INCLUDE_TAX = False
    sold = sell(api, lines=[{"sku": "SKU001", "quantity": 1}]).json()["data"]
    assert (sold["subtotal"], sold["tax"], sold["total"]) == (29.99, 6, 35.99)


def test_references_have_no_gaps_even_after_a_refusal(api):
    first = sell(api, lines=[{"sku": "SKU001", "quantity": 1}]).json()["data"]["order"]
    sell(api, lines=[{"sku": "SKU001", "quantity": 1000}])
    second = sell(api, lines=[{"sku": "SKU001", "quantity": 1}]).json()["data"]["order"]
    assert int(second.removeprefix("S-")) == int(first.removeprefix("S-")) + 1


def test_the_trace_names_every_agent_that_took_part(api):
    answer = sell(api, lines=[{"sku": "SKU003", "quantity": 1}], customer_id="CUST001")
    task = api("clerk").get(f"/api/ai/task/{answer.headers['X-Task-ID']}").json()["data"]
    assert [(call["agent"], call["operation"], call["status"]) for call in task["agent_calls"]] == [
        ("sales", "sell", "success"),
        ("pricing", "calculate", "success"),
        ("inventory", "sell", "success"),
        ("customers", "loyalty", "success"),
    ]


def test_nothing_is_sold_when_another_quantity_is_available_than_was_expected(api):
    line = {"sku": "SKU001", "quantity": 2}
    refused = sell(api, lines=[line | {"expected_available": 149}])
    assert refused.status_code == 409
    assert refused.json()["error"]["details"] == {"sku": "SKU001", "expected_available": 149, "available": 150}
    assert sell(api, lines=[line | {"expected_available": 150}]).status_code == 200
    assert sell(api, lines=[line | {"expected_available": 150}]).status_code == 409
