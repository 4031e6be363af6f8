"""What staff change in the admin, in a browser: through the operations, with history and a trail."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from audit import events
from audit.admin_base import ReadOnlyAdmin
from audit.history import row_digest
from audit.models import AppendOnly, AuditRecord, Outbox
from audit.sealing import seal
from customers.models import Customer, Interaction, LoyaltyEntry, Ticket
from inventory.models import Order, Product, StockLevel, StockMovement
from orchestrator.models import TaskState
from shop_assistant.agents import Role
from tests.admin.conftest import Visitor, detail_page, list_page, registered

Visit = Callable[[str], Visitor]


def adjust(someone: Visitor, amount: str, reason: str = "") -> None:
    """Fill in the product's dialog."""
    page = someone.page
    page.get_by_text("Adjust stock").first.click()
    page.wait_for_selector("input[name=amount]")
    page.fill("input[name=amount]", amount)
    page.fill("input[name=reason]", reason)
    page.get_by_role("button", name="Book").click()


def test_stock_is_adjusted_through_the_operation(visitor: Visit):
    someone = visitor("clerk")
    product = Product.objects.get(sku="SKU001")
    someone.visit(detail_page(product))
    adjust(someone, "-2", "damaged")
    someone.page.wait_for_selector("text=150 → 148 on hand")
    assert StockLevel.objects.get(product=product).on_hand == 148
    task = TaskState.objects.get(agent="inventory", operation="update")
    assert (task.channel, task.user_id, task.status) == ("admin", "USER-CLERK", "completed")
    told = Outbox.objects.filter(task_id=task.task_id).order_by("id").values_list("event", flat=True)
    assert list(told) == [events.TASK_STARTED, events.TASK_COMPLETED]
    movement = StockMovement.objects.get(task_id=task.task_id)
    assert (movement.kind, movement.quantity, movement.user_id) == ("write_off", -2, "USER-CLERK")
    assert someone.complaints == []


def test_more_than_there_is_cannot_be_taken(visitor: Visit):
    someone = visitor("clerk")
    someone.visit(detail_page(Product.objects.get(sku="SKU001")))
    adjust(someone, "-1000")
    someone.page.wait_for_selector("text=Only 150 of SKU001 can be taken from A-01-01.")
    assert StockLevel.objects.get(product__sku="SKU001").on_hand == 150
    assert TaskState.objects.get(agent="inventory").status == "failed"


def test_an_auditor_may_not_adjust(visitor: Visit):
    someone = visitor("auditor")
    someone.visit(detail_page(Product.objects.get(sku="SKU001")))
    assert someone.page.get_by_text("Adjust stock").count() == 0
    assert someone.page.locator("[name=_save]").count() == 0


def test_a_changed_product_has_its_history_and_its_event(visitor: Visit):
    someone = visitor("manager")
    product = Product.objects.get(sku="SKU001")
    someone.visit(detail_page(product))
    assert someone.page.input_value("input[name=list_price]") == "29.99"
    someone.page.fill("input[name=list_price]", "31.50")
    someone.page.click("[name=_save]")
    someone.page.wait_for_url(f"**{list_page(Product)}")
    product.refresh_from_db()
    assert product.list_price == Decimal("31.50")
    kept = product.history.latest("history_id")
    assert (kept.history_user_id, kept.history_change_reason, kept.list_price) == (
        "USER-MANAGER",
        "admin",
        Decimal("31.5"),
    )

    told = Outbox.objects.get(event=events.OBJECT_CHANGED)
    document = json.loads(told.payload)
    assert (told.user_id, document["model"], document["change"]) == ("USER-MANAGER", "inventory.Product", "changed")
    listed = {row["history_id"]: row["digest"] for row in document["history"] if row["model"] == "inventory.Product"}
    assert listed == {kept.history_id: row_digest(kept)}

    someone.visit(detail_page(product).replace("/change/", "/history/"))
    shown = someone.page.locator("#content").inner_text()
    for text in ("manager", "List price: 29.99 → 31.50"):
        assert text in shown
    assert someone.complaints == []


def test_a_refused_change_leaves_nothing(visitor: Visit):
    someone = visitor("manager")
    product = Product.objects.get(sku="SKU001")
    someone.visit(detail_page(product))
    someone.page.fill("input[name=barcode]", "5012345678901")  # its check digit is wrong
    someone.page.click("[name=_save]")
    someone.page.wait_for_selector("text=Please correct the error")
    assert product.history.count() == 1
    assert not Outbox.objects.filter(event=events.OBJECT_CHANGED).exists()


@pytest.mark.usefixtures("busy")
def test_ledgers_records_and_tasks_are_to_be_looked_at(users: dict[Role, Any], client: Client):
    """Not even the owner gets a form; whoever makes up a request is refused."""
    client.force_login(users[Role.OWNER])
    read_only = {label: (model, admin) for label, model, admin in registered() if isinstance(admin, ReadOnlyAdmin)}
    ledgers = {label for label, model, _ in registered() if issubclass(model, AppendOnly)}
    assert ledgers | {"orchestrator.TaskState", "audit.Outbox", "inventory.StockLevel"} <= set(read_only)
    for label, (model, _) in read_only.items():
        rows = model._default_manager.all()
        if model is Outbox:  # looking at the trail is told in it
            rows = rows.exclude(event=events.RECORDS_VIEWED)
        row, before = rows.first(), list(rows.values())
        page = detail_page(row)
        for path in (list_page(model) + "add/", page.replace("/change/", "/delete/")):
            assert client.get(path).status_code == 403, label
            assert client.post(path, {"post": "yes"}).status_code == 403, label
        assert client.post(page, {"_save": "1"}).status_code == 403, label
        deleting = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        client.post(list_page(model), deleting)
        shown = client.get(page).content.decode()
        assert 'name="_save"' not in shown, label
        assert "deletelink" not in shown, label
        assert list(rows.values()) == before, label


@pytest.mark.usefixtures("busy")
def test_an_order_and_a_task_show_what_they_hold_and_no_button_to_change_it(visitor: Visit):
    someone = visitor("owner")
    sold = Order.objects.latest("pk")
    someone.visit(detail_page(sold))
    shown = someone.page.locator("#content").inner_text()
    for text in ("S-000021", "SKU001 Widget Pro", "RULE001,WELCOME", "307.68"):
        assert text in shown
    assert someone.page.locator("#content input:visible, #content select:visible, [name=_save]").count() == 0
    task = TaskState.objects.get(task_id=sold.task_id)
    someone.visit(detail_page(task))
    shown = someone.page.locator("#content").inner_text()
    for text in ("COMPLETED", '"order": "S-000021"', "redeem_coupon"):
        assert text in shown
    record = AuditRecord.objects.get(task_id=sold.task_id, event=events.TASK_COMPLETED)
    someone.visit(detail_page(record))
    shown = someone.page.locator("#content").inner_text()
    for text in (bytes(record.leaf).hex(), '"text": "sold S-000021'):
        assert text in shown


PERSONAL = ("John Smith", "john@example.com", "7946", "very unhappy", "Broken")


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(("role", "may"), [("owner", True), ("manager", True), ("clerk", True), ("auditor", False)])
def test_people_are_shown_to_who_may_see_them(role: str, may: bool, users: dict[Role, Any], client: Client):
    client.force_login(users[Role(role)])
    rows = (
        Customer.objects.get(public_id="CUST001"),
        Ticket.objects.get(),
        LoyaltyEntry.objects.first(),
        Interaction.objects.first(),
    )
    shown = {}
    for row in rows:
        answer = client.get(detail_page(row))
        assert answer.status_code == 200
        shown[row._meta.label] = answer.content.decode()
    assert ("John Smith" in shown["customers.Customer"]) is may
    assert ("very unhappy" in shown["customers.Ticket"]) is may
    if not may:
        assert not [word for word in PERSONAL for page in shown.values() if word in page]
    found = client.get(list_page(Customer), {"q": "john@example.com"}).context["cl"].result_count
    assert found == (1 if may else 0)
    looked = Outbox.objects.filter(event=events.PERSONAL_VIEWED, user_id=f"USER-{role.upper()}")
    assert looked.count() == (4 if may else 0)
    for row in looked:
        assert json.loads(row.payload)["key"]


def test_a_customer_is_edited_without_a_trace_of_the_plain_text(visitor: Visit):
    someone = visitor("manager")
    john = Customer.objects.get(public_id="CUST001")
    someone.visit(detail_page(john))
    assert someone.page.input_value("input[name=name]") == "John Smith"
    someone.page.fill("input[name=name]", "Zebediah Canary")
    someone.page.click("[name=_save]")
    someone.page.wait_for_url(f"**{list_page(Customer)}")
    assert "Zebediah" not in someone.page.content()
    assert Customer.objects.get(public_id="CUST001").plain("name") == "Zebediah Canary"
    seal()
    for record in AuditRecord.objects.all():
        assert "Zebediah" not in record.payload
    for row in john.history.all():
        assert "Zebediah" not in str([getattr(row, field.attname) for field in row._meta.concrete_fields])
    someone.visit(detail_page(john).replace("/change/", "/history/"))
    assert "Zebediah" not in someone.page.content()
    assert someone.complaints == []
