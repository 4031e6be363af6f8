"""The admin's pages for operations: made from the registry, ending in the same door."""

import pytest
from django.urls import reverse

from orchestrator.models import TaskState
from shop_assistant.agents import Role, registry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def page(label: str) -> str:
    agent, name = label.split(".")
    return reverse("operation", args=[agent, name])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_each_role_sees_a_form_for_what_it_may_run_and_no_other(client, users, role):
    client.force_login(users[role])
    listed = client.get(reverse("operations")).content.decode()
    for operation in registry.operations():
        allowed = role in operation.roles
        assert (f'href="{page(operation.label)}"' in listed) is allowed, operation.label
        answer = client.get(page(operation.label))
        assert answer.status_code == (200 if allowed else 404), operation.label
        if allowed:
            missing = [
                f
                for f in operation.input.model_json_schema()["properties"]
                if f'name="{f}"' not in answer.content.decode()
            ]
            assert not missing, operation.label


def test_nobody_gets_in_without_a_login(client):
    for address in (reverse("operations"), page("inventory.update")):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer.url.startswith("/admin/login/")


def test_a_change_goes_through_the_door(client, users):
    client.force_login(users[Role.CLERK])
    answer = client.post(page("inventory.update"), {"sku": "SKU001", "delta": "-2", "reason": "damaged"})
    assert answer.status_code == 200
    task = TaskState.objects.get(agent="inventory", operation="update")
    assert (task.channel, task.user_id, task.status) == ("admin", "USER-CLERK", "completed")
    assert task.outputs["quantity"] == 148
    assert str(task.pk) not in answer.content.decode()  # a clerk may not look at tasks


def test_a_basket_is_typed_line_by_line(client, users):
    client.force_login(users[Role.CLERK])
    assert ">SKU001 1<" in client.get(page("sales.sell"), {"lines": "SKU001 1"}).content.decode().replace("\n", "")
    answer = client.post(page("sales.sell"), {"lines": "SKU001 10\n\n SKU002 x1 \n"})
    task = TaskState.objects.get(agent="sales")
    assert task.inputs["lines"] == [{"sku": "SKU001", "quantity": 10}, {"sku": "SKU002", "quantity": 1}]
    assert "S-000021" in answer.content.decode()


def test_lists_are_typed_as_json(client, users):
    client.force_login(users[Role.OWNER])
    lines = '[{"sku": "SKU001", "quantity": 10}]'
    answer = client.post(page("sales.sell"), {"lines": lines, "payment": "card"})
    task = TaskState.objects.get(agent="sales")
    assert task.outputs["total"] == 269.9
    assert str(task.pk) in answer.content.decode()


@pytest.mark.parametrize(
    ("label", "data", "said"),
    [
        ("inventory.update", {"sku": "SKU001"}, "delta"),
        ("inventory.update", {"sku": "SKU001", "delta": "-1000"}, "Available"),
        ("inventory.update", {"sku": "SKU001", "delta": "0.5"}, "delta"),
        ("inventory.query", {"sku": "SKU9"}, "SKU9 not found in inventory"),
        ("sales.sell", {"lines": "not json"}, "JSON"),
        ("sales.sell", {"lines": "[1"}, "JSON"),
        ("sales.sell", {"lines": "SKU001 many"}, "SKU and quantity"),
        ("sales.sell", {"lines": "SKU001 0"}, "lines.0.quantity"),
        ("sales.sell", {}, "required"),
    ],
)
def test_bad_input_is_explained_beside_its_field(client, users, label, data, said):
    client.force_login(users[Role.OWNER])
    answer = client.post(page(label), data)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not TaskState.objects.filter(status="completed").exists()
