"""Purchase orders as staff handle them: pages, buttons and files."""

import csv
import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import KitComponent, Lot, PurchaseOrder, Receipt, SupplierReturn
from inventory.selectors import stock_of
from shop_assistant.agents import Role

from .buying import offer, ordered, receive, sent, shelf, supplier
from .making import location, product

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def as_role(client, users):
    def log_in(role):
        client.force_login(users[Role(role)])
        return client

    return log_in


def page(order, what=""):
    return reverse("admin:inventory_purchaseorder_change", args=[order.pk]).replace("change/", f"{what or 'change'}/")


def button(client, order, what, **form):
    """Press a button of the order's page: `button(client, order, "approve")`."""
    return client.post(page(order, what), {"_form_submitted": "True", **form})


def draft_form(of, *lines):
    form = {"supplier": of.pk, "lines-TOTAL_FORMS": len(lines), "lines-INITIAL_FORMS": 0}
    for number, (item, quantity) in enumerate(lines):
        form |= {f"lines-{number}-product": item.pk, f"lines-{number}-quantity": quantity}
    return form


def test_a_draft_is_priced_when_it_is_saved(as_role):
    acme = supplier()
    first, second = shelf("A", "B")
    offer(acme, first, "3", {10: "2.5"}, supplier_sku="AC")
    add = reverse("admin:inventory_purchaseorder_add")
    assert as_role("manager").post(add, draft_form(acme, (first, 12), (second, 1))).status_code == 302
    order = PurchaseOrder.objects.get()
    told = [(line.supplier_sku, line.unit_cost) for line in order.lines.all()]
    assert (order.currency, order.user_id, told) == ("GBP", "USER-MANAGER", [("AC", D("2.5")), ("", D(4))])


def test_another_product_in_a_line_has_its_own_number_at_the_supplier(as_role):
    acme, other = supplier(), supplier("OTHER")
    first, second = shelf("A", "B")
    for item in (first, second):
        offer(acme, item, "3", supplier_sku=f"THEIRS-{item.sku}")
    order = ordered(acme, (first, 5))
    form = draft_form(other, (second, 5)) | {
        "lines-INITIAL_FORMS": 1, "lines-0-id": order.lines.get().pk, "lines-0-unit_cost": "7",
    }  # fmt: skip
    assert as_role("manager").post(page(order), form).status_code == 302
    line = order.lines.get()
    assert (line.product, line.supplier_sku, line.unit_cost) == (second, "THEIRS-B", 7)
    order.refresh_from_db()
    assert order.supplier == acme, "whose numbers and prices these are"


def test_a_draft_refuses_what_can_not_be_ordered(as_role):
    acme = supplier()
    (item,) = shelf("A")
    kit = product("KIT")
    KitComponent.objects.create(kit=kit, component=item, quantity=1)
    add = reverse("admin:inventory_purchaseorder_add")
    client = as_role("manager")
    assert "is a kit" in client.post(add, draft_form(acme, (kit, 1))).content.decode()
    assert "counted in pieces" in client.post(add, draft_form(acme, (item, "1.5"))).content.decode()
    assert not PurchaseOrder.objects.exists()


def test_an_approved_order_is_not_edited_any_more(as_role):
    acme = supplier()
    (item,) = shelf("A")
    order = sent(acme, (item, 5))
    client = as_role("manager")
    shown = client.get(page(order)).content.decode()
    assert 'name="lines-0-quantity"' not in shown
    assert client.post(page(order), draft_form(acme)).status_code == 403


def test_the_buttons_are_those_of_its_state_and_of_who_looks(as_role):
    acme = supplier()
    (item,) = shelf("A")
    draft, going = ordered(acme, (item, 5)), sent(acme, (item, 5))

    def shown(role, order):
        html = as_role(role).get(page(order)).content.decode()
        return {what for what in ("approve", "send", "receive", "close", "cancel", "pdf") if page(order, what) in html}

    assert shown("manager", draft) == {"approve", "cancel", "pdf"}
    assert shown("manager", going) == {"receive", "cancel", "pdf"}
    assert shown("clerk", going) == {"receive", "pdf"}
    assert shown("auditor", going) == {"pdf"}
    assert button(as_role("clerk"), draft, "approve").status_code == 403


def test_from_draft_to_end_by_buttons(as_role):
    acme = supplier()
    (item,) = shelf("A")
    location()
    order = ordered(acme, (item, 5), user_id="USER-OWNER")
    client = as_role("manager")
    button(client, order, "approve")
    button(client, order, "send")
    form = {f"came_{order.lines.get().pk}": "3", "freight": "1.50", "delivery_note": "D-1"}
    assert client.post(page(order, "receive"), form).status_code == 302
    receipt = Receipt.objects.get()
    assert (receipt.delivery_note, receipt.lines.get().landed, stock_of(item).on_hand) == ("D-1", D("1.5"), 3)
    button(client, order, "send-back", **{f"back_{order.lines.get().pk}": "1", "reason": "broken"})
    assert SupplierReturn.objects.get().reason == "broken"
    button(client, order, "close", reason="no more of it")
    order.refresh_from_db()
    assert (order.status, stock_of(item).on_hand) == ("closed", 2)


def test_lots_and_serial_numbers_are_typed_one_a_line(as_role):
    milk, saw = product("MILK", tracking="lot"), product("SAW", tracking="serial")
    location()
    order = sent(supplier(), (milk, 10), (saw, 2))
    first, second = order.lines.order_by("pk")
    client = as_role("clerk")
    wrong = client.post(page(order, "receive"), {f"came_{first.pk}": "L-1 lots"})
    assert "one a line: lot, quantity" in wrong.content.decode()
    too_many = client.post(page(order, "receive"), {f"came_{first.pk}": "L-1 11"})
    assert "are too many" in too_many.content.decode()
    good = {f"came_{first.pk}": "L-1 4 2030-01-31\nL-2 6", f"came_{second.pk}": "S1\nS2\n"}
    assert client.post(page(order, "receive"), good).status_code == 302
    told = {lot.code: str(lot.expires_on) for lot in Lot.objects.all()}
    assert told == {"L-1": "2030-01-31", "L-2": "None", "S1": "None", "S2": "None"}
    assert (stock_of(milk).on_hand, stock_of(saw).on_hand) == (10, 2)


def test_pages_of_suppliers_offers_deliveries_and_returns_open(as_role, django_assert_max_num_queries):
    acme = supplier()
    items = shelf(*(f"A{number}" for number in range(8)), supplier=acme)
    for item in items:
        offer(acme, item, "3", {10: "2"})
    location()
    for _ in range(6):
        order = sent(acme, *((item, 2) for item in items))
        receive(order)
    client = as_role("manager")
    supplier_page = client.get(reverse("admin:inventory_supplier_change", args=[acme.pk])).content.decode()
    assert "from 6 deliveries of the last year" in supplier_page
    for name, count in (("supplierproduct", 8), ("receipt", 6), ("purchaseorder", 6), ("supplier", 1)):
        with django_assert_max_num_queries(14):
            listed = client.get(reverse(f"admin:inventory_{name}_changelist"))
        assert len(listed.context["cl"].result_list) == count
    receipt = Receipt.objects.first()
    assert client.get(reverse("admin:inventory_receipt_change", args=[receipt.pk])).status_code == 200
    assert receipt.reference in client.get(page(receipt.purchase_order)).content.decode()


def test_the_order_as_a_file(as_role, tmp_path):
    acme = supplier(name="=Acme ▯ 株式会社", email="orders@acme.example")
    (item,) = shelf("A")
    offer(acme, item, "0.125", supplier_sku="=AC")
    order = ordered(acme, (item, 12))
    client = as_role("manager")
    made = client.get(page(order, "csv"))
    assert made["Content-Disposition"] == 'attachment; filename="PO-000001.csv"'
    (row,) = csv.DictReader(io.StringIO(made.content.decode("utf-8-sig"), newline=""))
    assert (row["supplier_sku"], row["sku"], row["quantity"], row["unit_cost"], row["cost"]) == (
        "'=AC", "A", "12", "0.125", "1.5",
    )  # fmt: skip
    assert client.get(page(order, "pdf")).content.startswith(b"%PDF-")
    order.reference = 'B "2" é'
    order.save()
    named = client.get(page(order, "csv"))["Content-Disposition"]
    assert named == "attachment; filename*=utf-8''B%20%222%22%20%C3%A9.csv"
    order.reference = "PO-000001"
    order.save()
    call_command("purchase_order", "po-000001", "--output", str(tmp_path / "order.pdf"), stdout=io.StringIO())
    assert (tmp_path / "order.pdf").read_bytes().startswith(b"%PDF-")
    with pytest.raises(CommandError, match="PO-9 not found"):
        call_command("purchase_order", "PO-9", "--output", str(tmp_path / "none.csv"))
    with pytest.raises(CommandError, match="--format"):  # a PDF is no workbook, whatever it is called
        call_command("purchase_order", "PO-000001", "--output", str(tmp_path / "order.xlsx"))
    assert not (tmp_path / "order.xlsx").exists()
    assert not (tmp_path / "none.csv").exists()


def test_purchase_orders_cost_a_page_the_same_however_many(api):
    acme = supplier()
    items = shelf("A", "B", "C")
    clerk = api("clerk")

    def ask():
        answer = clerk.post("/api/inventory/purchase-orders", {"limit": 50})
        assert answer.status_code == 200
        return json.loads(answer.content)["data"]["items"]

    ordered(acme, (items[0], 1))
    ask()
    with CaptureQueriesContext(connection) as few:
        assert len(ask()) == 1
    for _ in range(10):
        ordered(acme, *((item, 1) for item in items))
    with CaptureQueriesContext(connection) as many:
        assert len(ask()) == 11
    assert len(many) == len(few)
