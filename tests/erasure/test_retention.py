"""What is kept for how long, and that nothing else goes."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from audit.models import Outbox
from audit.sealing import seal
from audit.verification import verify_all
from customers.jobs import let_go
from customers.models import Customer, CustomerOrder, ErasureRequest, Ticket
from customers.services import customer_create
from orchestrator.models import IdempotencyKey, TaskState
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from shop_assistant.vault.models import RetentionPeriod, SubjectKey
from shop_assistant.vault.retention import kinds
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]
LONG_AGO = datetime.now(UTC) - timedelta(days=4000)


def run(*options: str) -> dict[str, int]:
    out = io.StringIO()
    call_command("retention", *options, stdout=out)
    lines = [line.partition(": ") for line in out.getvalue().splitlines()]
    return {kind: int(told.split()[0]) for kind, _, told in lines}


def period(kind: str, **values: Any) -> None:
    row = RetentionPeriod.objects.get(kind=kind)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def test_every_kind_has_a_period_and_they_are_long() -> None:
    days = dict(RetentionPeriod.objects.values_list("kind", "days"))
    assert days == {"customers": 3650, "tickets": 1095, "tasks": 730, "repeats": 2}
    assert set(kinds()) == set(days)
    assert all(run("--dry-run")[kind] == 0 for kind in days)


def test_customers_of_whom_nothing_happened_are_erased() -> None:
    with time_machine.travel(LONG_AGO):
        customer_create(public_id="CUST-OLD", name="Old Friend")
        customer_create(public_id="CUST-BUSY", name="Busy Bee")
    customer_create(public_id="CUST-NEW", name="New Face")
    busy = Customer.objects.get(public_id="CUST-BUSY")
    busy.tier = "gold"
    busy.save()
    assert run("--dry-run")["customers"] == 1
    assert Customer.objects.get(public_id="CUST-OLD").name == "Old Friend", "a dry run changes nothing"
    orders = CustomerOrder.objects.count()
    assert run()["customers"] == 1
    assert run()["customers"] == 0
    assert Customer.objects.get(public_id="CUST-OLD").name is None
    assert [Customer.objects.get(public_id=name).name for name in ("CUST-BUSY", "CUST-NEW", "CUST001")] == [
        "Busy Bee",
        "New Face",
        "John Smith",
    ]
    request = ErasureRequest.objects.get()
    assert (request.ground, request.decided_by, request.status) == ("retention", "system", "erased")
    assert [json.loads(row.payload)["ground"] for row in Outbox.objects.filter(event="SUBJECT_ERASED")] == ["retention"]
    told = json.loads(Outbox.objects.get(event="RETENTION_APPLIED").payload)
    assert told["let_go"] == {"customers": 1}
    assert CustomerOrder.objects.count() == orders
    seal()
    assert list(verify_all()) == []


def test_who_is_owed_something_is_kept(api: Callable[[str], Api]) -> None:
    """An open ticket, or a request to erase that somebody has to decide on."""
    with time_machine.travel(LONG_AGO):
        made = customer_create(public_id="CUST-ASKS", name="Asks Still")
        ticket = Ticket(reference="T-000777", customer=made)
        ticket.seal({"subject": "Where is it?"})
        ticket.save()
    assert run("--dry-run")["customers"] == 0
    assert run("--dry-run")["tickets"] == 0


def test_the_words_of_closed_tickets_go_and_the_customer_stays(api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    asked = {"customer_id": "CUST001", "subject": "Broken", "message": "It is broken."}
    closed, opened = (clerk.post("/api/customer/support-ticket", asked).json()["data"]["ticket_id"] for _ in range(2))
    assert clerk.post("/api/customer/ticket-reply", {"ticket_id": closed, "status": "closed"}).status_code == 200
    period("tickets", days=30)
    assert run("--dry-run")["tickets"] == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        assert run("--dry-run")["tickets"] == 1
        assert run()["tickets"] == 1
    assert Ticket.objects.get(reference=closed).subject is None
    assert Ticket.objects.get(reference=opened).subject == "Broken"
    assert Ticket.objects.get(reference=closed).messages.get().sentiment.label == "negative"
    assert Customer.objects.get(public_id="CUST001").name == "John Smith"


def test_what_requests_say_of_nobody_known_goes(api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    clerk.post("/api/customer/profile", {"email": "nobody@example.com"}, Idempotency_Key="k")
    task = TaskState.objects.get()
    assert SubjectKey.objects.filter(subject=f"task:{task.task_id}", destroyed_at=None).exists()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=729)):
        assert run() == {"customers": 0, "tickets": 0, "tasks": 0, "repeats": 1}
    assert not IdempotencyKey.objects.exists()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=731)):
        assert run()["tasks"] == 1
        let_go()
    assert clerk.get(f"/api/ai/task/{task.task_id}").json()["data"]["inputs"] == {"email": "[erased]"}
    assert TaskState.objects.count() == 1


def test_a_period_that_is_switched_off_lets_nothing_go() -> None:
    with time_machine.travel(LONG_AGO):
        customer_create(public_id="CUST-OLD", name="Old Friend")
    period("customers", active=False)
    assert "customers" not in run()
    assert Customer.objects.get(public_id="CUST-OLD").name == "Old Friend"


def test_periods_are_set_in_the_admin_but_not_too_short(users: dict[Role, User], client: Client) -> None:
    client.force_login(users[Role.OWNER])
    assert b"customers" in client.get(reverse("admin:vault_retentionperiod_changelist")).content
    page = reverse("admin:vault_retentionperiod_change", args=["customers"])
    refused = client.post(page, {"days": "30", "active": "on"})
    assert b"365 days at least" in refused.content
    assert client.post(page, {"days": "2200", "active": "on"}).status_code == 302
    assert RetentionPeriod.objects.get(kind="customers").days == 2200
    told = json.loads(Outbox.objects.filter(event="OBJECT_CHANGED").latest("id").payload)
    assert (told["model"], told["key"], told["user_id"]) == ("vault.RetentionPeriod", "customers", "USER-OWNER")
    with pytest.raises(IntegrityError), transaction.atomic():
        period("customers", days=1)
