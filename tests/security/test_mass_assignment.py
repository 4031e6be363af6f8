"""Nobody sets by a request what it does not ask for: extra and privileged fields are refused, and nothing changes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from shop_assistant.accounts.models import User
from shop_assistant.agents import Role, registry
from tests.cases import PAYLOADS, ROUTES, general
from tests.conftest import PASSWORD, Api

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.usefixtures("waiting")]

PRIVILEGED: dict[str, Any] = {
    "role": "owner",
    "roles": ["owner"],
    "groups": [1],
    "permissions": ["agents.sales.sell"],
    "is_superuser": True,
    "is_staff": True,
    "is_active": False,
    "password": "x",
    "session_epoch": 0,
    "id": 1,
    "pk": 1,
    "public_id": "USER-OWNER",
    "acted_by": "USER-OWNER",
    "on_behalf_of": "USER-OWNER",
    "task_id": "01a20295-59fc-75f0-bd43-3d08c397a350",
    "status": "completed",
    "state": "approved",
    "approved_by": "USER-OWNER",
    "created_at": "2020-01-01T00:00:00Z",
    "unit_price": 0.01,
    "price": 0.01,
    "list_price": 0.01,
    "cost": 0,
    "total": 0.01,
    "discount_percent": 100,
    "points_balance": 1_000_000,
    "tier": "gold",
    "effect": "read",
    "agent": "audit",
    "channel": "system",
    "__class__": "User",
    "__proto__": {"is_superuser": True},
    "user__is_superuser": True,
    "data": {"is_superuser": True},
}
BUSINESS = ("accounts", "auth", "inventory", "customers", "pricing")


def snapshot() -> dict[str, list[Any]]:
    models = [model for app in BUSINESS for model in apps.get_app_config(app).get_models()]
    return {model._meta.label: list(model._base_manager.order_by("pk").values_list()) for model in models}


def within(payload: dict[str, Any], name: str, value: Any) -> Iterator[dict[str, Any]]:
    """The payload with one field more; and the same for each object within it."""
    yield {**payload, name: value}
    for field, inner in payload.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            changed = deepcopy(payload)
            changed[field][0][name] = value
            yield changed


@pytest.mark.parametrize("label", sorted(PAYLOADS))
def test_of_every_operation(label: str, api: Callable[[str], Api]) -> None:
    owner, before, wrong = api("owner"), snapshot(), []
    operation = {found.label: found for found in registry.operations()}[label]
    for number, (name, value) in enumerate(PRIVILEGED.items()):
        if name in operation.input.model_fields:
            continue
        for payload in within(PAYLOADS[label], name, value):
            if label in ROUTES and number % 2:
                answer = owner.post(ROUTES[label], payload)
            else:
                answer = owner.post("/api/ai/query", general(label, payload))
            if (answer.status_code, answer.json()["error"]["code"]) != (400, "VALIDATION_ERROR"):
                wrong.append((payload, answer.status_code, answer.content[:200]))
    assert wrong == []
    assert snapshot() == before


def test_around_an_operation(api: Callable[[str], Api]) -> None:
    owner, before = api("owner"), snapshot()
    for name, value in PRIVILEGED.items():
        body = general("inventory.update", PAYLOADS["inventory.update"], **{name: value})
        assert owner.post("/api/ai/query", body).status_code == 400, name
    assert snapshot() == before


@pytest.mark.parametrize("route", ["token", "refresh", "logout"])
def test_of_the_login(route: str, users: dict[Role, User]) -> None:
    client, before = Client(), snapshot()
    body = {"username": "clerk", "password": PASSWORD} if route == "token" else {"refresh": "x"}
    for name, value in PRIVILEGED.items():
        if name == "password" and route == "token":
            continue
        answer = client.post(f"/api/auth/{route}", {**body, name: value}, content_type="application/json")
        assert answer.status_code == 400, name
    assert snapshot() == before


def test_of_the_admins_forms(users: dict[Role, User]) -> None:
    """A form takes what it shows; a clerk who sends more changes no more."""
    typed = "another-password-of-mine"
    more = {name: value for name, value in PRIVILEGED.items() if isinstance(value, str | int)}
    client = Client()
    client.post("/admin/login/", {**more, "username": "clerk", "password": PASSWORD})
    passwords = {"old_password": PASSWORD, "new_password1": typed, "new_password2": typed}
    assert client.post("/admin/password_change/", {**more, **passwords}).status_code == 302
    assert client.post("/admin/second-factor/", {**more, "code": "123456"}).status_code == 200
    assert client.post("/admin/operations/inventory/query/", {**more, "sku": "SKU001"}).status_code == 200
    clerk = User.objects.get(username="clerk")
    assert (clerk.is_superuser, clerk.is_staff, clerk.is_active, clerk.public_id) == (False, True, True, "USER-CLERK")
    assert [group.name for group in clerk.groups.all()] == ["clerk"]
    assert clerk.check_password(typed)


def test_an_owner_does_not_set_what_the_form_does_not_show(users: dict[Role, User], client: Client) -> None:
    client.force_login(users[Role.OWNER])
    clerk = users[Role.CLERK]
    before = User.objects.get(pk=clerk.pk)
    form = {"username": "clerk", "is_active": "on", "is_staff": "on", "groups": [clerk.groups.get().pk]}
    more = {"public_id": "USER123", "password": "x", "last_login": "2020-01-01", "session_epoch": "7", "id": "1"}
    for prefix in ("second_factor", "recovery_codes"):
        more |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0"}
    more |= {
        "second_factor-0-secret": "x",
        "recovery_codes-0-digest": "x",
        "second_factor-0-confirmed_at_0": "2020-01-01",
    }
    client.post(f"/admin/accounts/user/{clerk.pk}/change/", {**form, **more})
    now = User.objects.get(pk=clerk.pk)
    assert (now.public_id, now.password, now.last_login) == (before.public_id, before.password, before.last_login)
    assert not hasattr(now, "second_factor")
    assert not now.recovery_codes.exists()
