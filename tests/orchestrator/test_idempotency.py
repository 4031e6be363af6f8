"""The same Idempotency-Key does nothing twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from audit.models import Outbox
from customers.keeping import retention_apply
from inventory.models import Order
from orchestrator.models import IdempotencyKey, TaskState
from orchestrator.services import perform_queued
from shop_assistant.agents import Role
from shop_assistant.agents.errors import InternalError, TransientError
from shop_assistant.agents.permissions import ACT_FOR_OTHERS
from tests.cases import PAYLOADS, ROUTES
from tests.conftest import Api

from .conftest import Run, on_hand

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

SALE = {"lines": [{"sku": "SKU001", "quantity": 2}], "customer_id": "CUST001"}


@pytest.fixture
def owner(api: Callable[[str], Api]) -> Api:
    return api("owner")


def same(first: Any, second: Any) -> bool:
    names = ("X-Task-ID", "X-Audit-Receipt", "Location")
    return (
        first.status_code == second.status_code
        and first.json() == second.json()
        and [first.headers.get(name) for name in names] == [second.headers.get(name) for name in names]
    )


@pytest.mark.parametrize("label", sorted(ROUTES))
@pytest.mark.usefixtures("waiting")
def test_every_operation_answers_again_what_it_answered(label: str, owner: Api) -> None:
    first = owner.post(ROUTES[label], PAYLOADS[label], Idempotency_Key="key-1")
    assert first.status_code == 200
    tasks, orders, stock = TaskState.objects.count(), Order.objects.count(), on_hand()
    second = owner.post(ROUTES[label], PAYLOADS[label], Idempotency_Key="key-1")
    assert same(first, second)
    assert (TaskState.objects.count(), Order.objects.count(), on_hand()) == (tasks, orders, stock)
    assert Outbox.objects.filter(event="REQUEST_REPEATED", task_id=first["X-Task-ID"]).count() == 1


def test_the_general_route_answers_again_too(owner: Api) -> None:
    body = {"page": "Sales", "ui_payload": {"action": "sell", **SALE}}
    first, second = (owner.post("/api/ai/query", body, Idempotency_Key="k").json() for _ in range(2))
    assert first["data"] == second["data"]
    assert first["task_id"] == second["task_id"]
    assert on_hand() == 148


def test_the_order_of_a_bodys_names_does_not_count(owner: Api) -> None:
    first = owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Idempotency_Key="k")
    second = owner.post("/api/inventory/update", '{"delta": 1,    "sku": "SKU001"}', Idempotency_Key="k")
    assert same(first, second)


def test_another_body_is_refused(owner: Api) -> None:
    first = owner.post("/api/sales/sell", SALE, Idempotency_Key="k")
    other = owner.post("/api/sales/sell", {**SALE, "customer_id": None}, Idempotency_Key="k")
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert on_hand() == 148
    assert same(first, owner.post("/api/sales/sell", SALE, Idempotency_Key="k"))


@pytest.mark.parametrize(
    ("route", "body", "status"),
    [
        ("/api/inventory/update", {"sku": "SKU001", "delta": -1000}, 409),
        ("/api/inventory/update", {"sku": "SKU999", "delta": 1}, 404),
        ("/api/inventory/update", {"sku": "SKU001"}, 400),
        ("/api/inventory/query", {"sku": "SKU999"}, 404),
        ("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "redeem_points": 5}, 422),
    ],
)
def test_a_refusal_is_kept(route: str, body: dict[str, Any], status: int, owner: Api) -> None:
    first = owner.post(route, body, Idempotency_Key="k")
    assert first.status_code == status
    tasks = TaskState.objects.count()
    owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 5000})
    second = owner.post(route, body, Idempotency_Key="k")
    told = [{**answer.json(), "timestamp": None} for answer in (first, second)]
    assert told[0] == told[1]
    assert (second.status_code, second["X-Task-ID"]) == (status, first["X-Task-ID"])
    assert TaskState.objects.count() == tasks + 1
    assert on_hand() == 5150


@pytest.mark.parametrize(("fault", "error"), [("busy", TransientError), ("bug", InternalError)])
def test_a_passing_or_internal_failure_releases_the_key(fault: str, error: type[Exception], laboratory: Run) -> None:
    payload = {"fault": fault, "times": 4 if fault == "busy" else 1}
    with pytest.raises(error):
        laboratory("experiment", payload, idempotency_key="k")
    done = laboratory("experiment", payload, idempotency_key="k")
    again = laboratory("experiment", payload, idempotency_key="k")
    assert (done.data, again.data, on_hand()) == ({"on_hand": 151}, {"on_hand": 151}, 151)
    assert done.task_id == again.task_id
    assert IdempotencyKey.objects.get().task_id == done.task_id


def test_what_is_refused_on_the_way_to_a_transient_failure_is_not_kept(laboratory: Run) -> None:
    with pytest.raises(TransientError):
        laboratory("experiment", {"fault": "busy", "times": 4}, idempotency_key="k")
    with pytest.raises(InternalError):  # another body: the key was free again
        laboratory("experiment", {"fault": "bug"}, idempotency_key="k")


def test_accepted_work_is_accepted_once(owner: Api) -> None:
    body = {"sku": "SKU001", "delta": 1}
    first = owner.post("/api/inventory/update", body, Idempotency_Key="k", Prefer="respond-async")
    second = owner.post("/api/inventory/update", body, Idempotency_Key="k", Prefer="respond-async")
    assert first.status_code == 202
    assert same(first, second)
    perform_queued(first["X-Task-ID"])
    third = owner.post("/api/inventory/update", body, Idempotency_Key="k", Prefer="respond-async")
    assert same(first, third)
    assert (TaskState.objects.count(), on_hand()) == (1, 151)


def test_accepted_work_that_failed_releases_its_key(laboratory: Run, settings: Any) -> None:
    settings.TASK_MAX_ATTEMPTS = 1
    asked = {"fault": "busy", "times": 4}
    first = laboratory("experiment", asked, respond_async=True, idempotency_key="k").task_id
    perform_queued(first)
    assert TaskState.objects.get(task_id=first).status == "failed"
    second = laboratory("experiment", asked, respond_async=True, idempotency_key="k").task_id
    assert second != first
    perform_queued(second)
    third = laboratory("experiment", asked, respond_async=True, idempotency_key="k").task_id
    assert (third, on_hand()) == (second, 151)


def test_a_key_belongs_to_its_user(owner: Api, api: Callable[[str], Api]) -> None:
    body = {"sku": "SKU001", "delta": 1}
    first = owner.post("/api/inventory/update", body, Idempotency_Key="k")
    second = api("clerk").post("/api/inventory/update", body, Idempotency_Key="k")
    assert first["X-Task-ID"] != second["X-Task-ID"]
    assert on_hand() == 152


def test_a_key_belongs_to_its_route(owner: Api) -> None:
    owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Idempotency_Key="k")
    assert owner.post("/api/sales/sell", SALE, Idempotency_Key="k").status_code == 200
    assert on_hand() == 149


def test_a_services_keys_are_its_own_for_each_user_it_acts_for(
    api: Callable[[str], Api], users: dict[Role, Any]
) -> None:
    from django.contrib.auth.models import Permission

    for codename in (ACT_FOR_OTHERS, "inventory.update"):
        users[Role.SERVICE].user_permissions.add(Permission.objects.get(codename=codename))
    service, body = api("service"), {"sku": "SKU001", "delta": 1, "user_id": "USER-CLERK"}
    first = service.post("/api/inventory/update", body, Idempotency_Key="k")
    assert same(first, service.post("/api/inventory/update", body, Idempotency_Key="k"))
    other = service.post("/api/inventory/update", {**body, "user_id": "USER-MANAGER"}, Idempotency_Key="k")
    assert other.status_code == 422
    assert on_hand() == 151


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "caf\u00e9", "tab\there"])
def test_a_key_is_visible_ascii(key: str, owner: Api) -> None:
    answer = owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Idempotency_Key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["details"]["fields"]
    assert on_hand() == 150


def test_a_key_of_255_characters_will_do(owner: Api) -> None:
    key = "x" * 255
    for _ in range(2):
        answer = owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Idempotency_Key=key)
        assert answer.status_code == 200
    assert on_hand() == 151


def repeats_let_go() -> int:
    return {one.kind: one.count for one in retention_apply()}["repeats"]


def test_keys_are_kept_for_a_day_at_least(owner: Api, users: dict[Role, Any]) -> None:
    body = {"sku": "SKU001", "delta": 1}
    first = owner.post("/api/inventory/update", body, Idempotency_Key="k")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        assert repeats_let_go() == 0
        assert same(first, Api(users[Role.OWNER]).post("/api/inventory/update", body, Idempotency_Key="k"))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3)):
        assert repeats_let_go() == 1
        again = Api(users[Role.OWNER]).post("/api/inventory/update", body, Idempotency_Key="k")
    assert again["X-Task-ID"] != first["X-Task-ID"]
    assert on_hand() == 152


def test_personal_data_comes_back_in_the_clear(owner: Api) -> None:
    body = {"customer_id": "CUST001"}
    first = owner.post("/api/customer/profile", body, Idempotency_Key="k")
    assert same(first, owner.post("/api/customer/profile", body, Idempotency_Key="k"))
    assert first.json()["data"]["email"] == "john@example.com"
    assert "john@example.com" not in str(list(TaskState.objects.values_list("outputs", flat=True)))


def test_logging_in_takes_no_key(shop: None, api: Callable[[str | None], Api], users: dict[Role, Any]) -> None:
    from tests.conftest import PASSWORD

    body = {"username": "clerk", "password": PASSWORD}
    answers = [api(None).post("/api/auth/token", body, Idempotency_Key="k").json() for _ in range(2)]
    assert answers[0]["refresh"] != answers[1]["refresh"]
    assert not IdempotencyKey.objects.exists()
