"""The first page: what it tells to whom, what it costs, and what an empty shop sees."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Product
from orchestrator.dashboard.chart import bars, step_of
from orchestrator.dashboard.figures import Day, sales_days, today_sales
from orchestrator.health import worker_beat
from pricing.services import price_change_schedule
from shop_assistant.agents import Role
from tests.admin.conftest import Visitor
from tests.conftest import Api

BUDGET = 31
"""Queries of the owner's page, the login's and the permissions' among them."""
TILES = {
    "Sales today": {"owner", "manager", "clerk", "auditor"},
    "Runs out first": {"owner", "manager", "clerk", "auditor"},
    "Stock to look after": {"owner", "manager", "clerk", "auditor"},
    "Tickets that wait": {"owner", "manager", "clerk", "auditor"},
    "Prices to come": {"owner", "manager", "clerk", "auditor"},
    "Failed tasks, last 24 hours": {"owner", "manager", "auditor"},
    "Audit trail": {"owner", "manager", "auditor"},
}


@pytest.mark.parametrize("role", ["owner", "manager", "clerk", "auditor"])
@pytest.mark.usefixtures("busy")
def test_each_role_sees_its_tiles(role: str, visitor: Callable[[str], Visitor]):
    Product.objects.create(sku="LOW1", name="Last of its kind", list_price=1)
    someone = visitor(role)
    shown = {tile for tile in TILES if someone.page.locator(f'section[aria-label="{tile}"]').count()}
    assert shown == {tile for tile, roles in TILES.items() if role in roles}
    text = someone.page.locator("#content").inner_text()
    for told in ("307.68 GBP", "LOW1 Last of its kind", "T-000001", "29.99 → 31.00"):
        assert told in text
    assert ("The worker is alive" in text) is (role != "clerk")
    assert ("DATA NOT FOUND" in text) is (role != "clerk")
    assert someone.page.locator("svg[role=img]").first.get_attribute("aria-label").startswith("Sales of 30 days")
    for width in (390, 1400):
        someone.page.set_viewport_size({"width": width, "height": 844})
        assert someone.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert someone.complaints == []


def cost(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/admin/").status_code == 200
    return len(captured)


def test_it_costs_the_same_however_much_there_is(shop: None, users: dict[Role, Any], api: Callable[[str], Api]):
    client, clerk = Client(), api("clerk")
    client.force_login(users[Role.OWNER])

    def trade(times: int) -> None:
        for number in range(times):
            clerk.post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}]})
            clerk.post("/api/customer/support-ticket", {"customer_id": "CUST001", "subject": "x", "message": "y"})
            clerk.post("/api/inventory/query", {"sku": "NONE"})
            Product.objects.create(sku=f"LOW{number}-{times}", name="Low", list_price=1)
            price_change_schedule(
                product=Product.objects.get(sku="SKU001"), new_price=Decimal(31), reason="", user_id="U",
                effective_at=timezone.now() + timedelta(days=number + 1),
            )  # fmt: skip

    trade(1)
    cost(client)
    few = cost(client)
    trade(8)
    assert cost(client) == few <= BUDGET


def test_an_empty_shop_is_told_what_to_do_first(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.OWNER])
    page = client.get("/admin/").content.decode()
    for step in ("/admin/import/products/", "/admin/import/sales/", "/admin/accounts/user/add/", "sales/sell/"):
        assert step in page
    assert "No worker has been seen yet" in page
    client.force_login(users[Role.CLERK])
    page = client.get("/admin/").content.decode()
    assert "The first five things to do" in page
    assert "/admin/import/products/" not in page


def test_a_worker_is_seen_and_missed(users: dict[Role, Any], client: Client, time_machine: Any):
    client.force_login(users[Role.OWNER])
    now = timezone.now()
    worker_beat("host:1", started_at=now)
    assert "The worker is alive" in client.get("/admin/").content.decode()
    time_machine.move_to(now + timedelta(minutes=5))
    assert "No worker has been seen for 5 minutes" in client.get("/admin/").content.decode().replace("\xa0", " ")


def test_today_is_compared_with_the_same_time_a_week_ago(shop: None, api: Callable[[str], Api], time_machine: Any):
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    sale = {"lines": [{"sku": "SKU001", "quantity": 1}]}
    for days, hour in ((7, 9), (7, 15), (0, 10)):
        time_machine.move_to(noon.replace(hour=hour) - timedelta(days=days))
        assert api("clerk").post("/api/sales/sell", sale).status_code == 200
    time_machine.move_to(noon)
    today = today_sales(timezone.now())
    each = Decimal("29.99")
    assert (today.sold, today.orders, today.sold_then, today.orders_then) == (each, 1, each, 1)
    assert today.whole_then >= 2 * each
    assert today.change == 0
    days = sales_days(timezone.localdate())
    assert (len(days), days[-1].sold, days[-1].orders, days[-8].orders) == (30, each, 1, 2)


@pytest.mark.parametrize(
    ("highest", "step"), [(0, 1), (3, 1), (100, 25), (12000, 5000), (0.7, 0.2), (9.99, 2.5), (1_000_000, 250_000)]
)
def test_the_scale_is_round(highest: float, step: float):
    assert step_of(highest) == pytest.approx(step)


def test_a_chart_of_nothing_and_of_returns_alone_can_be_drawn():
    today = timezone.localdate()
    for sold, returned in ((Decimal(0), Decimal(0)), (Decimal(0), Decimal("12.5")), (Decimal("0.01"), Decimal(0))):
        drawn = bars([Day(today, sold, 1, returned)] * 30, width=900, currency="GBP")
        assert drawn.startswith("<svg")
        assert "NaN" not in drawn
