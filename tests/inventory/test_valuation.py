"""What the stock is worth and what it brings in: the operation, the command and the stored months."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from inventory.jobs import value_months_daily
from inventory.models import Category, Product, StockLevel, StockMovement, StockValueMonth
from inventory.services import return_create, stock_adjust
from shop_assistant.agents import Role, call
from tests.inventory.making import USER, kit, line, noon, product, sell

pytestmark = pytest.mark.django_db
D = Decimal
Kind = StockMovement.Kind
FLOWS = {"purchases": 1, "cogs": -1, "write_offs": -1, "counts": 1, "adjustments": 1}
OCTOBER = {"period": "2026-10"}


def moved(of: Product, quantity: int | str, kind: Kind, on: datetime, cost: str | None = None) -> None:
    with transaction.atomic():
        stock_adjust(
            product=of, delta=D(quantity), kind=kind, unit_cost=D(cost) if cost else None, occurred_at=on, user_id=USER
        )


@pytest.fixture
def widgets() -> Product:
    """Ten at 2.00 in September; in October ten at 4.00, twelve sold at 9.00 (1.50 of it tax) and two of them returned,
    one broken, one found by a count.
    """
    made = product("W-1", category=Category.objects.create(name="Widgets"))
    moved(made, 10, Kind.RECEIPT, noon(2026, 9, 1), "2")
    moved(made, 10, Kind.RECEIPT, noon(2026, 10, 1), "4")
    order = sell(line(made, 12, "9.00", "18.00"), occurred_at=noon(2026, 10, 5))
    with transaction.atomic():
        return_create(order=order, items=[(made, D(2))], user_id=USER, occurred_at=noon(2026, 10, 6))
    moved(made, -1, Kind.WRITE_OFF, noon(2026, 10, 7))
    moved(made, 1, Kind.COUNT, noon(2026, 10, 8))
    return made


EXPECTED = {
    "average": {
        "opening": 20, "purchases": 40, "cogs": 30, "write_offs": 3, "counts": 3, "adjustments": 0, "closing": 30,
    },
    # of the twelve, ten had cost 2.00 and two 4.00; the last two came back
    "fifo": {
        "opening": 20, "purchases": 40, "cogs": 20, "write_offs": 4, "counts": 4, "adjustments": 0, "closing": 40,
    },
}  # fmt: skip


@pytest.mark.usefixtures("widgets")
@pytest.mark.parametrize("method", ["average", "fifo"])
def test_a_month(method: str, settings: Any):
    settings.VALUATION_METHOD = method
    found = call("inventory", "valuation", OCTOBER)
    (row,) = found["items"]
    assert {name: row[name] for name in EXPECTED[method]} == EXPECTED[method]
    assert (row["opening_quantity"], row["sold_quantity"], row["closing_quantity"]) == (10, 10, 10)
    assert (row["revenue"], row["cost"], row["margin"]) == (75, row["cogs"], 75 - row["cogs"])
    assert row["unit_value"] == row["closing"] / 10
    assert {name: found["totals"][name] for name in EXPECTED[method]} == EXPECTED[method]
    assert found["categories"][0]["category"] == "Widgets"
    assert (found["method"], found["first_day"], found["last_day"]) == (method, "2026-10-01", "2026-10-31")
    assert call("inventory", "valuation", {**OCTOBER, "method": "fifo"})["totals"]["cogs"] == 20


def test_closing_is_the_ledgers(widgets: Product):
    on_hand = StockLevel.objects.get(product=widgets).on_hand
    found = call("inventory", "valuation", {"from": "2026-10-01", "to": "2026-10-31", "sku": "w-1"})
    assert found["items"][0]["closing_quantity"] == on_hand == 10
    before = call("inventory", "valuation", {"period": "2026-09"})["totals"]
    assert before["closing"] == found["totals"]["opening"] == 20


def test_points_are_no_revenue():
    made = product("P-1")
    moved(made, 10, Kind.RECEIPT, noon(2026, 10, 1), "1")
    order = sell(
        line(made, 2, "10.00", "3.33"), line(made, 2, "5.00", "1.67"), points_value=D("6.00"),
        occurred_at=noon(2026, 10, 2),
    )  # fmt: skip
    assert call("inventory", "valuation", OCTOBER)["totals"]["revenue"] == 19  # 30 less points less tax
    with transaction.atomic():
        return_create(order=order, user_id=USER, occurred_at=noon(2026, 10, 3))
    whole = call("inventory", "valuation", OCTOBER)["totals"]
    assert (whole["revenue"], whole["cogs"], whole["closing"]) == (0, 0, 10), "everything came back"


def test_a_kit_costs_what_its_parts_do():
    bolt = product("BOLT")
    moved(bolt, 100, Kind.RECEIPT, noon(2026, 10, 1), "0.50")
    pack = kit("PACK", BOLT=10)
    order = sell(line(pack, 2, "12.00", "4.00"), line(bolt, 5, "1.00", "0.83"), occurred_at=noon(2026, 10, 2))
    with transaction.atomic():
        return_create(order=order, items=[(pack, D(1))], user_id=USER, occurred_at=noon(2026, 10, 3))
    rows = {row["sku"]: row for row in call("inventory", "valuation", OCTOBER)["items"]}
    assert (rows["BOLT"]["cogs"], rows["BOLT"]["cost"], rows["BOLT"]["sold_quantity"]) == (7.5, 2.5, 15)
    assert (rows["PACK"]["cogs"], rows["PACK"]["cost"], rows["PACK"]["revenue"]) == (0, 5, 10)
    alone = call("inventory", "valuation", {**OCTOBER, "sku": "PACK"})
    assert (alone["items"][0]["cost"], alone["totals"]["margin"]) == (5, 5)
    assert [row["sku"] for row in alone["items"]] == ["PACK"]


def test_a_delivery_without_a_cost_takes_the_products_at_that_time(time_machine: Any):
    time_machine.move_to(noon(2026, 10, 2), tick=False)
    made = product("E-1", cost=D("4"))
    moved(made, 1, Kind.RECEIPT, noon(2026, 10, 1))
    time_machine.move_to(noon(2026, 10, 10), tick=False)
    made.cost = D("6")
    made.save()
    moved(made, 1, Kind.RECEIPT, noon(2026, 10, 11))
    moved(made, 1, Kind.RECEIPT, noon(2026, 10, 12), "1")
    (row,) = call("inventory", "valuation", OCTOBER)["items"]
    assert (row["purchases"], row["estimated"], row["closing"]) == (11, 10, 11)


def many(count: int) -> None:
    for number in range(count):
        made = product(f"M-{number:02}")
        moved(made, 3, Kind.RECEIPT, noon(2026, 10, 1), "0.3333")
        sell(line(made, 1, "1.00"), occurred_at=noon(2026, 10, 2))


def test_pages_and_totals_that_are_the_sum_of_the_lines():
    many(5)
    whole = call("inventory", "valuation", {**OCTOBER, "limit": 50})
    first = call("inventory", "valuation", {**OCTOBER, "limit": 2})
    items, cursor = first["items"], first["next_cursor"]
    assert (len(items), first["totals"]) == (2, whole["totals"])
    while cursor:
        page = call("inventory", "valuation", {**OCTOBER, "limit": 2, "cursor": cursor})
        assert (page["totals"], page["categories"]) == (None, [])
        items, cursor = items + page["items"], page["next_cursor"]
    assert items == whole["items"]
    for name in (*FLOWS, "opening", "closing", "revenue", "margin"):
        assert round(sum(D(str(row[name])) for row in items), 2) == D(str(whole["totals"][name])), name
    assert (whole["totals"]["purchases"], whole["totals"]["closing"]) == (5, 3.35)


@pytest.mark.usefixtures("widgets")
@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"period": "2026-10", "from": "2026-10-01"}, 422, "period"),
        ({"from": "2026-10-02", "to": "2026-10-01"}, 422, "from"),
        ({"period": "2026-13"}, 400, "period"),
        ({"from": "1812-01-01"}, 422, "from"),
    ],
)
def test_a_wrong_period_is_refused(asked: dict[str, str], code: int, field: str, api: Callable[[str], Any]):
    answer = api("manager").post("/api/inventory/valuation", asked)
    assert answer.status_code == code
    details = answer.json()["error"]["details"]
    assert field in (details["fields"] if code == 400 else details["field"])


# Stored months


def test_stored_months_tell_what_statements_tell(widgets: Product, time_machine: Any, settings: Any):
    many(2)
    moved(widgets, -2, Kind.ADJUSTMENT, noon(2026, 11, 3))
    time_machine.move_to(noon(2026, 11, 20), tick=False)
    assert value_months_daily() == 3
    assert value_months_daily() == 0, "once a day"
    for stored in StockValueMonth.objects.all():
        told = call("inventory", "valuation", {"period": f"{stored.month:%Y-%m}"})
        for name in (*FLOWS, "opening", "closing", "revenue", "estimated"):
            assert D(str(told["totals"][name])) == getattr(stored, name), (stored, name)
        assert {name or None: D(own["closing"]) for name, own in stored.categories.items()} == {
            row["category"]: D(str(row["closing"])) for row in told["categories"] if row["closing"] or row["revenue"]
        }
    settings.VALUATION_METHOD = "fifo"
    assert value_months_daily() == 3, "another method counts at once"
    assert StockValueMonth.objects.get(month="2026-10-01").cogs == D("20.66")


@pytest.mark.usefixtures("widgets")
def test_the_page(users: dict[Role, Any], client: Client, time_machine: Any):
    time_machine.move_to(noon(2026, 10, 20), tick=False)
    client.force_login(users[Role.CLERK])
    assert client.get(reverse("stock-value")).status_code == 403
    client.force_login(users[Role.MANAGER])
    assert "Nothing is valued yet" in client.get(reverse("stock-value")).content.decode()
    value_months_daily()
    page = client.get(reverse("stock-value"), {"month": "2026-10"}).content.decode()
    assert "30.00 GBP" in page
    assert "October 2026: 30.00 GBP" in page
    assert "revenue 75.00, margin 45.00" in page
    assert "is the worker running" not in page
    time_machine.move_to(noon(2026, 10, 22), tick=False)
    client.force_login(users[Role.MANAGER])  # the other login has ended meanwhile
    assert "is the worker running" in client.get(reverse("stock-value")).content.decode()


# The command


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("inventory_valuation", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("widgets")
def test_the_command():
    table = told("--period", "2026-10", "--method", "fifo")
    assert "= closing value" in table
    assert "Widgets" in table
    document = json.loads(told("--period", "2026-10", "--format", "json"))
    assert {name: document["totals"][name] for name in EXPECTED["average"]} == EXPECTED["average"]
    head, row = told("--from", "2026-10-01", "--to", "2026-10-31", "--format", "csv", "--sku", "w-1").splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["cogs"] == "30"
    assert told("--period", "2026-10", "--category", "widgets") == told("--period", "2026-10")
    for arguments, code in (
        (("--sku", "W-9"), 1),
        (("--period", "last"), 2),
        (("--from", "2026-11-01", "--to", "2026-10-01"), 2),
    ):
        with pytest.raises(CommandError) as caught:
            told(*arguments)
        assert caught.value.returncode == code


def test_a_period_without_anything():
    found = call("inventory", "valuation", {})
    assert (found["items"], found["totals"]["closing"], found["totals"]["margin_percent"]) == ([], 0, None)
    assert value_months_daily() == 0
