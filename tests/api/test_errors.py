"""Every kind of error, the framework's own included, in the contract's envelope and with the headers it needs."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from orchestrator.models import TaskState
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.cases import PAYLOADS
from tests.conftest import Api
from tests.orchestrator.conftest import Run
from tests.programs.laboratory import SECRET

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
pytestmark = pytest.mark.django_db


def error_of(answer: Any, status: int, code: str, *, task: bool) -> dict[str, Any]:
    """The error of an answer whose envelope is the contract's."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert list(body) == ["success", "task_id", "error", "timestamp"]
    assert body["success"] is False
    assert TIME.fullmatch(body["timestamp"])
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["code"] == code
    assert body["error"]["message"].strip()
    assert isinstance(body["error"]["details"], dict)
    if task:
        assert str(UUID(body["task_id"])) == body["task_id"] == answer["X-Task-ID"]
        stored = TaskState.objects.get(task_id=body["task_id"])
        assert (stored.status, stored.error_code) == ("failed", code)
    else:
        assert body["task_id"] is None
        assert "X-Task-ID" not in answer.headers
    text = answer.content.decode()
    assert "Traceback" not in text
    assert 'File "' not in text
    error: dict[str, Any] = body["error"]
    return error


@pytest.fixture
def owner(api: Callable[[str], Api]) -> Api:
    return api("owner")


@pytest.mark.parametrize("path", ["/api/nothing", "/api/inventory/query/", "/nothing", "/api/", "/api/inventory"])
def test_404_of_an_unknown_address(path: str, owner: Api) -> None:
    error_of(owner.post(path), 404, "DATA_NOT_FOUND", task=False)
    error_of(owner.get(path), 404, "DATA_NOT_FOUND", task=False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/ai/query"),
        ("put", "/api/ai/query"),
        ("get", "/api/inventory/query"),
        ("delete", "/api/inventory/update"),
        ("post", "/api/ai/audit"),
        ("post", "/api/ai/task/01a20295-59fc-75f0-bd43-3d08c397a350"),
        ("get", "/api/auth/token"),
        ("post", "/health/live"),
        ("post", "/health/ready"),
        ("post", "/metrics"),
    ],
)
def test_405(method: str, path: str, owner: Api) -> None:
    answer = getattr(owner.client, method)(path, headers=owner.headers)
    error_of(answer, 405, "METHOD_NOT_ALLOWED", task=False)
    assert set(answer["Allow"].split(", ")) <= {"GET", "HEAD", "POST", "OPTIONS"}


@pytest.mark.parametrize("accept", ["text/html", "application/xml"])
def test_406(accept: str, owner: Api) -> None:
    error_of(owner.post("/api/inventory/query", {"sku": "SKU001"}, Accept=accept), 406, "NOT_ACCEPTABLE", task=False)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_415(kind: str, owner: Api) -> None:
    answer = owner.client.post("/api/inventory/query", b"sku=SKU001", content_type=kind, headers=owner.headers)
    error_of(answer, 415, "UNSUPPORTED_MEDIA_TYPE", task=False)


def test_413(owner: Api, settings: Any) -> None:
    body = '{"sku": "' + "x" * settings.MAX_BODY_BYTES + '"}'
    error_of(owner.post("/api/inventory/query", body), 413, "VALIDATION_ERROR", task=False)


def test_400_of_json_that_is_none(owner: Api) -> None:
    error = error_of(owner.post("/api/inventory/query", '{"sku": '), 400, "VALIDATION_ERROR", task=False)
    assert "line 1" in error["message"]


def test_400_names_the_fields(owner: Api) -> None:
    body = {"sku": 5, "limit": "many", "colour": "red"}
    error = error_of(owner.post("/api/inventory/query", body), 400, "VALIDATION_ERROR", task=True)
    assert set(error["details"]["fields"]) == {"sku", "limit", "colour"}
    assert "many" not in str(error)


def test_400_of_an_unknown_page_or_action(owner: Api) -> None:
    page = {"page": "Kitchen", "ui_payload": {"action": "query"}}
    assert "fields" in error_of(owner.post("/api/ai/query", page), 400, "VALIDATION_ERROR", task=False)["details"]
    action = {"page": "Inventory", "ui_payload": {"action": "burn"}}
    told = error_of(owner.post("/api/ai/query", action), 400, "VALIDATION_ERROR", task=True)
    assert "forecast" in told["details"]["fields"]["action"]


def test_422_asks_what_to_do(owner: Api) -> None:
    answer = owner.post("/api/ai/query", {"page": "Inventory", "ui_payload": {}})
    told = error_of(answer, 422, "CLARIFICATION_NEEDED", task=False)
    labels = (label.split(".") for label in PAYLOADS)
    assert {name for agent, name in labels if agent == "inventory"} == set(told["details"]["actions"])


def test_401_without_and_with_a_bad_token(api: Callable[[str | None], Api]) -> None:
    for client, headers in ((api(None), {}), (api(None), {"Authorization": "Bearer nonsense"})):
        answer = client.post("/api/inventory/query", {"sku": "SKU001"}, **headers)
        error_of(answer, 401, "NOT_AUTHENTICATED", task=False)
        assert answer["WWW-Authenticate"] == "Bearer"


def test_403_names_the_permission(api: Callable[[str], Api]) -> None:
    answer = api("auditor").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}]})
    error = error_of(answer, 403, "PERMISSION_DENIED", task=False)
    assert error["details"] == {"permission": "sales.sell"}


def test_409_says_what_is_available(owner: Api, shop: None) -> None:
    body = {"lines": [{"sku": "SKU001", "quantity": 151}]}
    error = error_of(owner.post("/api/sales/sell", body), 409, "INSUFFICIENT_STOCK", task=True)
    assert (error["details"]["sku"], error["details"]["available"], error["details"]["requested"]) == (
        "SKU001",
        150,
        151,
    )


def test_429(owner: Api, settings: Any, shop: None) -> None:
    settings.RATE_LIMIT_USER = (2, 60)
    for _ in range(2):
        assert owner.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 200
    answer = owner.post("/api/inventory/query", {"sku": "SKU001"})
    error = error_of(answer, 429, "RATE_LIMITED", task=False)
    assert error["details"]["limit"] == 2
    assert 1 <= int(answer["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("bug", 500, "INTERNAL_ERROR"),
        ("full", 500, "INTERNAL_ERROR"),
        ("external", 502, "EXTERNAL_SERVICE_ERROR"),
        ("busy", 503, "TEMPORARILY_UNAVAILABLE"),
        ("timeout", 503, "TEMPORARILY_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("operation", ["experiment", "look"])
def test_errors_of_an_agent(fault: str, status: int, code: str, operation: str, laboratory: Run) -> None:
    boss = Api(User.objects.create_superuser("boss", password="x"))
    body = {"page": "laboratory", "ui_payload": {"action": operation, "fault": fault}}
    answer = boss.post("/api/ai/query", body)
    error_of(answer, status, code, task=True)
    assert SECRET not in answer.content.decode()
    assert ("Retry-After" in answer.headers) is (status == 503)


@contextmanager
def missing(table: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("orchestrator_taskstate", "/api/inventory/query"),
        ("audit_outbox", "/api/inventory/update"),
        ("inventory_stocklevel", "/api/inventory/query"),
        ("accounts_loginsession", "/api/inventory/query"),
        ("audit_denial", "/api/audit/export"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_500_of_a_broken_database(table: str, path: str, owner: Api, shop: None) -> None:
    body: dict[str, Any] = {"sku": "SKU001", "delta": 1} if path.endswith("update") else {"sku": "SKU001"}
    with missing(table):
        answer = owner.post(path, {} if path.endswith("export") else body)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
        assert list(answer.json()) == ["success", "task_id", "error", "timestamp"]
        assert table not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_500_of_reading_a_task(owner: Api) -> None:
    with missing("orchestrator_taskstate"):
        answer = owner.get("/api/ai/task/01a20295-59fc-75f0-bd43-3d08c397a350")
        assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
    assert answer.status_code == 500


@pytest.mark.django_db(transaction=True)
def test_a_refusal_goes_out_although_it_cannot_be_counted(api: Callable[[str | None], Api]) -> None:
    with missing("audit_denial"):
        answers = api(None).post("/api/inventory/query"), api("auditor").post("/api/sales/sell")
    error_of(answers[0], 401, "NOT_AUTHENTICATED", task=False)
    error_of(answers[1], 403, "PERMISSION_DENIED", task=False)


@pytest.mark.parametrize("host", ["evil.example", "localhost:99999999", "a b"])
def test_a_strange_host(host: str, owner: Api, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    answer = owner.get("/health/live", Host=host)
    error_of(answer, 400, "VALIDATION_ERROR", task=False)


def test_another_origin_may_read_nothing(owner: Api, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    mine = owner.post("/api/inventory/query", {}, Origin="https://shop.example")
    assert mine["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "X-Task-ID" in mine["Access-Control-Expose-Headers"]
    other = owner.post("/api/inventory/query", {}, Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in other.headers


def test_preflight(owner: Api, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    answer = owner.client.options(
        "/api/ai/query",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, prefer",
        },
    )
    assert answer.status_code == 200
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("role", list(Role))
def test_a_task_that_is_none_of_yours_is_not_there(role: Role, api: Callable[[str], Api], shop: None) -> None:
    answer = api("manager").post("/api/inventory/query", {"sku": "SKU001"})
    found = api(role).get(f"/api/ai/task/{answer['X-Task-ID']}")
    if role in (Role.MANAGER, Role.OWNER, Role.AUDITOR):
        assert found.status_code == 200
    else:
        theirs = error_of(found, 404, "DATA_NOT_FOUND", task=False)
        nobodys = api(role).get("/api/ai/task/01a20295-59fc-75f0-bd43-3d08c397a350")
        assert theirs["message"] == error_of(nobodys, 404, "DATA_NOT_FOUND", task=False)["message"]


@pytest.mark.parametrize("task_id", ["1", "not-a-uuid", "x" * 300, "%00", "..%2f", "\u00e9"])
def test_ids_that_are_none(task_id: str, owner: Api) -> None:
    answer = owner.get(f"/api/ai/task/{task_id}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "DATA_NOT_FOUND"
