"""The staff's pages for prices."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from orchestrator.models import TaskState
from pricing.models import CouponUse, PriceChange, PriceRecommendation, PriceRule
from pricing.services import coupon_redeem, price_change_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def browse(users):
    """`browse("manager")` is a browser in which the manager is logged in."""

    def login(role: str) -> Client:
        client = Client()
        client.force_login(users[role])
        return client

    return login


@pytest.fixture
def proposed(widget) -> PriceRecommendation:
    made: PriceRecommendation = PriceRecommendation.objects.create(
        product=widget,
        objective="profit",
        current_price=widget.list_price,
        recommended_price=Decimal("24.00"),
        evidence={},
        expected={},
        proposed_by="USER123",
    )
    return made


def act(client: Client, model: str, action: str, *rows: Any) -> list[str]:
    """Run an action on rows; what the page says then."""
    answer = client.post(
        reverse(f"admin:pricing_{model}_changelist"), {"action": action, "_selected_action": [r.pk for r in rows]}
    )
    assert answer.status_code in (200, 302)
    return [str(message) for message in get_messages(answer.wsgi_request)]


def events() -> list[dict]:
    return [json.loads(p) for p in Outbox.objects.filter(event="OBJECT_CHANGED").values_list("payload", flat=True)]


def test_every_page_opens(browse, widget, ten_percent, proposed):
    rule = PriceRule.objects.create(code="SAVE", name="Save", kind="percent", value=5, coupon="SAVE")
    redemption = coupon_redeem(rule=rule, order_reference="S-000001", customer_id="CUST001")
    change = price_change_schedule(product=widget, new_price=Decimal(31), reason="spring", user_id="USER123")
    manager = browse("manager")
    rows = {
        "pricerule": rule,
        "couponuse": CouponUse.objects.first(),
        "couponredemption": redemption,
        "pricechange": change,
        "pricerecommendation": proposed,
    }
    for model, row in rows.items():
        listing = manager.get(reverse(f"admin:pricing_{model}_changelist"), {"q": "S"})
        assert listing.status_code == 200
        assert manager.get(reverse(f"admin:pricing_{model}_change", args=[row.pk])).status_code == 200
    assert manager.get(reverse("admin:pricing_pricerule_add")).status_code == 200
    assert manager.get(reverse("admin:pricing_pricechange_add")).status_code == 200
    assert manager.get(reverse("admin:pricing_couponuse_add")).status_code == 403
    assert manager.get(reverse("admin:pricing_pricerecommendation_add")).status_code == 403


def test_a_rule_made_here_leaves_its_history_and_its_event(browse):
    form = {"code": "R9", "name": "Nine", "kind": "percent", "value": "9", "min_quantity": "0", "priority": "0"}
    wrong = browse("manager").post(reverse("admin:pricing_pricerule_add"), form | {"value": "900"})
    assert "percentage of 0 to 100" in wrong.content.decode()
    browse("manager").post(reverse("admin:pricing_pricerule_add"), form | {"coupon": "nine", "active": "on"})
    rule = PriceRule.objects.get(code="R9")
    assert rule.coupon == "NINE"
    assert rule.history.get().history_user_id == "USER-MANAGER"
    (event,) = events()
    assert (event["model"], event["key"], len(event["history"])) == ("pricing.PriceRule", str(rule.pk), 1)


def test_a_price_is_planned_and_called_off(browse, widget):
    manager = browse("manager")
    now = timezone.localtime()
    form = {
        "product": widget.pk,
        "new_price": "31.50",
        "effective_at_0": f"{now:%Y-%m-%d}",
        "effective_at_1": f"{now:%H:%M:%S}",
        "reason": "spring",
    }
    wrong = manager.post(reverse("admin:pricing_pricechange_add"), form | {"new_price": "31.505"})
    assert "no price in GBP" in wrong.content.decode()
    manager.post(reverse("admin:pricing_pricechange_add"), form)
    change = PriceChange.objects.get()
    assert (change.new_price, change.old_price, change.user_id) == (Decimal("31.50"), Decimal("29.99"), "USER-MANAGER")
    assert events()[-1]["key"] == str(change.pk)
    assert change.status == "proposed"
    assert act(manager, "pricechange", "decline", change)[-1:] == ["SKU001 to 31.50: declined"]
    assert "cancelled already" in act(manager, "pricechange", "decline", change)[-1]
    change.refresh_from_db()
    assert (change.status, change.decided_by) == ("cancelled", "USER-MANAGER")


def test_a_recommendation_is_approved_with_who_and_when(browse, proposed):
    act(browse("manager"), "pricerecommendation", "approve", proposed)
    proposed.refresh_from_db()
    assert (proposed.status, proposed.decided_by) == ("approved", "USER-MANAGER")
    task = TaskState.objects.get(agent="pricing", operation="approve")
    assert (task.channel, task.user_id, task.status) == ("admin", "USER-MANAGER", "completed")
    told = json.loads(Outbox.objects.get(task_id=task.task_id, event="TASK_COMPLETED").payload)
    assert told["text"] == "approved 24 GBP for SKU001 (four eyes; proposed by USER123)"
    assert {row["model"] for row in told["history"]} == {"pricing.PriceRecommendation", "pricing.PriceChange"}
    assert "approved already" in act(browse("owner"), "pricerecommendation", "decline", proposed)[0]


@pytest.mark.parametrize("role", ["clerk", "auditor"])
def test_others_look_but_do_not_decide(browse, proposed, role):
    client = browse(role)
    assert client.get(reverse("admin:pricing_pricerecommendation_changelist")).status_code == 200
    act(client, "pricerecommendation", "approve", proposed)
    assert client.get(reverse("admin:pricing_pricechange_add")).status_code == 403
    assert client.get(reverse("admin:pricing_pricerule_add")).status_code == 403
    proposed.refresh_from_db()
    assert proposed.status == "proposed"


def test_a_shop_of_one_confirms_in_the_dialog(browse, users, widget):
    users["owner"].is_active = False
    users["owner"].save()
    change = price_change_schedule(
        product=widget, new_price=Decimal(31), reason="spring", user_id="USER-MANAGER", approved=False
    )
    manager, dialog = browse("manager"), reverse("admin:pricing_pricechange_approve_one", args=[change.pk])
    answer = manager.post(dialog, {"_form_submitted": "True"})
    assert "Nobody else may approve prices here." in answer.content.decode()
    change.refresh_from_db()
    assert change.status == "proposed"
    answer = manager.post(dialog, {"_form_submitted": "True", "confirm": "on"})
    assert answer.status_code == 302
    assert [str(m) for m in get_messages(answer.wsgi_request)] == ["SKU001 to 31.00: approved (self-approved)"]
    assert manager.post(dialog, {"_form_submitted": "True", "confirm": "on"}).status_code == 403
