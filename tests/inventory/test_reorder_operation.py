"""inventory.reorder with forecasts, offers, budgets and quantities decided by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction

from inventory.models import (
    Forecast,
    KitComponent,
    Location,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    Warehouse,
)
from inventory.operations import reordering
from inventory.services import forecasts_refresh
from shop_assistant.agents import call
from shop_assistant.agents.errors import Conflict, NotFound, PermissionDenied, ValidationFailed

from .buying import offer, ordered, sent, supplier
from .making import line, location, product, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2024, 6, 3, 9, tzinfo=UTC)
TODAY = date(2024, 6, 3)


@pytest.fixture(autouse=True)
def _a_monday_in_june():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def acme():
    return supplier("ACME")


def selling(sku, a_day, left, days=70, **fields):
    """Sold evenly for so many days; so much is left."""
    item = stocked(sku, a_day * days + left, **fields)
    for back in range(days, 0, -1):
        sell(line(item, a_day), occurred_at=NOW - timedelta(days=back))
    return item


def reorder(**payload):
    return call("inventory", "reorder", payload)


def only(answer):
    (item,) = answer["items"]
    return item


def test_a_fresh_forecast_is_what_the_order_rests_on(acme):
    item = selling("SKU001", 2, 0, supplier=acme)
    forecasts_refresh(products=[item], today=TODAY)
    found = only(reorder())
    stored = Forecast.objects.get()
    assert found["evidence"]["method"] == stored.method
    assert found["evidence"]["demand_class"] == stored.kind == "smooth"
    assert found["evidence"]["backtest_wape"] == stored.backtest["wape"]
    assert found["evidence"]["expected_demand"] == 28
    assert "Such forecasts of it were off by 0%" in found["reason"]


def test_packs_minimum_and_price_breaks_are_the_supplier_s(acme):
    item = selling("SKU001", 2, 20, supplier=acme)
    offer(acme, item, "3.50", {20: "3.00"}, pack_size=5, minimum_order=10)
    found = only(reorder())
    assert (found["quantity"], found["pack_size"], found["minimum_order"]) == (25, 5, 10)
    assert (found["unit_cost"], found["cost"]) == (3, 75)


def test_a_lead_time_learned_from_deliveries_says_so(acme):
    item = selling("SKU001", 2, 20, supplier=acme)
    for number, days in enumerate((4, 5, 6, 12, 13)):
        with time_machine.travel(NOW - timedelta(days=60 - number), tick=False):
            order = sent(acme, (item, 1))
        receipt = Receipt.objects.create(
            reference=f"GR-{number}",
            purchase_order=order,
            received_at=order.sent_at + timedelta(days=days),
            user_id="U",
        )
        ReceiptLine.objects.create(
            receipt=receipt, line=order.lines.get(), location=location(), quantity=1, unit_cost=4
        )
    evidence = only(reorder(sku="SKU001"))["evidence"]
    assert (evidence["lead_time_source"], evidence["deliveries"], evidence["lead_time_days"]) == ("product", 5, 8)
    assert evidence["lead_time_spread_days"] > 3
    assert evidence["safety_stock"] > 0


def test_what_is_in_transit_and_on_order_comes_off(acme):
    item = selling("SKU001", 2, 6, supplier=acme)
    ordered(acme, (item, 9))
    branch = Warehouse.objects.create(code="BRANCH", name="Branch")
    Location.objects.create(code="B-01", warehouse=branch)
    lines = [{"sku": "SKU001", "quantity": 6}]
    call("inventory", "transfer", {"from": "A-01-01", "to": "B-01", "lines": lines, "receive": False})
    found = only(reorder())
    assert (found["available"], found["on_order"], found["in_transit"]) == (0, 9, 6)
    assert found["quantity"] == 42 - 9 - 6
    assert found["reason"].startswith("0 available + 9 on order + 6 in transit = 15, not above")


def test_no_more_is_ordered_than_sells_before_it_expires(acme):
    selling("SKU001", 2, 0, supplier=acme, shelf_life_days=10)
    found = only(reorder())
    assert (found["quantity"], found["order_up_to"]) == (34, 42)
    assert found["evidence"]["expected_expiry"] == pytest.approx(0, abs=0.1)
    assert "No more than that sells within its shelf life of 10 days" in found["reason"]


def test_kits_are_not_ordered_their_components_are(acme):
    item = selling("SKU001", 2, 0, supplier=acme)
    kit = product("KIT1", supplier=acme)
    KitComponent.objects.create(kit=kit, component=item, quantity=1)
    answer = reorder()
    assert [found["sku"] for found in answer["items"]] == ["SKU001"]
    assert "KIT1" not in [skipped["sku"] for skipped in answer["skipped"]]
    asked = reorder(sku="kit1")
    assert (asked["abstained"], asked["reasons"]) == (True, ["a kit is not ordered, its components are"])
    supplier("OTHER")
    assert reorder(sku="SKU001", supplier="OTHER")["reasons"] == ["OTHER is not its supplier"]


def test_nothing_is_drafted_for_a_supplier_that_delivers_no_more(acme):
    selling("SKU001", 2, 0, supplier=acme)
    acme.active = False
    acme.save()
    answer = reorder(create=True)
    assert (answer["created"], only(answer)["supplier"]) == (0, None)
    assert answer["skipped"] == [{"sku": "SKU001", "reason": "has no supplier to order from"}]


def test_a_budget_s_order_is_what_it_says_when_the_lines_are_cut_off(acme, monkeypatch):
    for number in range(3):
        selling(f"SKU00{number}", 2, 0, days=60, supplier=acme, cost=D("3.33"))
    monkeypatch.setattr(reordering, "MOST_LINES", 2)
    answer = reorder(budget=400)
    assert (len(answer["items"]), answer["complete"]) == (2, False)
    assert sum(D(str(item["cost"])) for item in answer["items"]) == D(str(answer["cash_plan"]["spent"]))


def test_less_than_the_least_order_is_not_bought_to_expire(acme):
    item = selling("SKU001", 2, 0, supplier=acme, shelf_life_days=3)
    offer(acme, item, D("1.00"), minimum_order=500)
    found = only(reorder(sku="SKU001"))
    assert found["quantity"] == 0
    assert "Nothing is ordered: less than the least order sells within its shelf life of 3 days" in found["reason"]


def test_a_budget_buys_what_brings_most(acme):
    """Both sell alike; one brings 5.325 on 3, the other 2.325 on 6: 9.99 with 20 % tax is 8.325."""
    selling("DEAR", 2, 0, supplier=acme, cost=D("6.00"))
    selling("GOOD", 2, 0, supplier=acme, cost=D("3.00"))
    whole = reorder()
    assert {found["sku"]: found["cost"] for found in whole["items"]} == {"DEAR": 252, "GOOD": 126}
    assert whole["cash_plan"] is None
    answer = reorder(budget=90)
    plan, found = answer["cash_plan"], {item["sku"]: item for item in answer["items"]}
    assert {sku: item["quantity"] for sku, item in found.items()} == {"GOOD": 28, "DEAR": 1}  # 28 are expected to sell
    assert found["GOOD"]["evidence"]["suggested"] == 42
    assert (plan["spent"], plan["unspent"], plan["whole_cost"]) == (90, 0, 378)
    assert plan["expected"] == pytest.approx(28 * 5.325 + 2.325, abs=0.01)
    assert [(left["sku"], left["ordered"], left["wanted"]) for left in plan["left_out"]] == [
        ("DEAR", 1, 42),
        ("GOOD", 28, 42),
    ]
    assert all("is expected to bring" in left["reason"] for left in plan["left_out"])


def test_a_budget_that_is_enough_is_the_whole_order_and_one_too_small_is_nothing(acme):
    item = selling("SKU001", 2, 0, supplier=acme, cost=D("3.00"))
    offer(acme, item, "3.00", pack_size=12)
    assert reorder(budget=1000, objective="fill_rate")["cash_plan"]["spent"] <= 144
    answer = reorder(budget=35)
    assert (answer["items"], answer["cash_plan"]["spent"]) == ([], 0)
    assert answer["cash_plan"]["left_out"][0]["reason"] == "the least of it costs 36, more than the budget"


def test_what_has_no_cost_or_brings_nothing_is_left_out_of_a_budget_and_told(acme):
    selling("FREE", 2, 0, supplier=acme, cost=None)
    selling("LOSS", 2, 0, supplier=acme, cost=D("9.00"))
    told = {left["sku"]: left["reason"] for left in reorder(budget=100)["cash_plan"]["left_out"]}
    assert told == {"FREE": "its cost is not known", "LOSS": "it costs as much as it brings"}
    assert [found["sku"] for found in reorder(budget=100, objective="fill_rate")["items"]] == ["LOSS"]


def test_drafts_of_a_budget_cost_no_more_than_it(acme):
    for number in range(3):
        selling(f"SKU00{number}", 2, 0, days=60, supplier=acme, cost=D("3.33"))
    answer = reorder(budget=100, create=True)
    assert answer["created"] == 1
    lines = PurchaseOrderLine.objects.all()
    assert 90 < sum(each.quantity * each.unit_cost for each in lines) <= 100
    assert all(each.reason["suggested"] >= each.quantity for each in lines)


def test_quantities_decided_by_hand_are_ordered_once(acme, users):
    selling("SKU001", 2, 0, supplier=acme)
    payload = {"lines": [{"sku": "sku001", "quantity": 10, "expected_on_order": 0}], "create": True}
    made = call("inventory", "reorder", payload, user=users["manager"])
    assert made["purchase_orders"] == ["PO-000001"]
    drafted = PurchaseOrderLine.objects.get()
    assert (drafted.quantity, drafted.reason["suggested"]) == (10, 42)
    with pytest.raises(Conflict, match="SKU001: 10 is on order by now, not 0"):
        call("inventory", "reorder", payload, user=users["manager"])
    with pytest.raises(PermissionDenied):
        call("inventory", "reorder", payload, user=users["clerk"])
    assert PurchaseOrder.objects.count() == 1


@pytest.mark.parametrize(
    "payload",
    [
        {"objective": "margin"},
        {"objective": "glory", "budget": 5},
        {"budget": 0},
        {"budget": -1},
        {"lines": [{"sku": "SKU001", "quantity": 1}]},
        {"lines": [{"sku": "SKU001", "quantity": 1}], "create": True, "budget": 5},
        {"lines": [], "create": True},
        {"lines": [{"sku": "SKU001", "quantity": 0}], "create": True},
        {"lines": [{"sku": "SKU001", "quantity": 1}, {"sku": "sku001", "quantity": 1}], "create": True},
        {"lines": [{"sku": "LONE", "quantity": 1}], "create": True},
        {"lines": [{"sku": "NEW", "quantity": 1}], "create": True},
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(acme, payload):
    selling("SKU001", 2, 0, days=60, supplier=acme)
    selling("LONE", 2, 0, days=60)
    product("NEW", supplier=acme)
    with pytest.raises(ValidationFailed), transaction.atomic():
        reorder(**payload)
    assert not PurchaseOrder.objects.exists()


def test_an_unknown_product_among_the_lines(acme):
    product("SKU001")
    with pytest.raises(NotFound):
        reorder(lines=[{"sku": "SKU009", "quantity": 1}], create=True)
