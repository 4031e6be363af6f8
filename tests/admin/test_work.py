"""A day's work in a browser: customers found, tickets answered, prices approved, goods taken back, shelves counted."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from customers.models import Customer, Ticket
from customers.services import ticket_create
from inventory.models import Order, Product, StockLevel
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from pricing.models import PriceChange
from shop_assistant.accounts.models import User
from tests.admin.conftest import Visitor, detail_page, list_page

Visit = Callable[[str], Visitor]


def test_a_customer_is_found_by_e_mail_and_leads_to_what_was_bought(visitor: Visit):
    someone = visitor("clerk")
    someone.visit(list_page(Customer))
    someone.page.fill("input[name=q]", "John@Example.com")
    someone.page.press("input[name=q]", "Enter")
    someone.page.get_by_role("link", name="CUST001").click()
    someone.page.wait_for_selector("text=John Smith")
    someone.page.get_by_role("link", name="Orders", exact=True).last.click()
    someone.page.get_by_role("link", name="S-000020").click()
    someone.page.wait_for_selector("text=Amounts")
    assert someone.page.get_by_role("link", name="CUST001").count() == 1
    assert someone.complaints == []


def test_a_ticket_is_answered_handed_over_closed_and_opened_again(visitor: Visit):
    john = Customer.objects.get(public_id="CUST001")
    ticket = ticket_create(subject="Broken widget", message="It is awful", user_id="USER-CLERK", customer=john)
    someone = visitor("clerk")
    page = someone.page
    someone.visit(detail_page(ticket))
    for text in ("Broken widget", "It is awful", "NEGATIVE"):
        assert text in page.locator("#content").inner_text()
    page.fill("textarea[name=reply]", "A new one is on its way.")
    page.select_option("select[name=assign_to]", "USER-MANAGER")
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_selector("text=T-000001 is pending now.")
    assert "A new one is on its way." in page.locator("#content").inner_text()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assigned_to) == ("pending", "USER-MANAGER")
    page.click("a[href$='/close/']")
    page.get_by_role("button", name="Close it").click()
    page.wait_for_selector("text=T-000001 is closed now.")
    assert page.locator("textarea[name=reply]").count() == 0
    page.click("a[href$='/reopen/']")
    page.get_by_role("button", name="Open it").click()
    page.wait_for_selector("text=T-000001 is open now.")
    tasks = TaskState.objects.filter(agent="customers", operation="reply_ticket", channel="admin", status="completed")
    assert tasks.count() == 3
    assert someone.complaints == []


def test_a_price_is_proposed_by_one_and_approved_by_another(visitor: Visit, browser: Browser, live_server: Any):
    someone = visitor("manager")
    page = someone.page
    someone.visit(list_page(PriceChange) + "add/")
    soon = timezone.localtime() + timedelta(days=2)
    page.evaluate(
        "id => { const s = document.querySelector('select[name=product]');"
        " s.add(new Option('SKU001', id, true, true)); s.dispatchEvent(new Event('change')) }",
        str(Product.objects.get(sku="SKU001").pk),
    )
    page.fill("input[name=new_price]", "31.50")
    page.fill("input[name=effective_at_0]", f"{soon:%d/%m/%Y}")
    page.fill("input[name=effective_at_1]", "09:00:00")
    page.fill("[name=reason]", "spring")
    page.click("[name=_save]")
    page.wait_for_selector("text=It waits for approval.")
    change = PriceChange.objects.get()
    assert change.status == "proposed"

    someone.visit(detail_page(change))
    approve(page)
    page.wait_for_selector("text=Another person has to approve what you proposed.")
    change.refresh_from_db()
    assert change.status == "proposed"

    with browser.new_context() as context:
        owner = Visitor(context.new_page(), live_server.url).log_in("owner")
        owner.visit(detail_page(change))
        approve(owner.page)
        owner.page.wait_for_selector("text=SKU001 to 31.50: approved (four eyes)")
        assert owner.complaints == []
    change.refresh_from_db()
    assert (change.status, change.decided_by, change.new_price) == ("scheduled", "USER-OWNER", Decimal("31.50"))
    assert someone.complaints == []


def approve(page: Page) -> None:
    page.click("a[href$='/approve/']")
    page.get_by_role("button", name="Approve").click()


def test_goods_are_taken_back_from_the_orders_page(visitor: Visit):
    order = Order.objects.get(reference="S-000001")
    someone = visitor("clerk")
    page = someone.page
    someone.visit(detail_page(order))
    page.get_by_text("Take back").first.click()
    page.wait_for_selector("input[name=back_0]")
    page.get_by_role("button", name="Take back").click()
    page.wait_for_selector("text=Say above how much comes back.")
    page.fill("input[name=back_0]", "1")
    page.get_by_role("button", name="Take back").click()
    page.wait_for_selector("text=R-000001: refund 50.00 GBP")
    assert order.returns.get().user_id == "USER-CLERK"
    assert TaskState.objects.get(agent="sales", operation="return").channel == "admin"
    assert someone.complaints == []


def test_several_shelves_are_counted_at_once(visitor: Visit):
    someone = visitor("clerk")
    page = someone.page
    someone.visit(list_page(StockLevel))
    for box in page.locator("input.action-select[name=_selected_action]").all():
        box.check()
    page.select_option("select[name=action]", "count")
    page.get_by_role("button", name="Run").click()
    level = StockLevel.objects.get(product__sku="SKU001")
    page.wait_for_selector(f"input[name=level_{level.pk}]")
    page.fill(f"input[name=level_{level.pk}]", "140")
    page.get_by_role("button", name="Book the count").click()
    page.wait_for_selector("text=Counted: SKU001.")
    level.refresh_from_db()
    assert level.on_hand == 140
    assert TaskState.objects.get(agent="inventory", operation="update").channel == "admin"
    assert someone.complaints == []


@pytest.mark.usefixtures("busy")
def test_no_page_is_wider_than_a_phone(visitor: Visit):
    someone = visitor("owner")
    someone.page.set_viewport_size({"width": 390, "height": 844})
    rows = [
        Product.objects.get(sku="SKU001"),
        Order.objects.latest("pk"),
        Ticket.objects.get(),
        Customer.objects.get(public_id="CUST001"),
    ]
    pages = ["/admin/", "/admin/operations/", "/admin/operations/sales/sell/", "/admin/import/products/"]
    pages += [list_page(type(row)) for row in rows] + [detail_page(row) for row in rows]
    pages += [detail_page(rows[0]).replace("/change/", "/history/"), list_page(TaskState), "/admin/nonsense/"]
    pages += [detail_page(User.objects.get(username="clerk"))]
    pages += [detail_page(TaskState.objects.filter(agent="sales").latest("created_at"))]
    for path in pages:
        someone.visit(path)
        wide = someone.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path
        unnamed = someone.page.evaluate(
            "[...document.querySelectorAll('#content input:not([type=hidden]), #content select, #content textarea')]"
            ".filter(e => e.checkVisibility() && !e.labels?.length && !e.ariaLabel && !e.placeholder && !e.title)"
            ".map(e => e.name)"
        )
        assert unnamed == [], path
    assert [text for text in someone.complaints if "nonsense" not in text] == []


def test_pages_that_say_what_went_wrong(visitor: Visit, live_server: Any):
    someone = visitor("clerk")
    for path, status, said in (
        (list_page(TaskState), 403, "This page is not open to you"),
        ("/admin/nonsense/", 404, "There is nothing here"),
    ):
        assert someone.visit(path) == status
        assert said in someone.page.locator("main").inner_text()
        assert someone.page.get_by_role("link", name="To the shop's first page").get_attribute("href") == "/admin/"


def test_a_failed_task_is_run_again_from_its_page(visitor: Visit, api: Callable[[str], Any]):
    accepted = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": -999}, Prefer="respond-async")
    task_id = accepted.json()["data"]["task_id"] if "data" in accepted.json() else accepted["X-Task-ID"]
    perform_queued(task_id)
    task = TaskState.objects.get(task_id=task_id)
    assert task.status == "failed"
    someone = visitor("owner")
    someone.visit(detail_page(task))
    someone.page.click("a[href$='/run-again/']")
    someone.page.get_by_role("button", name="Run again").click()
    someone.page.wait_for_selector(f"text={task_id} will run again.")
    task.refresh_from_db()
    assert (task.status, task.attempt) == ("pending", 2)
    assert someone.page.locator("a[href$='/run-again/']").count() == 0
    assert someone.complaints == []
