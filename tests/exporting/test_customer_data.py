"""A customer's own data: one JSON from the command line, REST and the admin, and who may have it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from audit.models import Denial, Outbox
from customers.models import Customer, Ticket
from customers.services import customer_create, customer_erase, customer_update
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from shop_assistant.agents import Role
from tests.exporting.conftest import CANARIES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("traded")]
ROUTE = "/api/customer/export-data"
ASKED = {"customer_id": "CUST-CANARY", "reason": "a letter of Mrs Nightingale"}


def data(client: Any, **asked: str) -> dict[str, Any]:
    answer = client.post(ROUTE, ASKED | asked)
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["data"])


def told(event: str) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in Outbox.objects.filter(event=event).order_by("id")]


def run(tmp_path: Path, *more: str, customer: str = "CUST-CANARY", user: str = "owner") -> dict[str, Any]:
    file = tmp_path / "person.json"
    call_command(
        "customer_data", customer, "--user", user, "--reason", ASKED["reason"], "--output", str(file), *more,
        stdout=io.StringIO(),
    )  # fmt: skip
    return dict(json.loads(file.read_text()))


def test_it_is_everything(api):
    customer = Customer.objects.get(public_id="CUST-CANARY")
    customer_update(customer=customer, address="2 Canary Wharf", tier="gold")
    found = data(api("manager"))
    profile = found["profile"]
    assert (profile["name"], profile["email"], profile["phone"], profile["address"]) == (
        *CANARIES[:3],
        "2 Canary Wharf",
    )
    assert (profile["tier"], profile["member_since"]) == ("gold", "2024-03-31T00:30:00.000Z")
    assert [(s["change"], s["address"], s["tier"]) for s in found["profile_history"]] == [
        ("added", CANARIES[3], "standard"),
        ("changed", "2 Canary Wharf", "gold"),
    ]
    (order,) = found["orders"]
    assert (order["order"], order["total"]) == ("S-000021", 336.38)
    assert [(line["sku"], line["quantity"], line["unit_price"]) for line in order["lines"]] == [
        ("SKU001", 12, 26.99),
        ("SKU002", 1, 12.5),
    ]
    (returned,) = found["returns"]
    assert (returned["order"], returned["total"], returned["lines"][0]["quantity"]) == ("S-000021", 53.98, 2)
    assert {entry["kind"] for entry in found["points"]} >= {"earn"}
    (ticket,) = found["tickets"]
    assert (ticket["topic"], ticket["status"]) == (CANARIES[4], "open")
    assert [(m["author"], m["text"]) for m in ticket["messages"]] == [
        ("customer", f"{CANARIES[5]}, I am very unhappy.")
    ]
    assert {i["kind"] for i in found["interactions"]} == {"sale", "return", "ticket"}
    asked = {task["operation"]: task for task in found["tasks"]}
    assert set(asked) == {"sales.sell", "sales.return", "customers.create_ticket", "customers.query_customer"}
    assert asked["customers.create_ticket"]["inputs"]["message"].startswith(CANARIES[5])
    assert asked["customers.query_customer"]["inputs"] == {"email": CANARIES[1]}


def test_of_nobody_else(api):
    found = json.dumps(data(api("owner")))
    assert "john@example.com" not in found
    assert "CUST001" not in found
    found = data(api("owner"), customer_id="CUST001")
    assert len(found["orders"]) == 20
    assert not [word for word in CANARIES if word in json.dumps(found)]


def test_who_looked_at_it_is_told(api, client, users):
    ticket = Ticket.objects.get()
    client.force_login(users[Role.OWNER])
    for row in (ticket.customer, ticket, Customer.objects.get(public_id="CUST001")):
        assert row is not None
        kind = row._meta.model_name
        assert client.get(reverse(f"admin:customers_{kind}_change", args=[row.pk])).status_code == 200
    client.post(reverse("export", args=["customers"]), {"format": "csv", "personal": "on"})
    client.post(reverse("export", args=["customers"]), {"format": "csv", "personal": "on", "customer": "CUST001"})
    client.post(reverse("export", args=["customers"]), {"format": "csv"})
    data(api("manager"))
    assert [(look["user_id"], look["how"]) for look in data(api("owner"))["looked_at"]] == [
        ("USER-CLERK", "customers.query_customer"),
        ("USER-OWNER", "admin page of customers.Customer"),
        ("USER-OWNER", "admin page of customers.Ticket"),
        ("USER-OWNER", "export of customers"),
        ("USER-MANAGER", "customers.export_data"),
    ]


def test_the_access_is_recorded_and_nothing_personal_of_it_kept(api):
    answer = api("owner").post(ROUTE, ASKED)
    (access,) = told("SUBJECT_ACCESS")
    assert (access["user_id"], access["customer_id"]) == ("USER-OWNER", "CUST-CANARY")
    assert access["task_id"] == answer.headers["X-Task-ID"]
    task = TaskState.objects.get(task_id=access["task_id"])
    assert list(task.outputs) == ["sha256"]
    kept = json.dumps([task.inputs, task.outputs, access, *told("TASK_COMPLETED")])
    assert not [word for word in (*CANARIES, "Nightingale") if word in kept]


def test_a_worker_keeps_it_sealed_for_who_asked(api):
    accepted = api("owner").post(ROUTE, ASKED, Prefer="respond-async")
    assert accepted.status_code == 202
    perform_queued(TaskState.objects.get(is_async=True).task_id)
    assert not [word for word in CANARIES if word in json.dumps(TaskState.objects.get(is_async=True).outputs)]
    done = api("owner").get(accepted.headers["Location"]).json()["data"]
    assert done["outputs"]["profile"]["name"] == CANARIES[0]
    assert CANARIES[0] not in api("auditor").get(accepted.headers["Location"]).content.decode()


@pytest.mark.parametrize("role", ["clerk", "auditor", "service"])
def test_it_is_for_managers_and_owners(role: str, api):
    assert api(role).post(ROUTE, ASKED).status_code == 403
    assert told("SUBJECT_ACCESS") == []


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"reason": None}, {"customer_id": ""}, {"more": 1}])
def test_a_reason_is_needed(wrong: dict[str, Any], api):
    assert api("owner").post(ROUTE, ASKED | wrong).status_code == 400
    assert api("owner").post(ROUTE, {"customer_id": "CUST-CANARY"}).status_code == 400


def test_somebody_with_nothing_and_somebody_erased(api):
    customer_create(public_id="CUST-NEW")
    found = data(api("owner"), customer_id="CUST-NEW")
    assert (found["orders"], found["tickets"], found["profile"]["name"]) == ([], [], None)
    customer_erase(customer=Customer.objects.get(public_id="CUST-CANARY"))
    found = data(api("owner"))
    assert found["profile"]["erased_at"]
    assert len(found["orders"]) == 1
    assert found["tickets"][0]["messages"][0]["text"] is None
    assert api("owner").post(ROUTE, ASKED | {"customer_id": "CUST-NOBODY"}).status_code == 404


def test_the_command(tmp_path, api):
    found = run(tmp_path)
    assert found["profile"]["name"] == CANARIES[0]
    assert (tmp_path / "person.json").stat().st_mode & 0o077 == 0
    assert set(found) == set(data(api("owner")))
    assert TaskState.objects.get(operation="export_data", channel="command").user_id == "USER-OWNER"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"user": "clerk"}, "You need the permission 'customers.export_data'"),
        ({"user": "nobody"}, "There is no user nobody"),
        ({"customer": "CUST-NOBODY"}, "There is no such customer"),
    ],
)
def test_refusals_of_the_command(options: dict[str, str], said: str, tmp_path):
    with pytest.raises(CommandError, match=said) as refused:
        run(tmp_path, **options)
    assert refused.value.returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert Denial.objects.exists() is ("permission" in said)


def test_standard_output(capfdbinary):
    call_command("customer_data", "CUST-CANARY", "--user", "owner", "--reason", "asked")
    assert json.loads(capfdbinary.readouterr().out)["customer_id"] == "CUST-CANARY"
