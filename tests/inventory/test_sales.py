"""Orders freeze what was charged; returns give back no more than was bought, and exactly what was paid."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from inventory.models import OrderReturn, ReferenceCounter, ReturnedQuantity, StockLevel, StockMovement
from inventory.selectors import order_get, order_lines, returnable, stock_of
from inventory.services import next_reference, return_create
from shop_assistant.agents.errors import Conflict, InsufficientStock, NotFound, ValidationFailed

from .making import USER, line, location, product, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal


def back(order, *items, **fields):
    return return_create(order=order, items=list(items) or None, user_id=USER, **fields)


def test_a_sale_takes_stock_and_freezes_the_price():
    item = stocked("SKU001", 10)
    order = sell(line(item, 2, "9.99", tax="3.33", rules="RULE001"), payment="card", discount=D("0"))
    item.list_price = D(1)
    item.cost = D(2)
    item.save()
    (sold,) = order_lines(order_get(reference=order.reference.lower()))
    assert (sold.quantity, sold.unit_price, sold.unit_cost, sold.total, sold.rules) == (
        2,
        D("9.99"),
        4,
        D("19.98"),
        "RULE001",
    )
    assert (order.reference, order.total, order.tax, order.currency) == ("S-000001", D("19.98"), D("3.33"), "GBP")
    movement = StockMovement.objects.get(reference=order.reference)
    assert (movement.kind, movement.quantity, movement.balance, movement.unit_price) == ("sale", -2, 8, D("9.99"))


def test_a_sale_of_too_much_names_every_product_that_falls_short_and_changes_nothing():
    first, second, third = stocked("A", 5), stocked("B", 2), product("C")
    with pytest.raises(InsufficientStock) as refused:
        sell(line(first, 3), line(first, 3), line(second, 2), line(third, 1))
    assert refused.value.details["shortages"] == [
        {"sku": "A", "requested": 6, "available": 5},
        {"sku": "C", "requested": 1, "available": 0},
    ]
    assert not StockMovement.objects.filter(kind="sale").exists()
    assert not ReferenceCounter.objects.filter(prefix="S", last__gt=0).exists()


def test_goods_come_from_several_places_or_only_from_the_one_named():
    item = stocked("SKU001", 3, 10)
    with pytest.raises(InsufficientStock):
        sell(line(item, 5), location=location("A-01-01"))
    order = sell(line(item, 5))
    moves = StockMovement.objects.filter(reference=order.reference).order_by("pk")
    assert [(m.location.code, m.quantity, m.balance) for m in moves] == [("A-01-01", -3, 0), ("A-01-02", -2, 8)]
    assert order_lines(order)[0].location.code == "A-01-01"


def test_reserved_goods_are_not_sold():
    item = stocked("SKU001", 3)
    StockLevel.objects.update(reserved=2)
    with pytest.raises(InsufficientStock) as refused:
        sell(line(item, 2))
    assert refused.value.details["available"] == 1


def test_a_sale_costs_no_more_queries_for_more_lines():
    items = [stocked(f"SKU{number}", 10) for number in range(6)]

    def count(lines):
        with CaptureQueriesContext(connection) as queries:
            sell(*lines)
        return len(queries)

    count([line(items[0])])
    # PostgreSQL stores one movement and its level in one statement, several in two.
    assert count([line(item) for item in items]) <= count([line(items[0])]) + 1
    assert count([line(item) for item in items]) == count([line(item) for item in items[:2]])


def test_everything_comes_back_to_where_it_came_from():
    item = stocked("SKU001", 10)
    order = sell(line(item, 4, "2.50", tax="1.67"))
    made = back(order, reason="too small")
    assert (made.reference, made.total, made.tax, made.restocked) == ("R-000001", D("10.00"), D("1.67"), True)
    assert stock_of(item).on_hand == 10
    movement = StockMovement.objects.get(kind="return")
    assert (movement.reference, movement.quantity, movement.unit_price) == ("R-000001", 4, D("2.50"))
    with pytest.raises(Conflict):
        back(order)


def test_a_return_that_is_not_restocked_leaves_stock_alone():
    item = stocked("SKU001", 10)
    back(sell(line(item, 4)), disposition="write_off")
    assert stock_of(item).on_hand == 6


def test_no_more_comes_back_than_was_sold_however_it_is_divided():
    item = stocked("SKU001", 10)
    order = sell(line(item, 3), line(item, 2))
    assert returnable(order) == {"SKU001": 5}
    back(order, (item, D(4)))
    with pytest.raises(Conflict) as refused:
        back(order, (item, D(1)), (item, D(1)))
    assert (refused.value.details["returnable"], refused.value.details["sold"]) == (1, 5)
    back(order, (item, D(1)))
    assert returnable(order) == {"SKU001": 0}
    assert stock_of(item).on_hand == 10


def test_the_portions_refunded_add_up_to_what_was_paid():
    item = stocked("SKU001", 10)
    order = sell(line(item, 3, "3.33", total=D("10.00"), tax="1.67"))
    refunds = [back(order, (item, D(1))) for _ in range(3)]
    assert [made.total for made in refunds] == [D("3.33"), D("3.34"), D("3.33")]
    assert sum(made.tax for made in refunds) == D("1.67")
    assert ReturnedQuantity.objects.get().refunded == D("10.00")


def test_what_points_paid_is_not_refunded_as_money():
    first, second = stocked("A", 10), stocked("B", 10)
    order = sell(line(first, 1, "10.00"), line(second, 3, "6.67"), points_value=D("10"))
    assert order.total == D("20.01")
    portions = [back(order, (second, D(1))), back(order, (first, D(1))), back(order)]
    assert [made.total for made in portions] == [D("4.45"), D("6.67"), D("8.89")]
    assert OrderReturn.objects.aggregate(sum=Sum("total"))["sum"] == order.total


def test_a_return_names_what_the_order_does_not_have():
    item, other = stocked("SKU001", 10), product("SKU002")
    order = sell(line(item))
    with pytest.raises(NotFound) as refused:
        back(order, (other, D(1)))
    assert refused.value.details["available_skus"] == ["SKU001"]
    with pytest.raises(ValidationFailed):
        back(order, (item, D("0.5")))
    with pytest.raises(NotFound):
        order_get(reference="S-999999")


def test_more_money_than_can_be_booked_is_refused():
    item = stocked("SKU001", 999_999_999)
    with pytest.raises(ValidationFailed):
        sell(line(item, 999_999_999, "99"))


def test_references_have_no_gaps():
    assert [next_reference(prefix="T") for _ in range(3)] == ["T-000001", "T-000002", "T-000003"]
    assert next_reference(prefix="PO") == "PO-000001"
