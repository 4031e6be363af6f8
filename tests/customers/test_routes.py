"""The customers' operations through the API: who may, what is answered, and what is kept of it."""

import pytest

from audit.models import Outbox
from customers.services import points_earn
from orchestrator.models import TaskState

pytestmark = pytest.mark.django_db


def test_the_profile_route_answers_the_example(api, john):
    answer = api("clerk").post("/api/customer/profile", {"action": "query_customer", "customer_id": "CUST001"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "success"
    assert body["data"]["name"] == "John Smith"
    assert body["data"]["member_since"] == "2023-01-15T08:00:00"
    assert api("auditor").post("/api/customer/profile", {"customer_id": "CUST001"}).status_code == 403
    assert api(None).post("/api/customer/profile", {"customer_id": "CUST001"}).status_code == 401


def test_what_is_kept_of_requests_names_nobody(api, john):
    clerk = api("clerk")
    for path, body in (
        ("profile", {"email": "john@example.com"}),
        ("support-ticket", {"customer_id": "CUST001", "subject": "John here", "message": "secretly sad"}),
        ("support-ticket", {"subject": "John here", "message": "secretly sad"}),
        ("loyalty", {"customer_id": "CUST001", "operation": "earn", "points": 5, "reason": "John's gift"}),
        ("loyalty", {"customer_id": "CUST001", "operation": "history"}),
    ):
        assert clerk.post(f"/api/customer/{path}", body).status_code == 200
    kept = " ".join(f"{t.inputs} {t.outputs}" for t in TaskState.objects.all())
    kept += " ".join(Outbox.objects.values_list("payload", flat=True))
    assert "sealed:" in kept
    for word in ("John", "john@example.com", "secretly"):
        assert word not in kept


def test_adjusting_points_is_for_managers(api, john):
    points_earn(customer=john, points=10, user_id="U")
    adjust = {"customer_id": "CUST001", "operation": "adjust", "points": -5, "reason": "mistake"}
    assert api("clerk").post("/api/customer/loyalty", adjust).status_code == 403
    answer = api("manager").post("/api/customer/loyalty", adjust)
    assert answer.json()["data"]["balance"] == 5
    refused = api("clerk").post("/api/customer/loyalty", {"customer_id": "CUST001", "operation": "redeem", "points": 6})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "INSUFFICIENT_POINTS"
    assert refused.json()["error"]["details"]["balance"] == 5


def test_recommendations_and_mistakes(api, sales):
    sales.order("TEA")
    clerk = api("clerk")
    answer = clerk.post("/api/customer/recommendations", {}).json()["data"]
    assert answer["items"][0] == {
        "sku": "TEA",
        "product_name": "Product TEA",
        "unit_price": 9.99,
        "score": 1,
        "basis": "best_seller",
        "reason": "Best seller: in 1 of 1 orders of the four weeks to 2024-01-20.",
        "available": 8,
    }
    assert clerk.post("/api/customer/profile", {}).status_code == 400
    assert clerk.post("/api/customer/profile", {"customer_id": "CUST999"}).status_code == 404
    by_page = {"page": "Customers", "ui_payload": {"action": "get_recommendations", "skus": ["TEA"]}}
    data = clerk.post("/api/ai/query", by_page).json()["data"]["data"]
    assert (data["abstained"], data["items"]) == (True, [])
