"""The reorder review in the admin: look, change, and make drafts."""

import pytest
from django.test import Client

from inventory.models import PurchaseOrder, PurchaseOrderLine, ReorderPolicy

from .buying import supplier
from .making import stocked

pytestmark = pytest.mark.django_db
PAGE = "/admin/reorder/"


@pytest.fixture
def low():
    """Two products below a reorder point set by hand, one of them without a supplier."""
    acme = supplier("ACME")
    for sku, fields in (("SKU001", {"supplier": acme}), ("LONE", {})):
        ReorderPolicy.objects.create(product=stocked(sku, 3, **fields), reorder_point=5, pack_size=6)


@pytest.fixture
def page(users):
    def visit(role: str) -> Client:
        client = Client()
        client.force_login(users[role])
        return client

    return visit


def order(client, quantity, on_order=0):
    return client.post(PAGE, {"sku": "SKU001", "quantity_SKU001": quantity, "on_order_SKU001": on_order}, follow=True)


def test_it_says_what_to_order_and_why(low, page):
    shown = page("manager").get(PAGE).content.decode()
    assert "2 lines suggested" in shown
    assert "3 available + 0 on order = 3, not above the reorder point of 5 (set by hand)" in shown
    assert 'name="quantity_SKU001" value="6"' in shown
    assert "no supplier to order from" in shown
    assert 'name="quantity_LONE"' not in shown


def test_one_click_makes_drafts_of_what_is_ticked(low, page):
    client = page("manager")
    assert "Drafted:" in order(client, 12).content.decode()
    line = PurchaseOrderLine.objects.get()
    assert (line.quantity, line.purchase_order.supplier.code, line.reason["suggested"]) == (12, "ACME", 6)
    assert "SKU001: 12 is on order by now, not 0" in order(client, 12).content.decode()
    assert PurchaseOrder.objects.count() == 1


@pytest.mark.parametrize(("quantity", "told"), [("", "is no number"), ("NaN", "how many?"), ("0", "greater than 0")])
def test_a_quantity_that_is_none_is_refused_and_kept(low, page, quantity, told):
    shown = order(page("manager"), quantity).content.decode()
    assert told in shown
    assert f'name="quantity_SKU001" value="{quantity}"' in shown
    assert not PurchaseOrder.objects.exists()


def test_nothing_ticked_is_nothing_ordered(low, page):
    assert "Tick what is to be ordered" in page("manager").post(PAGE, {}).content.decode()
    assert not PurchaseOrder.objects.exists()


@pytest.fixture
def many():
    """Sixty lines of two suppliers."""
    acme, bolts = supplier("ACME"), supplier("BOLTS")
    for number in range(60):
        item = stocked(f"P{number:02}", 3, supplier=bolts if number % 3 == 0 else acme)
        ReorderPolicy.objects.create(product=item, reorder_point=5)


def test_a_long_list_comes_in_pages(many, page):
    client = page("manager")
    first, second = (client.get(PAGE, {"page": number, "objective": "margin"}).content.decode() for number in (1, 2))
    assert first.count("<article") == 50
    assert second.count("<article") == 10
    assert "60 lines suggested" in first
    assert "Lines 51 to 60 of 60" in second
    assert "?objective=margin&amp;page=2" in first
    assert "P00" in first


def test_all_that_is_suggested_is_drafted_at_once(many, page):
    client = page("manager")
    assert "Draft all 60 as suggested" in client.get(PAGE).content.decode()
    assert "Say first what to look at" in client.post(f"{PAGE}?supplier=NOBODY", {"all": "1"}).content.decode()
    assert not PurchaseOrder.objects.exists()
    assert "Drafted:" in client.post(f"{PAGE}?supplier=BOLTS", {"all": "1"}, follow=True).content.decode()
    assert [order.supplier.code for order in PurchaseOrder.objects.all()] == ["BOLTS"]
    assert "Drafted:" in client.post(PAGE, {"all": "1"}, follow=True).content.decode()
    assert PurchaseOrderLine.objects.count() == 60
    assert "Nothing had to be ordered any more" in client.post(PAGE, {"all": "1"}, follow=True).content.decode()
    assert page("clerk").post(PAGE, {"all": "1"}).status_code == 403
    assert PurchaseOrderLine.objects.count() == 60


def test_a_budget_and_a_supplier_narrow_it(low, page):
    client = page("manager")
    shown = client.get(PAGE, {"budget": "100", "objective": "fill_rate", "supplier": "ACME"}).content.decode()
    assert "0.00 GBP of 100.00 GBP spent" in shown
    assert "nothing is known of its demand" in shown.lower()
    assert client.get(PAGE, {"budget": "-1"}).status_code == 200


def test_who_may_not_order_only_looks(low, page):
    shown = page("clerk").get(PAGE).content.decode()
    assert "Draft purchase orders" not in shown
    assert "quantity_SKU001" not in shown
    assert order(page("clerk"), 6).status_code == 403
    assert not PurchaseOrder.objects.exists()
    assert Client().get(PAGE).status_code == 302
