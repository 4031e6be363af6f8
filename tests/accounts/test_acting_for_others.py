"""`user_id` is the token's user, unless a service may act for others."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission

from audit.models import Outbox
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

BODY = {"sku": "SKU001", "delta": 1}


@pytest.fixture
def service(api: Callable[[str], Api], users: dict[Role, User]) -> Api:
    """One that may act for others (as its role says) and change stock."""
    users[Role.SERVICE].user_permissions.add(Permission.objects.get(codename="inventory.update"))
    return api("service")


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER, Role.CLERK])
def test_staff_may_not_act_for_others(role: Role, api: Callable[[str], Api]) -> None:
    client = api(role)
    assert client.post("/api/inventory/update", {**BODY, "user_id": f"USER-{role.upper()}"}).status_code == 200
    other = client.post("/api/inventory/update", {**BODY, "user_id": "USER-SERVICE"})
    assert (other.status_code, other.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    general = {"user_id": "USER-SERVICE", "page": "Inventory", "ui_payload": {"action": "update", **BODY}}
    assert client.post("/api/ai/query", general).status_code == 403


def test_a_service_acts_for_another_within_its_own_permissions(service: Api) -> None:
    answer = service.post("/api/inventory/update", {**BODY, "user_id": "USER-CLERK"})
    assert answer.status_code == 200
    task = TaskState.objects.get()
    assert (task.user_id, task.acted_by) == ("USER-CLERK", "USER-SERVICE")
    assert {row.user_id for row in Outbox.objects.filter(task_id=task.task_id)} == {"USER-CLERK"}
    assert all('"acted_by":"USER-SERVICE"' in row.payload for row in Outbox.objects.filter(task_id=task.task_id))
    sale = {"lines": [{"sku": "SKU001", "quantity": 1}], "user_id": "USER-OWNER"}
    assert service.post("/api/sales/sell", sale).status_code == 403, "the owner's permissions are not the service's"


def test_both_see_the_task(service: Api, api: Callable[[str], Api]) -> None:
    task_id = service.post("/api/inventory/update", {**BODY, "user_id": "USER-CLERK"})["X-Task-ID"]
    assert service.get(f"/api/ai/task/{task_id}").status_code == 200
    assert api("clerk").get(f"/api/ai/task/{task_id}").status_code == 200
    assert api("manager").get(f"/api/ai/task/{task_id}").status_code == 404


def test_asynchronous_work_is_done_for_the_other(service: Api) -> None:
    accepted = service.post("/api/inventory/update", {**BODY, "user_id": "USER-CLERK"}, Prefer="respond-async")
    perform_queued(accepted["X-Task-ID"])
    task = TaskState.objects.get()
    assert (task.status, task.user_id, task.acted_by) == ("completed", "USER-CLERK", "USER-SERVICE")


@pytest.mark.parametrize("user_id", ["USER-NOBODY", "system", "clerk"])
def test_acting_for_nobody_is_refused(user_id: str, service: Api) -> None:
    """Records would name a user who does not exist, or the trusted local one."""
    answer = service.post("/api/inventory/update", {**BODY, "user_id": user_id})
    assert answer.status_code == 404
    assert not TaskState.objects.filter(status="completed").exists()


def test_acting_for_one_who_has_left_is_refused(service: Api, users: dict[Role, User]) -> None:
    users[Role.CLERK].is_active = False
    users[Role.CLERK].save()
    assert service.post("/api/inventory/update", {**BODY, "user_id": "USER-CLERK"}).status_code == 404
