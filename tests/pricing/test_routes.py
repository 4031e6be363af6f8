"""The pricing operations through the API: who may, and what is answered."""

import pytest

from pricing.models import PriceRecommendation

pytestmark = pytest.mark.django_db


def test_the_users_example(api, widget, ten_percent):
    answer = api("clerk").post("/api/pricing/calculate", {"action": "calculate", "sku": "SKU001", "quantity": 10})
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "success"
    assert body["data"]["total_cost"] == 269.9
    assert body["data"]["applicable_rules"] == ["RULE001"]


def test_a_basket_and_an_unknown_sku(api, widget):
    clerk = api("clerk")
    answer = clerk.post("/api/pricing/calculate", {"lines": [{"sku": "SKU001", "quantity": 2}]})
    assert answer.json()["data"]["total_cost"] == 59.98
    missing = clerk.post("/api/pricing/calculate", {"sku": "SKU123", "quantity": 1})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "DATA_NOT_FOUND")
    assert missing.json()["error"]["details"] == {
        "sku": "SKU123",
        "available_skus": ["SKU001"],
        "unknown": ["SKU123"],
    }


@pytest.mark.parametrize("role", ["owner", "manager", "clerk", "auditor"])
def test_all_staff_may_price(api, widget, ten_percent, role):
    user = api(role)
    assert user.post("/api/pricing/calculate", {"sku": "SKU001", "quantity": 1}).status_code == 200
    assert user.post("/api/pricing/rules", {}).json()["data"]["items"][0]["rule_id"] == "RULE001"
    discount = {"sku": "SKU001", "quantity": 10, "rule_id": "RULE001"}
    assert user.post("/api/pricing/apply-discount", discount).json()["data"]["savings"] == 30
    refused = user.post("/api/pricing/apply-discount", discount | {"quantity": 1})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "CLARIFICATION_NEEDED")


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("manager", 200), ("clerk", 403), ("auditor", 403)])
def test_recommendations_are_for_managers(api, widget, role, status):
    answer = api(role).post("/api/pricing/recommend", {"sku": "SKU001"})
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["data"]["abstained"] is True
    assert not PriceRecommendation.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("calculate", {"sku": "SKU001"}),
        ("calculate", {"sku": "SKU001", "quantity": "10"}),
        ("apply-discount", {"sku": "SKU001", "quantity": 1}),
        ("recommend", {"sku": "SKU001", "objective": "fame"}),
        ("rules", {"limit": 0}),
    ],
)
def test_what_is_not_valid(api, widget, path, body):
    answer = api("owner").post(f"/api/pricing/{path}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
