"""Every role at every operation, through both REST doors: refused exactly where the contract's table says so."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from orchestrator.models import TaskState
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.cases import MAY, PAYLOADS, RESTRICTED, ROUTES, general
from tests.conftest import Api

every_role = pytest.mark.parametrize("role", list(Role))
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("waiting")]


def _calls() -> list[tuple[str, dict[str, Any], set[Role]]]:
    plain = [(label, payload, MAY[label]) for label, payload in PAYLOADS.items()]
    return plain + list(RESTRICTED.values())


@every_role
def test_direct_routes(role: Role, api: Callable[[str], Api]) -> None:
    client, wrong = api(role), []
    for label, payload, allowed in _calls():
        answer = client.get("/api/ai/audit", payload) if label == "audit.query" else client.post(ROUTES[label], payload)
        if answer.status_code != (200 if role in allowed else 403):
            wrong.append((label, payload, answer.status_code, answer.json()))
        elif role not in allowed:
            assert answer.json()["error"]["code"] == "PERMISSION_DENIED"
            assert answer.json()["error"]["details"]["permission"].startswith(label)
    assert wrong == []


@every_role
def test_the_general_route(role: Role, api: Callable[[str], Api]) -> None:
    client, wrong = api(role), []
    for label, payload, allowed in _calls():
        answer = client.post("/api/ai/query", general(label, payload))
        if answer.status_code != (200 if role in allowed else 403):
            wrong.append((label, payload, answer.status_code, answer.json()))
    assert wrong == []


@every_role
def test_asking_for_a_later_answer_needs_the_same_permission(role: Role, api: Callable[[str], Api]) -> None:
    client, wrong = api(role), []
    for label, payload, allowed in _calls():
        answer = client.post("/api/ai/query", general(label, payload), Prefer="respond-async")
        if answer.status_code != (202 if role in allowed else 403):
            wrong.append((label, payload, answer.status_code, answer.json()))
    assert wrong == []
    assert set(TaskState.objects.values_list("status", flat=True)) <= {"pending"}


def test_a_refused_call_leaves_no_task_and_does_nothing(api: Callable[[str], Api]) -> None:
    answer = api("auditor").post("/api/inventory/update", {"sku": "SKU001", "delta": -1})
    assert answer.status_code == 403
    assert answer.json()["task_id"] is None
    assert not TaskState.objects.exists()


def test_a_service_may_what_its_own_permissions_list(api: Callable[[str], Api], users: dict[Role, User]) -> None:
    service = api("service")
    assert service.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 403
    users[Role.SERVICE].user_permissions.add(Permission.objects.get(codename="inventory.query"))
    assert service.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 200


def test_what_an_owner_takes_away_stays_away(api: Callable[[str], Api]) -> None:
    """Also after the next migrate, which creates only permissions that are missing."""
    from shop_assistant.agents.permissions import sync_permissions

    clerks = Group.objects.get(name="clerk")
    clerks.permissions.remove(Permission.objects.get(codename="inventory.update"))
    sync_permissions(using="default")
    assert api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 1}).status_code == 403


def test_nobody_without_a_role_may_anything(api: Callable[[str], Api], users: dict[Role, User]) -> None:
    client = Api(User.objects.create_user("nobody", password="x"))
    answers = {label: client.post(route, PAYLOADS[label]).status_code for label, route in ROUTES.items()}
    assert set(answers.values()) == {403}
    assert client.get("/api/ai/audit").status_code == 403
