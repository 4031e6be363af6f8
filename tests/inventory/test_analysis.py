"""What matters, what swings, what lies dead, too much or too little of."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import mean, pstdev
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from inventory.analysis import days_of_cover, stock_out_day, variation, xyz_class
from inventory.models import Category, Forecast, Product, ReorderTarget, StockMovement
from inventory.selectors.alerts import stock_alerts
from inventory.services import return_create, stock_adjust
from shop_assistant.agents import Role, call
from tests.inventory.making import USER, kit, line, lotted, noon, product, sell

D = Decimal
NOW = noon(2026, 10, 30)
units = st.integers(0, 50)


@given(st.lists(units, min_size=2, max_size=30))
def test_the_variation_is_that_of_the_weeks(weeks: list[int]):
    swing = variation(sum(weeks), sum(week * week for week in weeks), len(weeks))
    if swing is None:
        assert sum(weeks) == 0
    else:
        assert swing == pytest.approx(pstdev(weeks) / mean(weeks), abs=1e-5, rel=1e-5)


def test_classes_of_demand():
    assert [xyz_class(swing) for swing in (0.0, 0.5, 0.51, 1.0, 1.01, None)] == ["X", "X", "Y", "Y", "Z", "Z"]
    assert variation(10, 100, 1) is None, "one week says nothing"


@given(st.integers(0, 300), st.lists(st.integers(0, 9), min_size=1, max_size=28))
def test_the_day_it_runs_out_is_found_by_walking(available: int, daily: list[int]):
    day, left = 0, available
    while left > 0 and day < 4000:
        left -= daily[day % len(daily)]
        day += 1
    expected = None if left > 0 else max(day - 1, 0)
    assert stock_out_day(available, daily) == expected
    cover = days_of_cover(available, sum(daily) / len(daily))
    assert (cover is None) == (expected is None)


# On a shop


def stock(of: Product, quantity: int, on: datetime, kind: str = "receipt") -> None:
    with transaction.atomic():
        stock_adjust(product=of, delta=D(quantity), kind=StockMovement.Kind(kind), occurred_at=on, user_id=USER)


def weekly(of: Product, *units: int, price: str = "10.00") -> None:
    """Sold so much in each of the last weeks, the latest last."""
    for back, quantity in enumerate(reversed(units)):
        if quantity:
            sell(line(of, quantity, price), occurred_at=NOW - timedelta(days=7 * back + 1))


@pytest.fixture
def room(db: None, time_machine: Any) -> None:
    """STEADY sells two a week, GUSTY twenty now and then, OLD not any more, NEW has only come in, GONE is sold out."""
    time_machine.move_to(NOW, tick=False)
    long_ago = NOW - timedelta(days=200)
    toys = Category.objects.create(name="Toys")
    for sku, cost in (("STEADY", 5), ("GUSTY", 2), ("OLD", 7), ("GONE", 1)):
        stock(product(sku, cost=D(cost), category=toys), 100, long_ago)
    stock(product("NEW", cost=D(3)), 40, NOW - timedelta(days=10))
    found = {made.sku: made for made in Product.objects.all()}
    weekly(found["STEADY"], *[2] * 26)
    weekly(found["GUSTY"], 0, 0, 0, 20, *[0] * 20, 10)
    weekly(found["GONE"], 100, price="0.10")
    sell(line(found["OLD"], 60), occurred_at=NOW - timedelta(days=190))


def asked(**fields: Any) -> dict[str, Any]:
    return call("inventory", "analysis", fields)


def skus(**fields: Any) -> list[str]:
    return [item["sku"] for item in asked(**fields)["items"]]


@pytest.mark.usefixtures("room")
def test_classes():
    rows = {item["sku"]: item for item in asked()["items"]}
    classes = {sku: row["abc"] + row["xyz"] for sku, row in rows.items()}
    assert classes == {"STEADY": "AX", "GUSTY": "AZ", "OLD": "CZ", "NEW": "CZ", "GONE": "CZ"}
    assert (rows["STEADY"]["units_sold"], rows["STEADY"]["revenue"]) == (52, 433.33)  # a sixth of the price is tax
    assert rows["STEADY"]["variation"] == 0
    assert rows["STEADY"]["value"] == 48 * 5
    cells = {cell["abc"] + cell["xyz"]: cell for cell in asked(kind="dead")["matrix"]}
    assert len(cells) == 9
    assert (cells["AX"]["products"], cells["AX"]["value"]) == (1, 240)
    assert cells["CZ"]["products"] == 3
    assert skus(abc="A", xyz="Z") == ["GUSTY"]
    assert skus(category="toys", abc="C") == ["GONE", "OLD"]


@pytest.mark.usefixtures("room")
def test_by_cost_another_thing_matters():
    stock(product("DEAR", cost=D(50)), 10, NOW - timedelta(days=20))
    sell(line(Product.objects.get(sku="DEAR"), 10, "1.00"), occurred_at=NOW - timedelta(days=2))
    assert {item["sku"] for item in asked(abc="A")["items"]} == {"STEADY", "GUSTY"}
    assert {item["sku"] for item in asked(abc="A", by="cogs")["items"]} == {"STEADY", "DEAR"}


@pytest.mark.usefixtures("room")
def test_dead_stock():
    (found,) = asked(kind="dead")["items"]
    assert (found["sku"], found["value"], found["last_sale_on"]) == ("OLD", 280, "2026-04-23")
    assert asked(kind="dead", days=200)["dead"] == {"products": 0, "value": 0}
    assert skus(kind="dead", days=5) == ["OLD", "NEW"], "the most money first"
    (alert,) = [alert for alert in stock_alerts(now=timezone.now()) if alert.key == "dead"]
    assert (alert.count, alert.value) == (1, 280)


@pytest.mark.usefixtures("room")
def test_overstock_and_cover():
    rows = {item["sku"]: item for item in asked(cover_days=70)["items"]}
    assert rows["STEADY"]["days_of_cover"] == 168
    assert rows["STEADY"]["stock_out_on"] == "2027-04-15"
    assert (rows["STEADY"]["excess"], rows["STEADY"]["excess_value"]) == (28, 140)
    assert (rows["OLD"]["excess"], rows["OLD"]["days_of_cover"]) == (0, None), "dead stock is told as such"
    assert skus(kind="overstock", cover_days=70) == ["STEADY", "GUSTY"]
    steady = Product.objects.get(sku="STEADY")
    ReorderTarget.objects.create(product=steady, reorder_point=5, order_up_to=40, made_on=NOW.date())
    assert asked(kind="overstock", cover_days=3650)["overstock"] == {"products": 1, "value": 40}


@pytest.mark.usefixtures("room")
def test_what_runs_out_first():
    found = asked(kind="stock_out")["items"]
    assert [item["sku"] for item in found] == ["GONE", "STEADY", "GUSTY"]
    assert (found[0]["stock_out_on"], asked()["out_of_stock"]) == ("2026-10-30", 1)
    Forecast.objects.create(
        product=Product.objects.get(sku="STEADY"), method="mean", kind="smooth", made_on=NOW.date(), expected=140,
        low=90, high=200, daily=[0] * 14 + [10] * 14, quantiles={}, backtest={}, history={},
    )  # fmt: skip
    found = asked(kind="stock_out")["items"][1]
    assert (found["sku"], found["daily_demand"], found["stock_out_on"]) == ("STEADY", 5, "2026-11-17")


@pytest.mark.usefixtures("room")
def test_parts_of_kits_are_not_dead():
    bolt = product("BOLT", cost=D(1))
    stock(bolt, 50, NOW - timedelta(days=200))
    assert "BOLT" in skus(kind="dead")
    order = sell(line(kit("PACK", BOLT=10), 2, "12.00"), occurred_at=NOW - timedelta(days=3))
    assert "BOLT" not in skus(kind="dead")
    assert "PACK" not in skus(), "a kit has no stock of its own"
    assert {item["sku"]: item["units_sold"] for item in asked()["items"]}["BOLT"] == 20
    with transaction.atomic():
        return_create(order=order, user_id=USER)
    assert {item["sku"]: item["units_sold"] for item in asked()["items"]}["BOLT"] == 0


@pytest.mark.usefixtures("room")
def test_what_expires():
    soon, later = date(2026, 11, 10), date(2027, 6, 1)
    lotted("MILK", ("L1", 5, soon), ("L2", 6, later), cost=D(2))
    (found,) = asked(kind="expiring")["items"]
    assert (found["sku"], found["expiring"], found["on_hand"]) == ("MILK", 5, 11)
    assert skus(kind="expiring", expiring_days=5) == []
    (alert,) = [alert for alert in stock_alerts(now=timezone.now()) if alert.key == "expiring"]
    assert (alert.count, alert.value) == (1, 10)


@pytest.mark.usefixtures("room")
def test_pages(api: Callable[[str], Any]):
    seen, cursor = [], None
    while True:
        answer = asked(limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [item["sku"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ["GONE", "GUSTY", "NEW", "OLD", "STEADY"]
    assert answer["found"]["products"] == 5
    assert api("auditor").post("/api/inventory/analysis", {"cursor": "x"}).status_code == 400
    assert api("clerk").post("/api/inventory/analysis", {}).status_code == 403


@pytest.mark.usefixtures("room")
def test_the_page(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.CLERK])
    assert client.get(reverse("stock-health")).status_code == 403
    client.force_login(users[Role.MANAGER])
    page = client.get(reverse("stock-health")).content.decode()
    assert "1 product, 280.00 GBP" in page
    assert reverse("stock-health", query={"abc": "A", "xyz": "X"}).replace("&", "&amp;") in page
    cell = client.get(reverse("stock-health"), {"abc": "A", "xyz": "X"}).content.decode()
    assert "STEADY" in cell
    assert "OLD" not in cell
    late = client.get(reverse("stock-health"), {"kind": "all", "abc": "C", "from": "2"}).content.decode()
    assert "OLD" in late
    assert "GONE" not in late
    assert client.get(reverse("stock-health"), {"kind": "?", "abc": "Q", "from": "-1"}).status_code == 200
