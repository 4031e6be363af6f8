"""A rule that blocks refuses, at every door, what would break it; and leaves nothing behind but the refusal."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import blocking
from audit.history import authored
from audit.models import ComplianceRule, Outbox
from customers.models import LoyaltyEntry
from inventory.models import Order, Product, StockMovement
from orchestrator import get_orchestrator
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from pricing.models import CouponUse, PriceRule
from pricing.services import price_change_schedule
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgainstRules
from tests.compliance.conduct import hours_elsewhere, rule, staff, widget
from tests.compliance.conftest import Api, rule_set

CORRECTION = {"sku": "SKU001", "delta": -20}
SALE = {"lines": [{"sku": "SKU002", "quantity": 1}, {"sku": "SKU001", "quantity": 2}], "coupon": "HALF"}


@pytest.fixture
def strict(shop: None) -> None:
    for key in ("stock-without-reason", "deep-discount", "points-by-hand", "sale-below-cost", "reduction-announced"):
        rule_set(key, blocking=True)
    for product in Product.objects.all():
        product.cost = Decimal(1)
        product.save()
    rule("HALF", "60", coupon="HALF", coupon_limit=5, product=widget())


def refusal(answer: Any, rule: str) -> dict[str, Any]:
    assert answer.status_code == 409, answer.content
    error: dict[str, Any] = answer.json()["error"]
    assert (error["code"], error["details"]["rule"]) == ("COMPLIANCE_BLOCKED", rule)
    assert ComplianceRule.objects.get(key=rule).title in error["message"]
    assert ComplianceRule.objects.get(key=rule).explanation in error["message"]
    return error


def nothing_changed() -> bool:
    booked = (
        StockMovement.objects.exclude(user_id="system").exists() or Order.objects.exclude(user_id="system").exists()
    )
    return not booked and widget().levels.get().on_hand == 150 and not CouponUse.objects.filter(used__gt=0).exists()


def test_over_rest(strict, api: Api):
    clerk = api("clerk")
    answer = clerk.post("/api/inventory/update", CORRECTION)
    error = refusal(answer, "stock-without-reason")
    assert "needs a reason" in error["message"]
    assert nothing_changed()
    assert clerk.post("/api/inventory/update", CORRECTION | {"reason": "damaged"}).status_code == 200


def test_the_refusal_is_on_record(strict, api: Api):
    answer = api("clerk").post("/api/inventory/update", CORRECTION)
    task = TaskState.objects.get(task_id=answer.headers["X-Task-ID"])
    assert (task.status, task.error_code) == ("failed", "COMPLIANCE_BLOCKED")
    assert [step["status"] for step in task.agent_calls] == ["failed"]
    told = json.loads(Outbox.objects.get(task_id=task.task_id, event="TASK_FAILED").payload)
    assert told["state"]["error"]["details"]["rule"] == "stock-without-reason"


def test_a_sale_is_judged_with_all_its_lines(strict, api: Api):
    error = refusal(api("clerk").post("/api/sales/sell", SALE), "deep-discount")
    assert (error["details"]["entity_type"], error["details"]["entity_id"]) == ("product", "SKU001")
    assert "60 % off" in error["message"]
    assert nothing_changed()


def test_a_sale_below_cost(strict, api: Api):
    product = widget()
    product.cost = Decimal("25.00")  # 29.99 is 24.99 without its tax
    product.save()
    refusal(api("clerk").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}]}), "sale-below-cost")
    assert nothing_changed()


def test_the_general_route_and_an_idempotency_key(strict, api: Api):
    body = {"page": "Inventory", "action_type": "update", "ui_payload": {"action": "update", **CORRECTION}}
    clerk = api("clerk")
    refusal(clerk.post("/api/ai/query", body, Idempotency_Key="once"), "stock-without-reason")
    rule_set("stock-without-reason", blocking=False)
    again = clerk.post("/api/ai/query", body, Idempotency_Key="once")
    assert again.json()["error"]["code"] == "COMPLIANCE_BLOCKED"  # what was refused under a key stays refused
    assert clerk.post("/api/ai/query", body, Idempotency_Key="twice").status_code == 200


def test_from_python(strict, users):
    with pytest.raises(AgainstRules):
        get_orchestrator().inventory_agent.process({"action": "update", **CORRECTION})
    with pytest.raises(AgainstRules):
        call("sales", "sell", SALE, user=staff("clerk"))
    assert nothing_changed()


def test_from_the_admin(strict, users, client):
    client.force_login(staff("owner"))
    page = client.post("/admin/operations/inventory/update/", {"sku": "SKU001", "delta": "-20"})
    assert "Large stock corrections say why" in page.content.decode()
    assert nothing_changed()


def test_a_task_of_a_worker(strict, api: Api):
    accepted = api("clerk").post("/api/inventory/update", CORRECTION, Prefer="respond-async")
    assert accepted.status_code == 202
    task_id = accepted.json()["data"]["task_id"]
    perform_queued(task_id)
    assert TaskState.objects.get(task_id=task_id).error_code == "COMPLIANCE_BLOCKED"
    assert nothing_changed()


def test_a_price_question(strict, api: Api):
    asked = {"sku": "SKU001", "quantity": 1, "coupon": "HALF"}
    refusal(api("clerk").post("/api/pricing/calculate", asked), "deep-discount")
    assert api("clerk").post("/api/pricing/calculate", {"sku": "SKU001", "quantity": 10}).status_code == 200


def test_prices_out_of_hours(strict, api: Api):
    change = price_change_schedule(
        product=widget(), new_price=Decimal(31), reason="spring", user_id="USER-MANAGER", approved=False
    )
    rule_set("price-hours", blocking=True)
    hours_elsewhere()
    refusal(api("owner").post("/api/pricing/approve", {"change_id": change.pk}), "price-hours")
    change.refresh_from_db()
    assert (change.status, change.decided_by) == ("proposed", "")


def test_an_approved_discount_passes(strict, api: Api, users):
    approve = {"rule_id": "HALF", "percent": 60, "reason": "end of the season"}
    assert api("clerk").post("/api/pricing/approve-discount", approve).status_code == 403
    answer = api("owner").post("/api/pricing/approve-discount", approve)
    assert answer.json()["data"]["approval"] == "four eyes"
    assert api("clerk").post("/api/sales/sell", SALE).status_code == 200


def test_a_discount_is_approved_in_the_admin(strict, users, client):
    client.force_login(staff("owner"))
    changed = PriceRule.objects.get(code="HALF")
    dialog = reverse("admin:pricing_pricerule_approve_discount", args=[changed.pk])
    client.post(dialog, {"_form_submitted": "True", "percent": "60", "reason": "end of the season"})
    approval = changed.approvals.get()
    assert (approval.percent, approval.approved_by, approval.self_approved) == (60, "USER-OWNER", False)


def test_nobody_approves_the_own_price_rule(strict, api: Api, client):
    client.force_login(staff("owner"))
    changed = PriceRule.objects.get(code="HALF")
    url = f"/admin/pricing/pricerule/{changed.pk}/change/"
    fields = {"code": "HALF", "name": "Half", "kind": "percent", "value": "61", "min_quantity": "0", "priority": "0",
              "coupon": "HALF", "coupon_limit": "5", "active": "on", "product": widget().pk}  # fmt: skip
    assert client.post(url, fields).status_code == 302
    approve = {"rule_id": "HALF", "percent": 60, "reason": "end of the season"}
    owner = api("owner")
    assert owner.post("/api/pricing/approve-discount", approve).status_code == 403
    manager = staff("manager")
    manager.is_active = False
    manager.save()
    assert owner.post("/api/pricing/approve-discount", approve).json()["error"]["code"] == "CLARIFICATION_NEEDED"
    answer = owner.post("/api/pricing/approve-discount", approve | {"confirm": True})
    assert answer.json()["data"]["approval"] == "self-approved"


def test_a_new_name_from_somebody_else_hides_nobody(strict, api: Api):
    changed = PriceRule.objects.get(code="HALF")
    for user_id, name, value in (("USER-OWNER", "value", Decimal(61)), ("USER-MANAGER", "name", "Half and more")):
        setattr(changed, name, value)
        with authored(user_id):
            changed.save()
    approve = {"rule_id": "HALF", "percent": 60, "reason": "end of the season"}
    assert api("owner").post("/api/pricing/approve-discount", approve).status_code == 403
    answer = api("manager").post("/api/pricing/approve-discount", approve).json()["data"]
    assert (answer["made_by"], answer["approval"]) == ("USER-OWNER", "four eyes")


def test_what_is_in_order_passes(strict, api: Api):
    clerk = api("clerk")
    assert clerk.post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 10}]}).status_code == 200
    assert clerk.post("/api/sales/return", {"order": "S-000001"}).status_code == 200
    assert clerk.post("/api/customer/loyalty", {"customer_id": "CUST001"}).status_code == 200


def test_a_rule_that_can_judge_no_proposal_can_not_block(db):
    with pytest.raises(Exception, match="can't block"):
        rule_set("cost-known", blocking=True)


def test_a_rule_that_is_switched_off_blocks_nothing(strict, api: Api):
    rule_set("stock-without-reason", active=False)
    assert api("clerk").post("/api/inventory/update", CORRECTION).status_code == 200


def test_another_process_knows_within_seconds(shop, api: Api, monkeypatch):
    clerk = api("clerk")
    assert clerk.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 200
    QuerySet(ComplianceRule).filter(key="stock-without-reason").update(blocking=True)  # as another process does
    assert clerk.post("/api/inventory/update", CORRECTION).status_code == 200
    monkeypatch.setattr(blocking, "monotonic", lambda: blocking._Known.until)  # the seconds are over
    refusal(clerk.post("/api/inventory/update", CORRECTION), "stock-without-reason")


def test_without_a_blocking_rule_no_query_is_made(shop, users):
    operation, output = {"sku": "SKU001", "delta": -20}, None
    blocking.proposal_check("inventory.update", operation, output, None)  # type: ignore[arg-type]
    with CaptureQueriesContext(connection) as captured:
        for _ in range(100):
            blocking.proposal_check("inventory.update", operation, output, None)  # type: ignore[arg-type]
    assert len(captured) == 0


@pytest.mark.django_db(transaction=True)
def test_two_gifts_at_once_count_together(shop, users):
    """Each alone is within the limit; the account's lock lets one see the other's."""
    rule_set("points-by-hand", blocking=True)
    gift = {"customer_id": "CUST001", "operation": "adjust", "points": 600, "reason": "sorry"}
    manager = staff("manager")

    def give(_: int) -> str:
        try:
            call("customers", "loyalty", gift, user=manager)
        except AgainstRules as error:
            return error.code
        finally:
            connections.close_all()
        return "given"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(give, range(2))) == ["COMPLIANCE_BLOCKED", "given"]
    with transaction.atomic():
        assert LoyaltyEntry.objects.filter(kind="adjust", points=600).count() == 1
