"""The admin: master data is edited, ledgers are looked at, stock is adjusted through the agent."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AppendOnly
from inventory import models
from inventory.models import (
    Forecast,
    Product,
    PurchaseOrder,
    ReferenceCounter,
    ReorderPolicy,
    ReorderTarget,
    ReturnedQuantity,
    StockLevel,
)
from inventory.selectors import stock_of
from inventory.services import chunk_forecast, run_plan
from shop_assistant.agents import Role

from .making import line, location, product, sell, stocked

pytestmark = pytest.mark.django_db
ALL = [getattr(models, name) for name in models.__all__ if hasattr(getattr(models, name), "_meta")]
READ_ONLY = [m for m in ALL if issubclass(m, AppendOnly)] + [
    Forecast,
    models.ForecastRun,
    ReferenceCounter,
    ReorderTarget,
    ReturnedQuantity,
    StockLevel,
]


@pytest.fixture
def as_role(users):
    def client(role):
        made = Client()
        made.force_login(users[Role(role)])
        return made

    return client


def adjusting(item):
    return reverse("admin:inventory_product_adjust_stock", args=[item.pk])


def adjust(client, item, **fields):
    return client.post(adjusting(item), {"_form_submitted": "True", "way": "delta", "amount": "-3", **fields})


@pytest.mark.parametrize("model", [m for m in ALL if admin.site.is_registered(m)])
def test_every_list_opens_searches_and_shows_a_row(as_role, model):
    item = stocked("SKU001", 10)
    sell(line(item))
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    client = as_role("owner")
    assert client.get(url).status_code == 200
    assert client.get(url, {"q": "SKU001"}).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        change = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        assert client.get(reverse(change, args=[row.pk])).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_the_shop_writes_itself_nobody_edits(as_role, rf, users, model):
    if not admin.site.is_registered(model):
        return  # shown within another page
    request = rf.get("/")
    request.user = users[Role.OWNER]
    page = admin.site.get_model_admin(model)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


def test_stock_is_adjusted_through_the_agent(as_role):
    item = stocked("SKU001", 10)
    client = as_role("clerk")
    assert "Adjust stock" in client.get(adjusting(item)).content.decode()
    answer = adjust(client, item, reason="damaged")
    assert answer.status_code == 302
    movement = item.movements.order_by("pk").last()
    assert (movement.kind, movement.quantity, movement.user_id) == ("write_off", -3, "USER-CLERK")
    assert adjust(client, item, way="quantity", amount="12", location="A-01-01").status_code == 302
    assert stock_of(item).on_hand == 12


def test_what_the_agent_refuses_is_said_in_the_form(as_role):
    item = stocked("SKU001", 10)
    answer = adjust(as_role("clerk"), item, amount="-11")
    assert answer.status_code == 200
    assert "Only 10 of SKU001 can be taken from A-01-01." in answer.content.decode()
    answer = adjust(as_role("clerk"), item, amount="0.5")
    assert "must be a whole number" in answer.content.decode()
    assert stock_of(item).on_hand == 10


def test_who_may_not_update_stock_may_not_do_it_here(as_role):
    item = stocked("SKU001", 10)
    assert adjust(as_role("auditor"), item).status_code == 403
    assert stock_of(item).on_hand == 10


def test_a_product_is_edited_with_a_history_and_a_gtin_that_is_one(as_role):
    item = product("SKU001")
    client = as_role("manager")
    url = reverse("admin:inventory_product_change", args=[item.pk])
    form = {
        "sku": "SKU001",
        "name": "Tea",
        "unit": "piece",
        "list_price": "2.50",
        "tax_rate": "20",
        "active": "on",
        "barcode": "96385075",
        "tracking": "none",
    }
    inlines = ("levels", "packagings", "barcodes", "components", "reorder_policy")
    form |= {f"{name}-{count}_FORMS": 0 for name in inlines for count in ("TOTAL", "INITIAL")}
    assert "no valid GTIN" in client.post(url, form).content.decode()
    assert client.post(url, form | {"barcode": "96385074"}).status_code == 302
    item.refresh_from_db()
    assert (item.name, item.barcode) == ("Tea", "96385074")
    assert item.history.first().history_user_id == "USER-MANAGER"


def test_a_purchase_order_gets_its_reference_from_the_shop(as_role):
    supplier = models.Supplier.objects.create(code="ACME", name="Acme")
    item = product("SKU001")
    form = {
        "supplier": supplier.pk,
        "status": "draft",
        "currency": "GBP",
        "lines-TOTAL_FORMS": 1,
        "lines-INITIAL_FORMS": 0,
        "lines-0-product": item.pk,
        "lines-0-quantity": 5,
    }
    answer = as_role("manager").post(reverse("admin:inventory_purchaseorder_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    order = PurchaseOrder.objects.get()
    assert (order.reference, order.user_id, order.lines.get().quantity) == ("PO-000001", "USER-MANAGER", 5)


def test_the_list_of_products_shows_what_can_be_sold(as_role):
    stocked("SKU001", 10, 5)
    StockLevel.objects.filter(location=location("A-01-02")).update(reserved=2)
    page = as_role("auditor").get(reverse("admin:inventory_product_changelist"))
    assert ">13<" in page.content.decode().replace("\n", "").replace(" ", "")


def test_a_count_of_nothing_is_told(as_role):
    level = stocked("SKU001", 10).levels.get()
    form = {"action": "count", "_selected_action": [level.pk], "counted": "1"}
    answer = as_role("clerk").post(reverse("admin:inventory_stocklevel_changelist"), form)
    assert "Fill in what was counted." in answer.content.decode()


def test_a_night_of_forecasts_is_looked_at(as_role):
    sell(line(stocked("SKU001", 10)))
    with transaction.atomic():
        (chunk,) = run_plan(today=timezone.localdate() + timedelta(days=1))
    run = models.ForecastRun.objects.get()
    listed, page = (
        reverse(f"admin:inventory_forecastrun_{name}", args=args)
        for name, args in (("changelist", []), ("change", [run.pk]))
    )
    client = as_role("auditor")
    assert "0 of 1 parts" in client.get(listed).content.decode()
    chunk_forecast(chunk_id=chunk.pk)
    run.refresh_from_db()
    run.finished_at = run.created_at + timedelta(seconds=65)
    run.save()
    Forecast.objects.create(
        product_id=chunk.first_product, made_on=run.made_on, method="theta", kind="smooth", expected=1, low=0, high=2,
        daily=[], quantiles={}, backtest={}, history={},
    )  # fmt: skip
    shown = client.get(page).content.decode()
    assert all(told in shown for told in ("finished", "1 min 5 s", "theta 1"))
    assert 'href="/admin/inventory/forecastrun/"' in client.get("/admin/").content.decode()


def test_what_runs_low_is_listed_counted_and_narrowed(as_role):
    for number in range(40):
        stocked(f"LOW{number:02}", 1)
        ReorderPolicy.objects.create(product=Product.objects.get(sku=f"LOW{number:02}"), reorder_point=1)
    stocked("PLENTY", 9)
    client, url = as_role("owner"), reverse("admin:inventory_product_changelist")

    def found(**asked):
        listed = client.get(url, {"stock": "low", **asked}).context["cl"]
        return listed.result_count, [row.sku for row in listed.result_list]

    assert found() == (40, [f"LOW{number:02}" for number in range(30)])
    assert found(p=2) == (40, [f"LOW{number:02}" for number in range(30, 40)])
    assert found(q="LOW1") == (10, [f"LOW1{number}" for number in range(10)])
    assert found(q="PLENTY") == (0, [])
    assert found(_facets="True")[0] == 40
    assert client.get(url, {"stock": "none"}).context["cl"].result_count == 0
    assert client.get(url).context["cl"].result_count == 41
