"""Every model has its page; lists cost the same however long they are; what nobody edits, not even a superuser does."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.admin_base import ReadOnlyAdmin
from audit.models import AppendOnly, AuditRecord
from inventory.models import Order, Product
from orchestrator.models import TaskState
from pricing.services import price_change_schedule
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.admin.conftest import detail_page, list_page, registered
from tests.conftest import Api

OURS = ("inventory", "customers", "pricing", "audit", "orchestrator", "accounts", "vault")
ELSEWHERE = {
    "customers.CustomerLookup",
    "audit.MerkleTile",
    "inventory.CountLine",
    "inventory.CountEntry",
    "inventory.PurchaseOrderLine",
    "inventory.StockValueMonth",
    "inventory.Digest",
}
"""Hashes, of no use to anybody who looks; what a page of its own shows, as a count sheet's lines; how far the nights'
work is.
"""
MOST = 16
"""Queries of a list: login, permissions, users' names, two counts, the rows, and choices of its filters."""


def test_every_model_is_registered_or_shown_within_another():
    within = {inline.model for admin in site._registry.values() for inline in getattr(admin, "inlines", ())}
    for app in OURS:
        for model in apps.get_app_config(app).get_models():
            historical = hasattr(model, "history_id") or model.__name__.startswith("Historical")
            known = site.is_registered(model) or model in within or model._meta.label in ELSEWHERE
            assert known or historical or model._meta.auto_created, model._meta.label


@pytest.fixture
def several(busy: None, api: Callable[[str], Api]) -> None:
    """Some rows more of what the busy shop has one of."""
    clerk = api("clerk")
    for number in range(3):
        clerk.post("/api/sales/sell", {"lines": [{"sku": "SKU002", "quantity": 2}], "customer_id": "CUST001"})
        order = f"S-{22 + number:06}"
        assert clerk.post("/api/sales/return", {"order": order}).status_code == 200
        clerk.post("/api/customer/support-ticket", {"customer_id": "CUST001", "subject": "x", "message": "bad"})
        price_change_schedule(
            product=Product.objects.get(sku=f"SKU00{number + 1}"), new_price=Decimal(31), reason="", user_id="U",
            effective_at=timezone.now() + timedelta(days=number + 1),
        )  # fmt: skip


@pytest.mark.usefixtures("several")
def test_a_list_costs_the_same_however_long_it_is(users: dict[Role, Any], monkeypatch: pytest.MonkeyPatch):
    client = Client()
    client.force_login(users[Role.OWNER])
    long = 0
    for label, model, admin in registered():
        costs = []
        client.get(list_page(model))  # content types and the like are kept from then on
        for rows in (1, 100):
            monkeypatch.setattr(admin, "list_per_page", rows)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(list_page(model)).status_code == 200, label
            costs.append(len(captured))
        assert costs[0] == costs[1] <= MOST, f"{label}: {costs}\n" + "\n".join(q["sql"] for q in captured)
        long += model._default_manager.count() > 2
    assert long > 20


@pytest.mark.usefixtures("several")
def test_an_order_costs_the_same_however_many_lines_it_has(users: dict[Role, Any], api: Callable[[str], Api]):
    client = Client()
    client.force_login(users[Role.OWNER])
    costs = []
    client.get(detail_page(Order.objects.latest("pk")))
    for skus in (["SKU001"], ["SKU001", "SKU002", "SKU003"]):
        lines = [{"sku": sku, "quantity": 1} for sku in skus]
        assert api("clerk").post("/api/sales/sell", {"lines": lines}).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            client.get(detail_page(Order.objects.latest("pk")))
        costs.append(captured.captured_queries)
    assert len(costs[0]) == len(costs[1]), "\n".join(query["sql"] for query in costs[1])


@pytest.mark.usefixtures("busy")
def test_lists_find_by_their_search_and_survive_odd_filters(users: dict[Role, Any]):
    client = Client()
    client.force_login(users[Role.OWNER])
    for label, model, admin in registered():
        queries = [{"q": "0f8fad5b-d9cb-469f-a165-70867728950e"}, {"q": "SKU001"}] if admin.search_fields else []
        queries += [{f"{part}_from": "nonsense", f"{part}_to": "9999-12-31"} for part in _ranges(admin)]
        for query in queries:
            assert client.get(list_page(model), query).status_code == 200, (label, query)
    task = TaskState.objects.filter(agent="sales").latest("created_at")
    for term, count in ((str(task.task_id), 1), ("clerk", 8), ("USER-OWNER", 2), ("nobody", 0)):
        assert client.get(list_page(TaskState), {"q": term}).context["cl"].result_count == count, term
    assert client.get(list_page(AuditRecord), {"q": "till_opened"}).context["cl"].result_count == 1
    assert client.get(list_page(AuditRecord), {"q": str(task.task_id)}).context["cl"].result_count == 2
    found = client.get(list_page(Order), {"q": "S-000021"}).context["cl"].result_count
    assert found == 1
    today = f"{timezone.localdate():%Y-%m-%d}"
    only = {"occurred_at_from": today, "occurred_at_to": today}
    assert client.get(list_page(Order), only).context["cl"].result_count == 1


def _ranges(admin: Any) -> list[str]:
    return [found[0] for found in admin.list_filter if isinstance(found, tuple) and "Range" in found[1].__name__]


def test_a_superuser_edits_no_ledger_either(db: None, rf: RequestFactory):
    request = rf.get("/")
    request.user = User.objects.create_superuser("root", password="x")
    for label, model, admin in registered():
        if issubclass(model, AppendOnly):
            assert isinstance(admin, ReadOnlyAdmin), label
        if not isinstance(admin, ReadOnlyAdmin):
            continue
        assert not admin.has_add_permission(request), label
        assert not admin.has_change_permission(request), label
        assert not admin.has_delete_permission(request), label
        assert "delete_selected" not in admin.get_actions(request), label


@pytest.mark.parametrize("role", ["owner", "manager", "clerk", "auditor"])
@pytest.mark.usefixtures("shop")
def test_lists_lead_to_their_export_and_import(role: str, users: dict[Role, Any], client: Client):
    """A button is there where it leads somewhere."""
    client.force_login(users[Role(role)])
    exported = set()
    for label, model, admin in registered():
        if not getattr(admin, "export_dataset", ""):
            continue
        listed = client.get(list_page(model))
        shown = f'href="{list_page(model)}export/"' in listed.content.decode()
        opened = client.get(list_page(model) + "export/", follow=True).status_code
        assert (listed.status_code == opened == 200) if shown else opened in (403, 404), label
        exported.add(admin.export_dataset) if shown else None
    assert exported >= {"inventory", "movements", "prices", "sales", "customers", "tickets"}
    assert ("audit" in exported) is (role in ("owner", "auditor"))
    for model, what in ((Product, "products"), (Order, "sales")):
        shown = f'href="{list_page(model)}import/"' in client.get(list_page(model)).content.decode()
        assert shown is (role in ("owner", "manager"))
        assert client.get(f"/admin/import/{what}/").status_code == (200 if shown else 403)
