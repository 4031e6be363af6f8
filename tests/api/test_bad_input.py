"""Bad input on every POST route: always the contract's error, never a 5xx, and nothing changes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from shop_assistant.agents import registry
from tests.cases import PAGES, PAYLOADS, ROUTES
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

BUSINESS = ("inventory_", "pricing_", "customers_")
AUTH = ("/api/auth/token", "/api/auth/refresh", "/api/auth/logout")
EVERY_ROUTE = sorted([*ROUTES.values(), "/api/ai/query", *AUTH])
DEEP = 100_000


def business() -> dict[str, Any]:
    """How many rows each business table has, and what is in stock."""
    with connection.cursor() as cursor:
        found: dict[str, Any] = {}
        for table in connection.introspection.table_names(cursor):
            if table.startswith(BUSINESS):
                cursor.execute(f"SELECT count(*) FROM {table}")
                found[table] = cursor.fetchone()[0]
        cursor.execute("SELECT product_id, on_hand, reserved FROM inventory_stocklevel ORDER BY id")
        found["stock"] = cursor.fetchall()
    return found


def refusal(answer: Any, *statuses: int) -> dict[str, Any]:
    """The error of an answer that has the contract's envelope."""
    assert answer.status_code in statuses, (answer.status_code, answer.content[:300])
    body = answer.json()
    assert set(body) == {"success", "task_id", "error", "timestamp"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "details"}
    error: dict[str, Any] = body["error"]
    return error


BODIES: dict[str, str | bytes] = {
    "no JSON": "sku=SKU001",
    "half": '{"sku": "SKU001"',
    "two": "{} {}",
    "array": "[]",
    "array of requests": '[{"sku": "SKU001"}]',
    "text": '"SKU001"',
    "number": "5",
    "null": "null",
    "true": "true",
    "NaN": '{"quantity": NaN}',
    "infinity": '{"quantity": -Infinity}',
    "1e400": '{"quantity": 1e400}',
    "1e-400": '{"quantity": 1e-400}',
    "a number of 5,000 digits": '{"quantity": ' + "9" * 5000 + "}",
    "an exponent of a billion": '{"quantity": 1e1000000000}',
    "twice": '{"sku": "SKU001", "sku": "SKU002"}',
    "twice within": '{"details": {"a": 1, "a": 2}}',
    "NUL": '{"sku": "a\\u0000b"}',
    "a raw NUL": b'{"sku": "a\x00b"}',
    "NUL in a name": '{"a\\u0000b": 1}',
    "surrogate": '{"sku": "\\ud800"}',
    "surrogate in a name": '{"\\udfff": 1}',
    "surrogate within": '{"details": {"a": ["\\ud800"]}}',
    "bad UTF-8": b'{"sku": "\xff\xfe"}',
    "UTF-16": '{"sku": "SKU001"}'.encode("utf-16"),
    "deep arrays": '{"details": ' + "[" * DEEP + "]" * DEEP + "}",
    "deep objects": '{"a": ' * DEEP + "1" + "}" * DEEP,
    "33 levels": '{"details": ' + "[" * 33 + "]" * 33 + "}",
    "a control character": '{"sku": "a\nb"}',
    "single quotes": "{'sku': 'SKU001'}",
    "comment": '{"sku": "SKU001" /* the widget */}',
    "unknown field": '{"drop table": 1}',
    "__proto__": '{"__proto__": {"admin": true}, "__class__": 1}',
}


@pytest.mark.parametrize("path", EVERY_ROUTE)
def test_malformed_bodies(path: str, api: Callable[[str], Api]) -> None:
    owner, before = api("owner"), business()
    for name, body in BODIES.items():
        error = refusal(owner.post(path, body), 400, 422)
        assert error["code"] in ("VALIDATION_ERROR", "CLARIFICATION_NEEDED"), name
        json.dumps(error).encode()
    assert business() == before


def test_a_body_of_ten_megabytes(api: Callable[[str], Api]) -> None:
    owner, before = api("owner"), business()
    body = b'{"sku": "' + b"x" * 10_000_000 + b'"}'
    for path in EVERY_ROUTE:
        answer = owner.client.generic("POST", path, body, "application/json", headers=owner.headers)
        assert refusal(answer, 413)["code"] == "VALIDATION_ERROR", path
    assert business() == before


@pytest.mark.parametrize("length", ["", "-1", "abc", "99999999999999999999"])
def test_a_false_content_length(length: str, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    answer = owner.client.post(
        "/api/inventory/update",
        {"sku": "SKU001", "delta": 1},
        content_type="application/json",
        headers=owner.headers,
        CONTENT_LENGTH=length,
    )
    assert answer.status_code in (200, 400, 413)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "no-such-charset"])
def test_the_body_is_utf_8_whatever_is_claimed(encoding: str, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    kind = f"application/json; charset={encoding}"
    answer = owner.client.generic("POST", "/api/inventory/query", b'{"sku": "SKU001"}', kind, headers=owner.headers)
    assert answer.status_code in (200, 400, 415)


POISON: list[Any] = [
    "\ud800",
    "a\0b",
    "x" * 100_000,
    10**30,
    1e300,
    -1.5,
    [{"a": 1}],
    [[[[]]]],
    {},
]
HARMLESS = {("/api/audit/log", "details"), ("/api/audit/compliance-check", "transaction")}


@pytest.mark.parametrize("label", sorted(ROUTES))
def test_poison_in_every_field(label: str, api: Callable[[str], Api]) -> None:
    agent, name = label.split(".")
    owner, before = api("owner"), business()
    fields = [field.alias or key for key, field in registry.get(agent, name).input.model_fields.items()]
    for field in [*fields, "action", "user_id", "session_id", "unknown"]:
        for poison in POISON:
            if (ROUTES[label], field) in HARMLESS and isinstance(poison, dict):
                continue
            answer = owner.post(ROUTES[label], json.dumps({**PAYLOADS[label], field: poison}))
            allowed = (400, 403) if field == "user_id" else (400, 422)
            assert answer.status_code in allowed, (field, str(poison)[:40], answer.status_code, answer.content[:300])
            refusal(answer, *allowed)
    assert business() == before


@pytest.mark.parametrize("field", ["user_id", "session_id", "page", "action_type", "ui_payload", "unknown"])
def test_poison_in_the_general_request(field: str, api: Callable[[str], Api]) -> None:
    owner, before = api("owner"), business()
    body = {"page": "Inventory", "ui_payload": {"action": "update", "sku": "SKU001", "delta": 1}}
    for poison in POISON:
        answer = owner.post("/api/ai/query", json.dumps({**body, field: poison}))
        refusal(answer, 400, 403, 422)
    assert business() == before


@pytest.mark.parametrize("action", [None, 5, True, [], {}, "", "UPDATE", "query ", "__class__", "x" * 10_000])
def test_actions_that_are_none(action: Any, api: Callable[[str], Api]) -> None:
    for agent_page in PAGES.values():
        answer = api("owner").post("/api/ai/query", {"page": agent_page, "ui_payload": {"action": action}})
        refusal(answer, 400, 422)


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("inventory.update", {"sku": "SKU001", "delta": 0}),
    ("inventory.update", {"sku": "SKU001", "delta": 0.5}),
    ("inventory.update", {"sku": "SKU001", "delta": "1"}),
    ("inventory.update", {"sku": "SKU001", "delta": True}),
    ("inventory.update", {"sku": "SKU001", "delta": 1e10}),
    ("inventory.update", {"sku": "SKU001", "delta": 1.0001}),
    ("inventory.update", {"sku": "SKU001", "quantity": -1}),
    ("inventory.update", {"sku": "SKU001", "quantity": 1.5}),
    ("inventory.update", {"sku": "SKU001", "delta": 1, "quantity": 5}),
    ("inventory.update", {"sku": "SKU001"}),
    ("inventory.update", {"sku": "  ", "delta": 1}),
    ("inventory.update", {"sku": None, "delta": 1}),
    ("inventory.forecast", {"sku": "SKU001", "horizon_days": 0}),
    ("inventory.forecast", {"sku": "SKU001", "horizon_days": 366}),
    ("inventory.forecast", {"sku": "SKU001", "horizon_days": 7.5}),
    ("inventory.forecast", {"sku": "SKU001", "horizon_days": "28"}),
    ("inventory.query", {"limit": 0}),
    ("inventory.query", {"limit": 201}),
    ("inventory.query", {"limit": "50"}),
    ("inventory.reorder", {"service_level": 1.0}),
    ("inventory.reorder", {"service_level": 0}),
    ("inventory.reorder", {"create": "yes"}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 0}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": -1}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 0.5}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1e9}),
    ("pricing.calculate", {"lines": []}),
    ("pricing.calculate", {"lines": [{"sku": "SKU001"}]}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1, "lines": [{"sku": "SKU001", "quantity": 1}]}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1, "at": "yesterday"}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1, "at": "2024-01-01T00:00:00"}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1, "at": "0001-01-01T00:00:00+14:00"}),
    ("pricing.apply_discount", {"sku": "SKU001", "quantity": 1}),
    ("pricing.apply_discount", {"sku": "SKU001", "quantity": 1, "rule_id": "RULE001", "coupon": "X"}),
    ("pricing.recommend", {"sku": "SKU001", "objective": "world peace"}),
    ("pricing.rules", {"active": "yes"}),
    ("audit.log", {"event": "TASK_COMPLETED"}),
    ("audit.log", {"event": "ACCESS_DENIED"}),
    ("audit.log", {"event": "lower"}),
    ("audit.log", {"event": "A\nB"}),
    ("audit.log", {"event": "TILL_OPENED\n"}),
    ("audit.log", {"event": "TILL", "task_id": "7"}),
    ("audit.compliance_check", {"period": {"from": "2024-02-01T00:00:00Z", "to": "2024-01-01T00:00:00Z"}}),
    ("audit.export", {"format": "pdf"}),
    ("audit.export", {"from": "2024"}),
    ("customers.query_customer", {}),
    ("customers.query_customer", {"customer_id": "CUST001", "email": "john@example.com"}),
    ("customers.create_ticket", {"subject": "", "message": "x"}),
    ("customers.create_ticket", {"subject": "x", "message": "x", "priority": "extreme"}),
    ("customers.create_ticket", {"subject": "x", "message": "y" * 5001}),
    ("customers.get_recommendations", {"limit": 51}),
    ("customers.get_recommendations", {"skus": []}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn"}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn", "points": -5}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn", "points": 1.5}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "redeem", "points": 0}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "adjust", "points": 5}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "balance", "points": 5}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "steal", "points": 5}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn", "points": 10**10}),
    ("sales.sell", {"lines": []}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": -1}]}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 0.5}]}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}] * 201}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "payment": "beads"}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "customer_id": "CUST001", "redeem_points": 1.5}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "customer_id": "CUST001", "redeem_points": 99999}),
    ("sales.return", {"order": "S-000001", "lines": []}),
    ("sales.return", {"order": "S-000001", "restock": "maybe"}),
    ("sales.return", {"order": "S-000001", "lines": [{"sku": "SKU003", "quantity": 0}]}),
]


@pytest.mark.parametrize("label", sorted({label for label, _ in WRONG}))
def test_values_that_make_no_sense(label: str, api: Callable[[str], Api]) -> None:
    owner, before = api("owner"), business()
    for body in (body for named, body in WRONG if named == label):
        refusal(owner.post(ROUTES[label], body), 400, 422)
    assert business() == before


UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("audit.compliance_check", {"transaction": {"operation": "no.such", "payload": {}}}),
    ("inventory.query", {"sku": "SKU999"}),
    ("inventory.query", {"category": "Spaceships"}),
    ("inventory.update", {"sku": "SKU999", "delta": 1}),
    ("inventory.update", {"sku": "SKU001", "delta": 1, "location": "Z-99-99"}),
    ("inventory.forecast", {"sku": "SKU999"}),
    ("inventory.reorder", {"sku": "SKU999"}),
    ("inventory.reorder", {"supplier": "NOBODY"}),
    ("pricing.calculate", {"sku": "SKU999", "quantity": 1}),
    ("pricing.calculate", {"lines": [{"sku": "SKU001", "quantity": 1}, {"sku": "SKU999", "quantity": 1}]}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1, "customer_id": "CUST999"}),
    ("pricing.apply_discount", {"sku": "SKU001", "quantity": 1, "rule_id": "RULE999"}),
    ("pricing.recommend", {"sku": "SKU999"}),
    ("pricing.rules", {"sku": "SKU999"}),
    ("customers.query_customer", {"customer_id": "CUST999"}),
    ("customers.query_customer", {"email": "nobody@example.com"}),
    ("customers.query_customer", {"phone": "+44 1"}),
    ("customers.create_ticket", {"subject": "x", "message": "y", "customer_id": "CUST999"}),
    ("customers.create_ticket", {"subject": "x", "message": "y", "order": "S-999999"}),
    ("customers.get_recommendations", {"customer_id": "CUST999"}),
    ("customers.get_recommendations", {"skus": ["SKU999"]}),
    ("customers.loyalty", {"customer_id": "CUST999"}),
    ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn", "points": 5, "order": "S-999999"}),
    ("sales.sell", {"lines": [{"sku": "SKU999", "quantity": 1}]}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "customer_id": "CUST999"}),
    ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "location": "Z-99-99"}),
    ("sales.return", {"order": "S-999999"}),
    ("sales.return", {"order": "S-000001", "lines": [{"sku": "SKU999", "quantity": 1}]}),
]


@pytest.mark.parametrize("label", sorted({label for label, _ in UNKNOWN}))
def test_things_that_are_not_there(label: str, api: Callable[[str], Api]) -> None:
    owner, before = api("owner"), business()
    for body in (body for named, body in UNKNOWN if named == label):
        error = refusal(owner.post(ROUTES[label], body), 404)
        assert error["code"] == "DATA_NOT_FOUND"
        if "SKU999" in str(body):
            assert error["details"]["sku"] == "SKU999"
            assert "SKU001" in error["details"]["available_skus"]
    assert business() == before


FILTERS = [
    "limit=0",
    "limit=201",
    "limit=x",
    "limit=1e3",
    "limit=99999999999999999999",
    "limit=\u0661",
    "cursor=x",
    "cursor=-1",
    "cursor=99999999999999999999",
    "task_id=7",
    "from=yesterday",
    "from=2024-01-01",
    "to=2024-13-01T00:00:00Z",
    "from=0001-01-01T00:00:00%2B14:00",
    "event=" + "x" * 65,
    "event=a%00b",
    "user_id=%00",
    "user_id=" + "x" * 33,
    "agent=" + "x" * 33,
    "unknown=1",
    "event=A&event=B",
    "=1",
    "%ff=%ff",
]


def test_filters_of_the_trail(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    for query in FILTERS:
        error = refusal(owner.get(f"/api/ai/audit?{query}"), 400)
        assert error["code"] == "VALIDATION_ERROR", query


def test_filters_that_find_nothing(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    for query in ("event=%F0%9F%91%8D", "event=%27%20OR%201=1--", "user_id=%ff", "cursor=1"):
        answer = owner.get(f"/api/ai/audit?{query}")
        assert (answer.status_code, answer.json()["data"]["items"]) == (200, []), query


def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    headers = {**owner.headers, "Transfer-Encoding": "chunked"}
    for path in EVERY_ROUTE:
        answer = owner.client.generic("POST", path, headers=headers, content_type="application/json")
        assert "Content-Length" in refusal(answer, 400)["message"], path
