"""inventory.forecast and inventory.reorder on real orders, and the nightly command."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from inventory.models import PurchaseOrder, ReorderPolicy, ReorderTarget, Supplier
from inventory.selectors import reorder_review
from inventory.services import targets_refresh
from shop_assistant.agents import call
from shop_assistant.agents.errors import NotFound, PermissionDenied, ValidationFailed

from .making import line, product, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2024, 6, 3, 9, tzinfo=UTC)
TODAY = date(2024, 6, 3)


@pytest.fixture(autouse=True)
def _a_monday_in_june():
    with time_machine.travel(NOW, tick=False):
        yield


def sold_daily(item, days, quantity=2, every=1):
    """Sales on each of the days before today."""
    for back in range(days, 0, -every):
        sell(line(item, quantity), occurred_at=NOW - timedelta(days=back))


def forecast(**payload):
    return call("inventory", "forecast", {"sku": "SKU001", **payload})


def reorder(**payload):
    return call("inventory", "reorder", payload)


@pytest.fixture
def regular():
    """Two a day for 70 days from a supplier who takes a week; 60 of 200 are left."""
    supplier = Supplier.objects.create(code="ACME", name="Acme", lead_time_days=7)
    item = stocked("SKU001", 200, supplier=supplier)
    sold_daily(item, 70)
    return item


def test_what_to_reorder_and_why(regular):
    answer = reorder()
    assert answer["items"] == []
    sell(line(regular, 40))
    (item,) = reorder()["items"]
    assert (item["sku"], item["supplier"], item["available"], item["on_order"]) == ("SKU001", "ACME", 20, 0)
    assert (item["reorder_point"], item["order_up_to"], item["quantity"]) == (28, 42, 22)
    assert (item["unit_cost"], item["cost"]) == (4, 88)
    assert item["evidence"] == {
        "expected_demand": 28,
        "quantile": 28,
        "daily_demand": 2,
        "daily_spread": 0,
        "demand_class": None,
        "method": "mean of 70 days",
        "backtest_wape": None,
        "lead_time_days": 7,
        "lead_time_spread_days": 0,
        "lead_time_source": "entered",
        "deliveries": 0,
        "review_days": 7,
        "service_level": 0.95,
        "suggested": None,
        "safety_stock": 0,
        "available": 20,
        "on_order": 0,
        "in_transit": 0,
        "days_of_cover": 10,
        "runs_out_on": "2024-06-12",
        "shelf_life_days": None,
        "expected_expiry": None,
    }
    assert item["reason"] == (
        "20 available + 0 on order = 20, not above the reorder point of 28 (computed): order up to 42. 28 are expected "
        "to be sold in 7 days of lead time and 7 days to the next review, with a probability of 0.95 no more than 28 "
        "(mean of 70 days). What is available runs out on 2024-06-12"
    )


def test_a_named_product_is_told_of_in_any_case(regular):
    answer = reorder(sku="sku001")
    (item,) = answer["items"]
    assert (item["quantity"], answer["complete"], answer["abstained"]) == (0, True, False)
    assert "nothing to order" in item["reason"]


def test_products_without_history_are_skipped_unless_their_point_is_set_by_hand():
    by_hand = stocked("SKU001", 3)
    ReorderPolicy.objects.create(product=by_hand, reorder_point=5, pack_size=6)
    stocked("SKU002", 3)
    product("SKU003", active=False)
    answer = reorder()
    assert [(item["sku"], item["quantity"]) for item in answer["items"]] == [("SKU001", 6)]
    assert [skipped["sku"] for skipped in answer["skipped"]] == ["SKU002"]
    assert answer["abstained"] is False
    alone = reorder(sku="SKU002")
    assert (alone["abstained"], alone["items"]) == (True, [])
    assert "not enough sales" in alone["reasons"][0]
    assert reorder(sku="SKU003")["reasons"] == ["no longer sold"]


def test_drafts_are_made_once_a_supplier_and_count_as_on_order(regular, users):
    sell(line(regular, 40))
    answer = call("inventory", "reorder", {"create": True}, user=users["manager"])
    assert (answer["purchase_orders"], answer["created"]) == (["PO-000001"], 1)
    order = PurchaseOrder.objects.get()
    (ordered,) = order.lines.all()
    assert (order.supplier.code, order.status, order.user_id) == ("ACME", "draft", "USER-MANAGER")
    assert (ordered.product, ordered.quantity, ordered.unit_cost) == (regular, 22, 4)
    assert ordered.reason["expected_demand"] == 28
    assert ordered.history.count() == 1
    again = call("inventory", "reorder", {"create": True, "sku": "SKU001"}, user=users["owner"])
    assert (again["purchase_orders"], again["items"][0]["on_order"]) == ([], 22)
    with pytest.raises(PermissionDenied):
        call("inventory", "reorder", {"create": True}, user=users["clerk"])
    assert call("inventory", "reorder", {}, user=users["clerk"])["items"] == []


def test_without_a_supplier_no_draft_is_made():
    item = stocked("SKU001", 3)
    ReorderPolicy.objects.create(product=item, reorder_point=5)
    answer = reorder(create=True)
    assert answer["purchase_orders"] == []
    assert answer["skipped"] == [{"sku": "SKU001", "reason": "has no supplier to order from"}]


def test_a_supplier_and_a_service_level_may_be_named(regular):
    Supplier.objects.create(code="OTHER", name="Other")
    assert reorder(supplier="other")["items"] == []
    assert reorder(sku="SKU001", supplier="acme", service_level=0.99)["items"][0]["evidence"]["service_level"] == 0.99
    with pytest.raises(NotFound) as refused:
        reorder(supplier="ACNE")
    assert refused.value.details["available"] == ["ACME", "OTHER"]
    for level in (0.4, 1, "0.9"):
        with pytest.raises(ValidationFailed):
            reorder(service_level=level)


def test_a_look_at_the_whole_catalogue_costs_ten_queries(regular, django_assert_num_queries):
    for number in range(10):
        sold_daily(stocked(f"X{number}", 50), 12)
    with django_assert_num_queries(10):
        assert len(reorder_review(today=TODAY)) == 11


def test_a_product_that_sold_before_the_window_has_its_whole_window_as_history():
    item = stocked("SKU001", 500)
    for back in (200, *range(40, 0, -2)):
        sell(line(item, 3), occurred_at=NOW - timedelta(days=back))
    (review,) = reorder_review(today=TODAY)
    assert review.outlook.method == "mean of 84 days"
    assert review.outlook.demand.mean == pytest.approx(60 / 84)


def test_reorder_points_of_yesterday_go_when_there_are_none_today(regular):
    assert targets_refresh(today=TODAY) == targets_refresh(today=TODAY) == 1
    assert targets_refresh(today=TODAY + timedelta(days=90)) == 0
    assert not ReorderTarget.objects.exists()


def test_the_command_s_exit_codes():
    product("SKU001")
    with pytest.raises(CommandError) as refused:
        call_command("inventory_forecast", "--sku", "SKU009", stdout=StringIO())
    assert (refused.value.returncode, str(refused.value)) == (1, "SKU009 not found in inventory; nearest: SKU001")
    with pytest.raises(CommandError):
        call_command("inventory_forecast", "--horizon", "0")
