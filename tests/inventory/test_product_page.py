"""The page of a product: what it says is what the ledger, the forecast and the operations say."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from inventory.models import Forecast, Lot, Product, PurchaseOrder, Receipt, ReorderPolicy, StockMovement
from inventory.selectors import lead_time_of
from inventory.services import stock_adjust
from inventory.services.restocking import quarantine_of
from inventory.services.transfers import Item, transfer_send
from shop_assistant.agents import Role, call

from .buying import offer, ordered, sent, supplier
from .buying import receive as receive_order
from .making import USER, kit, line, location, lotted, noon, product, promised, receive, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal
NOW = noon(2026, 10, 30)
BUDGET = 40
Look = Callable[..., str]


@pytest.fixture(autouse=True)
def _now(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def card(users: dict[Role, Any]) -> Look:
    """`card(product)` is the page as the owner sees it, `card(product, "clerk")` as the clerk does."""

    def look(of: Product, role: str = "owner") -> str:
        client = Client()
        client.force_login(users[Role(role)])
        answer = client.get(address(of.pk))
        assert answer.status_code == 200
        return unescape(answer.content.decode())

    return look


def address(key: Any) -> str:
    return f"/admin/inventory/product/{key}/stock-card/"


def section(page: str, title: str) -> str:
    """What one sees of it."""
    (found,) = re.findall(rf'<section [^>]*aria-label="{re.escape(title)}">(.*?)</section>', page, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found)).strip()


def rows(page: str, title: str) -> list[list[str]]:
    (found,) = re.findall(rf'<section [^>]*aria-label="{re.escape(title)}">(.*?)</section>', page, re.S)
    lines = re.findall(r"<tr class.*?>(.*?)</tr>", found, re.S)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)] for row in lines]


def stock(of: Product, quantity: int, on: datetime, kind: str = "receipt") -> None:
    with transaction.atomic():
        stock_adjust(product=of, delta=D(quantity), kind=StockMovement.Kind(kind), occurred_at=on, user_id=USER)


def forecast(of: Product, daily: float, **fields: Any) -> Forecast:
    """Made last night, of so many a day."""
    days = [1, 7, 14, 28, 56, 91]
    stored = {
        "days": days,
        "expected": [daily * n for n in days],
        "levels": [0.05, 0.5, 0.95],
        "sums": [[daily * n / 2, daily * n, daily * n * 2] for n in days],
        "day_mean": daily, "day_sd": daily, "kind": "smooth",
    }  # fmt: skip
    made: Forecast = Forecast.objects.create(
        product=of, method="mean", kind="smooth", made_on=NOW.date() - timedelta(days=1), expected=D(str(daily * 28)),
        low=D(str(daily * 14)), high=D(str(daily * 56)), daily=[daily] * 28, quantiles=stored,
        backtest={"wape": 0.25}, history={}, **fields,
    )  # fmt: skip
    return made


def weekly(of: Product, units: int, weeks: int) -> None:
    """Sold so many in each of the last weeks, the last time yesterday."""
    for back in range(weeks):
        sell(line(of, units), occurred_at=NOW - timedelta(days=7 * back + 1))


def test_the_figures_are_those_of_the_ledger(card: Look):
    acme, made = supplier(), product(cost=D("2.50"))
    made.supplier = acme
    made.save()
    stock(made, 100, NOW - timedelta(days=60))
    weekly(made, 3, 4)
    receive(made, 5, quarantine_of(location().warehouse))
    with transaction.atomic():
        item = Item(made, D(7), None)
        transfer_send(source=location(), destination=location("B-01"), items=[item], receive=False, user_id=USER)
    (level,) = made.levels.filter(location=location())
    level.reserved = 4
    level.save()
    order = sent(acme, (made, 24), costs={made.sku: "2.40"})
    ordered(acme, (made, 6), costs={made.sku: "2.40"})
    page, told = card(made), call("inventory", "query", {"sku": made.sku})
    figures = {title: section(page, title) for title in ("Available", "On hand", "Reserved", "Quarantined")}
    assert figures["Available"].startswith(f"Available {told['available']} ")
    assert figures["On hand"].startswith(f"On hand {told['quantity']} ")
    assert figures["Reserved"].startswith(f"Reserved {told['reserved']} ")
    assert figures["Quarantined"].startswith(f"Quarantined {told['quarantined']} ")
    assert (told["quantity"], told["available"], told["reserved"], told["quarantined"]) == (86, 77, 4, 5)
    assert section(page, "In transit").startswith("In transit 7 ")
    assert section(page, "Stock value") == "Stock value 232.50 GBP, at today's cost of 2.50"
    assert section(page, "On order").startswith("On order 30 next expected 6 Nov 2026")
    expected, draft = rows(page, "Ordered from suppliers")
    assert expected == [order.reference, "ACME Ltd", "sent", "6 Nov 2026", "24", "24", "2.40"]
    assert draft[2:4] == ["draft", "not sent yet"]
    assert {row[0]: row[2:4] for row in rows(page, "Where it lies")} == {
        "A-01-01": ["81", "77"], "IN-TRANSIT in transit": ["7", "-"], "Q-MAIN quarantine": ["5", "-"],
    }  # fmt: skip
    assert rows(page, "Under way between places")[0][1:3] == ["A-01-01", "B-01"]


def test_movements_come_with_a_running_balance(card: Look):
    made = stocked("SKU001", 10, 5)
    sell(line(made, 3), reference="S-7")
    call("inventory", "update", {"sku": made.sku, "delta": 2, "location": "A-01-02", "reason": "found <b>two</b>"})
    found = rows(card(made), "Last movements")
    assert [(row[2], row[3]) for row in found] == [("+2", "14"), ("-3", "12"), ("+5", "15"), ("+10", "10")]
    assert found[1][5] == "S-7"
    assert "found" in found[0][6]
    for _ in range(25):
        stock(made, 1, NOW)
    assert [row[3] for row in rows(card(made), "Last movements")] == [str(39 - n) for n in range(20)]


def test_money_is_for_those_who_may_value_the_stock(card: Look, users: dict[Role, Any]):
    acme, made = supplier(), stocked("SKU001", 10, cost=D("7.77"))
    offer(acme, made, "7.31", {10: "7.13"})
    sent(acme, (made, 5), costs={made.sku: "7.31"})
    for role in ("owner", "manager", "auditor"):
        page = card(made, role)
        assert users[Role(role)].has_perm("agents.inventory.valuation")
        assert "77.70" in section(page, "Stock value")
        assert page.count("7.31") == 2
    page = card(made, "clerk")
    assert not re.search(r"77\.70|7\.77|7\.31|7\.13|Unit cost|Stock value</h2>", page)
    assert section(page, "On hand") == "On hand 10 on a shelf"
    assert rows(page, "Suppliers' offers")[0][0] == "ACME Ltd"


def test_who_may_look(card: Look, users: dict[Role, Any], client: Client):
    made = stocked("SKU001", 1)
    assert client.get(address(made.pk)).status_code == 302
    clerk = users[Role.CLERK]
    client.force_login(clerk)
    for key in (made.pk + 1, "abc", "²", 10**30):
        assert client.get(address(key)).status_code == 404
    clerk.groups.get().permissions.remove(Permission.objects.get(codename="view_product"))
    assert client.get(address(made.pk)).status_code == 403


def test_it_is_reached_from_the_list_and_the_form(users: dict[Role, Any], client: Client):
    made = stocked("SKU001", 1)
    client.force_login(users[Role.CLERK])
    for page in ("changelist", "change"):
        args = [made.pk] if page == "change" else []
        assert address(made.pk) in client.get(reverse(f"admin:inventory_product_{page}", args=args)).content.decode()


def test_too_little_history_is_said(card: Look):
    made = stocked("SKU001", 50)
    weekly(made, 2, 3)
    page, told = card(made), call("inventory", "forecast", {"sku": made.sku})
    assert told["abstained"]
    demand = section(page, "Demand")
    assert f"No forecast: {'; '.join(told['reasons'])}." in demand
    assert section(page, "Lasts") == "Lasts not known too little is sold for a forecast"
    assert "23 Oct 2026 to 29 Oct 2026: 2 sold" in demand
    assert "What to order is not known" in section(page, "Reorder")
    assert "Nothing was sold in the last 26 weeks." in section(card(product("NEW")), "Demand")


def test_where_no_forecast_is_stored_it_is_made(card: Look):
    """The same as the operation says."""
    made = stocked("SKU001", 500)
    for back in range(1, 71):
        sell(line(made, 2), occurred_at=NOW - timedelta(days=back))
    told = call("inventory", "forecast", {"sku": made.sku})
    assert not told["abstained"]
    assert f"In the next 28 days {round(told['expected'])} are expected" in section(card(made), "Demand")


def test_what_is_expected(card: Look):
    acme, made = supplier(), stocked("SKU001", 30)
    sent(acme, (made, 12), costs={made.sku: "2"})
    ReorderPolicy.objects.create(product=made, reorder_point=9)
    forecast(made, 2)
    weekly(made, 2, 10)
    page = card(made)
    (looked,) = call("inventory", "analysis", {"kind": "stock_out"})["items"]
    assert (looked["available"], looked["stock_out_on"], looked["days_of_cover"]) == (10, "2026-11-03", 5)
    assert section(page, "Lasts") == "Lasts 5 days until 3 Nov 2026"
    demand, over_time = section(page, "Demand"), section(page, "Stock over time")
    assert "In the next 28 days 56 are expected to be sold, in nine of ten cases 28 to 112." in demand
    assert "off by 25%" in demand
    assert "30 Oct 2026 to 5 Nov 2026: 14 expected, 7 to 28 in nine of ten cases" in demand
    assert "reorder point 9" in over_time
    assert "runs out 3 Nov 2026" in over_time
    assert f"{PurchaseOrder.objects.get().reference}: 12 expected 6 Nov 2026" in over_time
    (why,) = call("inventory", "reorder", {"sku": made.sku})["items"]
    assert section(page, "Reorder").startswith("Nothing to order Reorder review")
    assert why["reason"].split(". ")[0] in section(page, "Reorder")


def test_the_drawing_is_of_the_ledger(card: Look):
    """Bars are as high as what was sold, the line as what lay there."""
    made = stocked("SKU001")
    stock(made, 40, NOW - timedelta(weeks=30))
    sell(line(made, 10), occurred_at=NOW - timedelta(days=3))
    sell(line(made, 5), occurred_at=NOW - timedelta(days=10))
    page = card(made)
    bars = re.findall(r"<title>([^<]+): (\d+) sold</title>.*?<rect [^>]*rx=\"1.5\"", page)
    heights = [float(each) for each in re.findall(r'height="([\d.]+)" rx="1.5"', page)][:26]
    assert [int(units) for _, units in bars[:26]][-3:] == [0, 5, 10]
    assert heights[-1] == pytest.approx(heights[-2] * 2, abs=0.2)
    assert sum(heights[:-2]) == 0
    line_points = re.findall(r'<polyline points="([^"]+)"', page)[0].split()
    assert len(line_points) == 26 * 7 + 1
    ys = [float(point.split(",")[1]) for point in line_points]
    assert len(set(ys)) == 3
    assert ys[0] < ys[-1], "it was more"


def test_late_and_sold_out(card: Look):
    acme, made = supplier(), product("GONE")
    order = sent(acme, (made, 12), costs={made.sku: "2"})
    order.expected_on = date(2026, 10, 20)
    order.save()
    forecast(made, 1)
    page = card(made)
    assert "late" in section(page, "On order")
    assert section(page, "Lasts").startswith("Lasts sold out")
    assert f"{order.reference}: 12 expected 20 Oct 2026, late" in section(page, "Stock over time")


def test_a_kit_is_made_of_its_components(card: Look):
    bolt, nut = stocked("BOLT", 45), stocked("NUT", 100)
    pack = kit("PACK", BOLT=10, NUT=10)
    promised("V-1", nut, 5)
    sell(line(pack, 1))
    page = card(pack)
    assert rows(page, "Made of") == [
        [str(bolt), "10", "35", "35", "3"],
        [str(nut), "10", "90", "85", "8"],
    ]
    assert section(page, "Available").startswith("Available 3 ")
    assert 'aria-label="Stock over time"' not in page
    assert 'aria-label="Reorder"' not in page
    call("inventory", "reserve", {"lines": [{"sku": "PACK", "quantity": 2}], "note": "for Friday"})
    (row,) = rows(card(pack), "Reserved for customers")
    assert (row[1], row[3]) == ("20 BOLT, 20 NUT", "for Friday")
    assert [row[1] for row in rows(card(nut), "Reserved for customers")] == ["20", "5"]


def test_lots_say_whether_they_may_be_sold(card: Look):
    made = lotted("MILK", ("OLD", 4, date(2026, 10, 29)), ("NEXT", 6, date(2026, 11, 9)), ("BAD", 2, None))
    bad = Lot.objects.get(code="BAD")
    bad.blocked = True
    bad.save()
    assert [row[2:] for row in rows(card(made), "Where it lies")] == [
        ["OLD", "4", "-", "-", "29 Oct 2026 expired"],
        ["NEXT", "6", "6", "-", "9 Nov 2026"],
        ["BAD", "2", "-", "-", "- blocked"],
    ]


def test_offers_come_cheapest_first(card: Look):
    dear, cheap = supplier("DEAR"), supplier("CHEAP", lead_time_days=3, lead_time_spread=D(1))
    made = stocked("SKU001", 1, supplier=dear)
    offer(dear, made, "3.00", pack_size=6, minimum_order=12)
    offer(cheap, made, "2.75", {50: "2.5", 100: "2.25"})
    for days in (4, 5, 6, 5, 5):
        order = sent(dear, (made, 6))
        order.sent_at = timezone.now() - timedelta(days=days)
        order.save()
        receive_order(order)
    assert Receipt.objects.count() == 5
    first, second = rows(card(made), "Suppliers' offers")
    assert first == ["CHEAP Ltd", "2.75", "50: 2.50, 100: 2.25", "-", "1", "-", "3.0 ± 1.0 days, as entered"]
    learned = lead_time_of(made)
    assert second[0] == "DEAR Ltd preferred"
    assert second[-1] == f"{learned.mean_days:.1f} ± {learned.sd_days:.1f} days, of 5 deliveries"


def test_it_costs_the_same_however_much_happened(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.OWNER])
    acme = supplier("ACME")
    made = stocked("SKU001", 500, supplier=acme)

    def happen(number: int) -> None:
        sell(line(made, 1), occurred_at=NOW - timedelta(days=number + 1))
        other = supplier(f"S{number}")
        offer(other, made, "2", {10: "1"})
        sent(other, (made, 5))
        receive(made, 2, location(f"B-{number}"))
        call("inventory", "reserve", {"lines": [{"sku": made.sku, "quantity": 1}]})
        with transaction.atomic():
            item = Item(made, D(1), None)
            transfer_send(source=location(), destination=location("C"), items=[item], receive=False, user_id=USER)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(made.pk)).status_code == 200
        return len(captured)

    happen(0)
    happen(1)
    forecast(made, 2)
    cost()
    before = cost()
    for number in range(2, 8):
        happen(number)
    assert cost() == before <= BUDGET
    Forecast.objects.all().delete()
    for number in range(8, 80):
        sell(line(made, 1), occurred_at=NOW - timedelta(days=number + 1))
    assert cost() <= BUDGET, "where the forecast is made now"
