"""inventory.forecast and inventory.reorder on real orders, and the nightly command."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from inventory.models import Forecast, PurchaseOrder, ReorderPolicy, ReorderTarget, Supplier
from inventory.selectors import daily_demand, forecast_get, open_days, product_get, reorder_review, sales_by_day
from inventory.services import forecast_refresh, return_create, targets_refresh
from shop_assistant.agents import call
from shop_assistant.agents.errors import NotFound, PermissionDenied, ValidationFailed

from .making import USER, line, noon, product, sell, stocked

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


def test_demand_is_what_was_sold_and_kept_on_the_shop_s_days():
    item = stocked("SKU001", 100)
    first = sell(line(item, 5), line(item, 1, "8.00"), occurred_at=noon(2024, 5, 1))
    sell(line(item, 2), occurred_at=datetime(2024, 5, 1, 23, 30, tzinfo=UTC))  # half past midnight in London
    return_create(order=first, items=[(item, D(4))], user_id=USER)
    span = {"product": item, "since": date(2024, 5, 1), "until": date(2024, 5, 2)}
    assert daily_demand(**span) == {date(2024, 5, 1): 2, date(2024, 5, 2): 2}
    (day, _) = sales_by_day(**span)
    assert (day.units, day.gross, day.revenue) == (2, 6, D("57.95"))
    assert day.unit_price == D("57.95") / 6
    assert daily_demand(product=item, since=date(2024, 5, 2), until=date(2024, 5, 2)) == {date(2024, 5, 2): 2}
    assert open_days(since=date(2024, 5, 1), until=date(2024, 5, 31)) == {date(2024, 5, 1), date(2024, 5, 2)}


def test_a_forecast_says_what_it_rests_on(regular):
    answer = forecast(horizon_days=14)
    assert (answer["expected"], answer["low"], answer["high"]) == (28, 28, 28)
    assert (answer["first_day"], answer["last_day"]) == ("2024-06-03", "2024-06-16")
    assert answer["daily"][0] == {"day": "2024-06-03", "expected": 2}
    assert answer["history"] == {"days": 70, "sale_days": 70, "units": 140}
    assert answer["backtest"]["wape"] == 0
    assert answer["backtest"]["origins"] == 5
    assert (answer["abstained"], answer["reasons"]) == (False, [])


def test_too_little_history_is_an_answer_too():
    item = stocked("SKU001", 100)
    sold_daily(item, 20)
    answer = forecast()
    assert (answer["abstained"], answer["expected"], answer["daily"]) == (True, None, [])
    assert answer["reasons"] == ["20 days of history; at least 56 are needed"]
    assert answer["history"] == {"days": 20, "sale_days": 20, "units": 40}
    product("SKU002")
    assert forecast(sku="SKU002")["abstained"]


def test_a_stored_forecast_is_used_for_a_day(regular, django_assert_num_queries):
    stored = forecast_refresh(product=regular, today=TODAY)
    with django_assert_num_queries(2):
        assert forecast_get(product=product_get(sku="SKU001"), horizon_days=28, today=TODAY) == stored
    assert forecast()["expected"] == stored.expected
    with django_assert_num_queries(4):
        fresh = forecast_get(product=product_get(sku="SKU001"), horizon_days=28, today=TODAY + timedelta(days=1))
    assert fresh.pk is None


@pytest.mark.parametrize("horizon", [0, 366, "28", 1.5])
def test_a_horizon_is_a_number_of_days_up_to_a_year(regular, horizon):
    with pytest.raises(ValidationFailed):
        forecast(horizon_days=horizon)


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
        "daily_demand": 2,
        "daily_spread": 0,
        "method": "mean of 70 days",
        "lead_time_days": 7,
        "lead_time_spread_days": 0,
        "review_days": 7,
        "service_level": 0.95,
        "safety_stock": 0,
        "days_of_cover": 10,
    }
    assert item["reason"].startswith("20 available + 0 on order = 20, not above the reorder point of 28")


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


def test_a_look_at_the_whole_catalogue_costs_five_queries(regular, django_assert_num_queries):
    for number in range(10):
        sold_daily(stocked(f"X{number}", 50), 12)
    with django_assert_num_queries(5):
        assert len(reorder_review(today=TODAY)) == 11


def test_a_product_that_sold_before_the_window_has_its_whole_window_as_history():
    item = stocked("SKU001", 500)
    for back in (200, *range(40, 0, -2)):
        sell(line(item, 3), occurred_at=NOW - timedelta(days=back))
    (review,) = reorder_review(today=TODAY)
    assert review.method == "mean of 84 days"
    assert review.demand.mean == pytest.approx(60 / 84)


def test_the_command_stores_forecasts_and_reorder_points(regular):
    sold_daily(stocked("SKU002", 50), 5)
    product("SKU003")
    out = StringIO()
    call_command("inventory_forecast", stdout=out)
    assert "1 of 2 products forecast 28 days ahead, 1 with too little history; 1 reorder points" in out.getvalue()
    assert Forecast.objects.get().expected == 56
    assert ReorderTarget.objects.get().reorder_point == 28
    assert call("inventory", "query", {"sku": "SKU001"})["reorder_point"] == 28
    (review,) = [review for review in reorder_review(today=TODAY) if review.product == regular]
    assert review.method == "mean"  # of the stored forecast
    call_command("inventory_forecast", "--sku", "sku001", "--horizon", "7", stdout=out)
    call_command("inventory_forecast", stdout=out)
    assert sorted(Forecast.objects.values_list("horizon_days", flat=True)) == [7, 28]


def test_a_stored_forecast_is_replaced_and_goes_when_there_is_too_little_left(regular):
    first = forecast_refresh(product=regular, today=TODAY)
    second = forecast_refresh(product=regular, today=TODAY + timedelta(days=1))
    assert (second.pk, Forecast.objects.get().made_on) == (first.pk, TODAY)
    assert forecast_refresh(product=regular, today=TODAY + timedelta(days=363)) is None
    assert not Forecast.objects.exists()


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
