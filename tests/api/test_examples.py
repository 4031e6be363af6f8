"""The user's three examples, field for field, and the forms of answers: envelopes, times, numbers."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from orchestrator.models import TaskState
from shop_assistant.accounts.models import User
from tests.cases import AGAIN, PAYLOADS, ROUTES, general
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LOOKS_LIKE_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
LOOKS_LIKE_NUMBER = re.compile(r"-?\d+(\.\d+)?(E[+-]?\d+)?", re.IGNORECASE)
KEYS_ARE_TEXT = {"key", "barcode", "customer_id", "ticket_id", "order", "session_id", "next_cursor"}


def includes(answered: dict[str, Any], example: dict[str, Any]) -> bool:
    """Every field of the example is there, with the same value of the same JSON kind."""
    return {name: (type(answered.get(name)) in (int, float), answered.get(name)) for name in example} == {
        name: (type(value) in (int, float), value) for name, value in example.items()
    }


def test_example_1() -> None:
    call_command("load_demo", examples_only=True)
    owner = Api(User.objects.get(public_id="USER123"))
    answer = owner.post(
        "/api/ai/query",
        {
            "user_id": "USER123",
            "session_id": "SESSION_XYZ",
            "page": "Inventory",
            "action_type": "query",
            "ui_payload": {"action": "query", "sku": "SKU001"},
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"success", "task_id", "data", "timestamp"}
    assert body["success"] is True
    assert str(UUID(body["task_id"])) == body["task_id"] == answer["X-Task-ID"]
    assert TIME.fullmatch(body["timestamp"])
    assert set(body["data"]) == {"status", "data"}
    assert body["data"]["status"] == "success"
    assert includes(
        body["data"]["data"],
        {
            "sku": "SKU001",
            "product_name": "Widget Pro",
            "quantity": 150,
            "unit_price": 29.99,
            "warehouse_location": "A-01-01",
        },
    )
    task = TaskState.objects.get(task_id=body["task_id"])
    assert (task.user_id, task.session_id, task.page) == ("USER123", "SESSION_XYZ", "Inventory")


def test_example_2(api: Callable[[str], Api]) -> None:
    answer = api("owner").post("/api/customer/profile", {"action": "query_customer", "customer_id": "CUST001"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "data"}
    assert answer.json()["status"] == "success"
    assert includes(
        answer.json()["data"],
        {
            "customer_id": "CUST001",
            "name": "John Smith",
            "email": "john@example.com",
            "loyalty_points": 1250,
            "total_purchases": 5000,
            "lifetime_value": 5000,
            "member_since": "2023-01-15T08:00:00",
        },
    )
    assert UUID(answer["X-Task-ID"])


def test_example_3(api: Callable[[str], Api]) -> None:
    answer = api("owner").post("/api/pricing/calculate", {"action": "calculate", "sku": "SKU001", "quantity": 10})
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "data"}
    assert includes(
        answer.json()["data"],
        {
            "sku": "SKU001",
            "base_price": 29.99,
            "quantity": 10,
            "discount_percent": 10,
            "unit_price_after_discount": 26.99,
            "total_cost": 269.90,
            "savings": 30.00,
            "applicable_rules": ["RULE001"],
        },
    )


def test_the_error_example(api: Callable[[str], Api]) -> None:
    answer = api("owner").post("/api/inventory/query", {"sku": "SKU123"})
    body = answer.json()
    assert answer.status_code == 404
    assert set(body) == {"success", "task_id", "error", "timestamp"}
    assert (body["success"], body["task_id"]) == (False, answer["X-Task-ID"])
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["code"] == "DATA_NOT_FOUND"
    assert "SKU123" in body["error"]["message"]
    assert body["error"]["details"]["sku"] == "SKU123"
    assert {"SKU001", "SKU002", "SKU003"} <= set(body["error"]["details"]["available_skus"])
    assert TIME.fullmatch(body["timestamp"])


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name)
    else:
        yield name, value


@pytest.mark.parametrize("label", sorted(PAYLOADS))
@pytest.mark.usefixtures("waiting")
def test_numbers_are_numbers_and_times_are_utc_with_milliseconds(label: str, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    if label == "audit.query":
        owner.post("/api/inventory/query", {"sku": "SKU001"})
        answer = owner.get("/api/ai/audit", PAYLOADS[label])
    else:
        answer = owner.post(ROUTES[label], PAYLOADS[label])
    assert answer.status_code == 200
    for name, value in _leaves(answer.json()["data"]):
        if not isinstance(value, str) or name in KEYS_ARE_TEXT:
            continue
        assert not LOOKS_LIKE_NUMBER.fullmatch(value), f"{name} is a number in a string: {value}"
        if LOOKS_LIKE_TIME.match(value) and name != "member_since":
            assert TIME.fullmatch(value), f"{name}: {value}"
    assert b"NaN" not in answer.content
    assert b"Infinity" not in answer.content


@pytest.mark.parametrize("label", sorted(PAYLOADS))
@pytest.mark.usefixtures("waiting")
def test_both_doors_answer_alike(label: str, api: Callable[[str], Api]) -> None:
    """What is in the general answer's `data` is what the direct route answers."""
    owner = api("owner")
    general_answer = owner.post("/api/ai/query", general(label, PAYLOADS[label])).json()
    assert set(general_answer) == {"success", "task_id", "data", "timestamp"}
    if label == "audit.query":
        direct = owner.get("/api/ai/audit", PAYLOADS[label]).json()
    else:
        direct = owner.post(ROUTES[label], AGAIN.get(label, PAYLOADS[label])).json()
    assert set(direct) == {"status", "data"}
    assert set(direct["data"]) == set(general_answer["data"]["data"])


@pytest.mark.parametrize("name", ["inventory", "INVENTORY", "Inventory", " Inventory "])
def test_a_page_is_known_in_any_case(name: str, api: Callable[[str], Api]) -> None:
    body = {"page": name, "ui_payload": {"action": "query", "sku": "SKU001"}}
    assert api("owner").post("/api/ai/query", body).status_code == 200


@pytest.mark.parametrize("name", ["Customer", "Customers", "customer"])
def test_customers_have_two_names(name: str, api: Callable[[str], Api]) -> None:
    body = {"page": name, "ui_payload": {"action": "query_customer", "customer_id": "CUST001"}}
    assert api("owner").post("/api/ai/query", body).status_code == 200


@pytest.mark.parametrize("action_type", ["query", "update", "ask"])
def test_action_types(action_type: str, api: Callable[[str], Api]) -> None:
    body = {"page": "Inventory", "action_type": action_type, "ui_payload": {"action": "query", "sku": "SKU001"}}
    assert api("owner").post("/api/ai/query", body).status_code == 200


def test_a_write_hands_out_a_receipt_of_its_record(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    answer = owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 1})
    event_id, leaf = answer["X-Audit-Receipt"].split(":")
    records = owner.get("/api/ai/audit", {"task_id": answer["X-Task-ID"], "event": "TASK_COMPLETED"}).json()["data"]
    assert [(r["event_id"], r["leaf"]) for r in records["items"]] == [(event_id, leaf)]
    assert "X-Audit-Receipt" not in owner.post("/api/inventory/query", {"sku": "SKU001"}).headers


def test_the_action_may_be_left_out_and_must_not_be_another(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    assert owner.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 200
    answer = owner.post("/api/inventory/query", {"action": "update", "sku": "SKU001", "delta": 1})
    assert answer.status_code == 400
    assert "action" in answer.json()["error"]["details"]["fields"]


def test_a_session_may_be_named(api: Callable[[str], Api]) -> None:
    answer = api("owner").post("/api/inventory/query", {"sku": "SKU001", "session_id": "S-1", "user_id": "USER-OWNER"})
    assert TaskState.objects.get(task_id=answer["X-Task-ID"]).session_id == "S-1"


def test_json_is_utf_8(api: Callable[[str], Api]) -> None:
    body = json.dumps({"subject": "Größe", "message": "Прекрасно 👍"}, ensure_ascii=False)
    answer = api("owner").post("/api/customer/support-ticket", body)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    task = api("owner").get(f"/api/ai/task/{answer['X-Task-ID']}").json()["data"]
    assert task["inputs"] == {"subject": "Größe", "message": "Прекрасно 👍"}
