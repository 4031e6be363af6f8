"""Proposed prices: another person approves, a shop of one confirms twice, and one decision wins."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Outbox
from inventory.models import Product
from pricing.models import PriceChange, PriceRecommendation
from pricing.services import price_change_schedule, price_changes_apply_due
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.conftest import Api
from tests.orchestrator.test_concurrency import hammer, statuses

Door = Callable[[str], Api]
APPROVE, DECLINE = "/api/pricing/approve", "/api/pricing/decline"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def propose(by: str = "USER-MANAGER", price: str = "31.50", days: int = 0) -> PriceChange:
    return price_change_schedule(
        product=Product.objects.get(sku="SKU001"),
        new_price=Decimal(price),
        effective_at=timezone.now() + timedelta(days=days),
        reason="spring",
        user_id=by,
        approved=False,
    )


@pytest.fixture
def recommended(db: None) -> PriceRecommendation:
    product = Product.objects.get(sku="SKU001")
    made: PriceRecommendation = PriceRecommendation.objects.create(
        product=product, objective="profit", current_price=product.list_price, recommended_price=Decimal(32),
        evidence={}, expected={}, proposed_by="USER-MANAGER",
    )  # fmt: skip
    return made


def told(answer: Any) -> dict[str, Any]:
    data: dict[str, Any] = answer.json()["data"]
    return data


def text_of(answer: Any) -> str:
    """What the record says of an answered request."""
    payload = Outbox.objects.get(task_id=answer["X-Task-ID"], event="TASK_COMPLETED").payload
    text: str = json.loads(payload)["text"]
    return text


def test_a_proposed_price_waits_and_comes_into_force_when_another_approves(api: Door) -> None:
    change = propose()
    assert price_changes_apply_due() == []
    answer = api("owner").post(APPROVE, {"change_id": change.pk})
    assert answer.status_code == 200
    data = told(answer)
    assert (data["status"], data["approval"], data["new_price"]) == ("scheduled", "four eyes", 31.5)
    assert (data["proposed_by"], data["decided_by"]) == ("USER-MANAGER", "USER-OWNER")
    assert text_of(answer) == "approved 31.50 GBP for SKU001 (four eyes; proposed by USER-MANAGER)"
    price_changes_apply_due()
    assert Product.objects.get(sku="SKU001").list_price == Decimal("31.50")
    change.refresh_from_db()
    assert (change.status, change.decided_by) == ("applied", "USER-OWNER")


def test_nobody_approves_the_own_proposal_where_another_may(api: Door) -> None:
    change = propose()
    for confirm in (False, True):
        answer = api("manager").post(APPROVE, {"change_id": change.pk, "confirm": confirm})
        assert answer.status_code == 403
        assert "Another person" in answer.json()["error"]["message"]
    change.refresh_from_db()
    assert (change.status, change.decided_by) == ("proposed", "")


def test_a_shop_of_one_confirms_twice_and_the_record_says_so(api: Door, users: dict[Role, User]) -> None:
    owner = users[Role.OWNER]
    owner.is_active = False
    owner.save()
    change = propose()
    first = api("manager").post(APPROVE, {"change_id": change.pk})
    assert (first.status_code, first.json()["error"]["code"]) == (422, "CLARIFICATION_NEEDED")
    assert first.json()["error"]["details"]["missing"] == "confirm"
    change.refresh_from_db()
    assert change.status == "proposed"
    second = api("manager").post(APPROVE, {"change_id": change.pk, "confirm": True})
    assert (second.status_code, told(second)["approval"]) == (200, "self-approved")
    assert "self-approved" in text_of(second)


def test_recommendations_too(api: Door, recommended: PriceRecommendation) -> None:
    body = {"recommendation_id": recommended.pk}
    assert api("manager").post(APPROVE, body).status_code == 403
    data = told(api("owner").post(APPROVE, body))
    assert (data["status"], data["recommendation_id"], data["decided_by"]) == ("approved", recommended.pk, "USER-OWNER")
    assert PriceChange.objects.get(pk=data["change_id"]).status == "scheduled"
    again = api("owner").post(DECLINE, body)
    assert (again.status_code, again.json()["error"]["details"]["status"]) == (409, "approved")


def test_a_proposal_is_declined_by_anybody_who_may(api: Door, recommended: PriceRecommendation) -> None:
    proposed, planned = propose(), propose(days=3)
    assert api("owner").post(APPROVE, {"change_id": planned.pk}).status_code == 200
    for body, status in (
        ({"change_id": proposed.pk}, "cancelled"),
        ({"change_id": planned.pk}, "cancelled"),
        ({"recommendation_id": recommended.pk}, "rejected"),
    ):
        data = told(api("manager").post(DECLINE, body))
        assert (data["status"], data["approval"], data["effective_at"]) == (status, "declined", None)
    assert price_changes_apply_due() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"change_id": 1, "recommendation_id": 1}, 400),
        ({"change_id": "1"}, 400),
        ({"change_id": 0}, 400),
        ({"change_id": 2**60}, 400),
        ({"change_id": 987654}, 404),
        ({"recommendation_id": 987654}, 404),
    ],
)
def test_what_can_not_be_decided_on_is_told(api: Door, body: dict[str, Any], status: int) -> None:
    for route in (APPROVE, DECLINE):
        assert api("owner").post(route, body).status_code == status


def test_the_database_holds_that_a_proposal_is_undecided() -> None:
    change = propose()
    change.decided_by = "U"
    with pytest.raises(Exception, match="price_change_decided_once"):
        change.save()


@pytest.mark.django_db(transaction=True)
def test_of_many_decisions_at_once_one_wins(api: Door) -> None:
    change = propose()
    answers = hammer(api("owner"), APPROVE, [{"change_id": change.pk}] * 12)
    assert statuses(answers) == {200: 1, 409: 11}
    assert {body["error"]["code"] for status, body, _ in answers if status == 409} == {"CONFLICT"}
    assert change.history.count() == 2
