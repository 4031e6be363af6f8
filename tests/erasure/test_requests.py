"""Asking for an erasure, and deciding on it: two people, or one who confirms twice."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from customers.models import Customer, ErasureRequest, Ticket
from customers.services import customer_create, customer_update, erasure_by_policy, erasures_journal
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from shop_assistant.agents.errors import Conflict
from shop_assistant.vault.journal import journal_append, journal_read
from shop_assistant.vault.models import SubjectKey
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

ASK, ERASE = "/api/customer/request-erasure", "/api/customer/erase"
SENT, HTMX = {"_form_submitted": "on"}, {"HTTP_HX_REQUEST": "true"}
ASKED = {"customer_id": "CUST001", "reason": "asked for by letter of Mr Smith"}
Door = Callable[[str], Api]


def john() -> Customer:
    found: Customer = Customer.objects.get(public_id="CUST001")
    return found


def data(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    body: dict[str, Any] = answer.json()
    return body["data"] if status == 200 else body["error"]


def told(event: str) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in Outbox.objects.filter(event=event).order_by("id")]


def run(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("customer_erase", *arguments, stdout=out, **options)
    return out.getvalue()


def test_one_asks_and_another_confirms(api: Door) -> None:
    asked = data(api("manager").post(ASK, ASKED))
    assert (asked["request"], asked["status"], asked["approval"]) == ("E-000001", "requested", None)
    due = datetime.fromisoformat(asked["due_at"]) - datetime.fromisoformat(asked["requested_at"])
    assert due == timedelta(days=30)
    assert any("Another person" in note for note in asked["notes"])
    assert john().name == "John Smith", "nothing is erased yet"
    assert data(api("owner").post(ASK, ASKED))["request"] == "E-000001", "asked for twice it is one request"
    assert "Another person" in data(api("manager").post(ERASE, {"request": "E-000001"}), 403)["message"]
    assert data(api("manager").post(ERASE, {"request": "E-000001", "confirm": True}), 403)["code"]
    assert john().name == "John Smith"

    done = data(api("owner").post(ERASE, {"request": "e-000001"}))
    assert (done["status"], done["approval"], done["decided_by"]) == ("erased", "four eyes", "USER-OWNER")
    assert (john().name, john().email, john().lookups.count()) == (None, None, 0)
    (event,) = told("SUBJECT_ERASED")
    assert done["receipt"].startswith(event["event_id"])
    assert (event["customer_id"], event["ground"], event["self_approved"]) == ("CUST001", "asked", False)


def test_it_is_erased_once_and_answered_alike(api: Door) -> None:
    data(api("manager").post(ASK, ASKED))
    first = data(api("owner").post(ERASE, {"request": "E-000001"}))
    assert data(api("owner").post(ERASE, {"request": "E-000001"})) == first
    assert data(api("clerk").post("/api/customer/profile", {"customer_id": "CUST001"}))["erased"] is True
    assert data(api("manager").post(ASK, ASKED)) == first
    assert len(told("SUBJECT_ERASED")) == 1
    assert data(api("owner").post(ERASE, {"request": "E-000001", "decision": "decline"}), 409)


def test_a_shop_of_one_confirms_twice_and_the_record_says_so(api: Door, users: dict[Role, User]) -> None:
    for role in (Role.MANAGER, Role.CLERK, Role.AUDITOR, Role.SERVICE):
        users[role].delete()
    owner = api("owner")
    assert any("who asked confirms it" in note for note in data(owner.post(ASK, ASKED))["notes"])
    refused = data(owner.post(ERASE, {"request": "E-000001"}), 422)
    assert refused["details"]["missing"] == "confirm"
    assert john().name == "John Smith"
    done = data(owner.post(ERASE, {"request": "E-000001", "confirm": True}))
    assert (done["approval"], done["requested_by"], done["decided_by"]) == ("self-approved", "USER-OWNER", "USER-OWNER")
    assert told("SUBJECT_ERASED")[0]["self_approved"] is True


def test_a_shop_of_one_is_told_how_at_its_terminal(users: dict[Role, User]) -> None:
    for role in (Role.MANAGER, Role.CLERK, Role.AUDITOR, Role.SERVICE):
        users[role].delete()
    next_step = "manage.py customer_erase CUST001 --confirm E-000001 --user owner --twice"
    asked = run("CUST001", "--reason", "asked by letter", "--user", "owner")
    assert f"Confirm it: {next_step}\n" in asked
    due = timezone.localtime(ErasureRequest.objects.get().due_at)
    assert f"due by {due:%Y-%m-%d %H:%M}." in asked
    with pytest.raises(CommandError, match=re.escape(next_step)):
        run("CUST001", "--confirm", "E-000001", "--user", "owner")
    done = run("CUST001", "--confirm", "E-000001", "--user", "owner", "--twice")
    assert re.search(r"gone: 1 key,", done)
    assert f"CUST001 was erased on {timezone.localtime():%Y-%m-%d} " in done


def test_declined_nothing_is_erased_and_it_can_be_asked_for_again(api: Door) -> None:
    data(api("manager").post(ASK, ASKED))
    declined = data(api("owner").post(ERASE, {"request": "E-000001", "decision": "decline"}))
    assert (declined["status"], declined["approval"], declined["erased_at"]) == ("declined", None, None)
    assert john().name == "John Smith"
    assert "declined already" in data(api("owner").post(ERASE, {"request": "E-000001"}), 409)["message"]
    assert data(api("manager").post(ASK, ASKED))["request"] == "E-000002"
    assert told("SUBJECT_ERASED") == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (ASK, {"customer_id": "CUST001"}, 400),
        (ASK, {"customer_id": "CUST001", "reason": "  "}, 400),
        (ASK, {"customer_id": "CUST001", "reason": "x", "ground": "retention"}, 400),
        (ASK, {"customer_id": "CUST999", "reason": "x"}, 404),
        (ASK, {"customer_id": "john@example.com", "reason": "x"}, 404),
        (ERASE, {}, 400),
        (ERASE, {"request": "E-999999"}, 404),
        (ERASE, {"request": "John Smith"}, 404),
        (ERASE, {"request": "E-000001", "customer_id": "CUST-OTHER"}, 404),
        (ERASE, {"request": "E-000001", "decision": "perhaps"}, 400),
        (ERASE, {"request": "E-000001", "confirm": 1}, 400),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(api: Door, path: str, body: dict[str, Any], status: int) -> None:
    customer_create(public_id="CUST-OTHER")
    data(api("manager").post(ASK, ASKED))
    error = data(api("owner").post(path, body), status)
    assert error["message"]
    assert "John Smith" not in json.dumps(error)
    assert (john().name, ErasureRequest.objects.get().status) == ("John Smith", "requested")


@pytest.mark.parametrize("role", ["clerk", "auditor", "service"])
def test_it_is_for_managers_and_owners(role: str, api: Door) -> None:
    data(api("manager").post(ASK, ASKED))
    assert api(role).post(ASK, ASKED).status_code == 403
    assert api(role).post(ERASE, {"request": "E-000001"}).status_code == 403


def test_open_tickets_invoices_and_points_are_told_and_tickets_closed(api: Door) -> None:
    clerk = api("clerk")
    ticket = data(
        clerk.post("/api/customer/support-ticket", {"customer_id": "CUST001", "subject": "x", "message": "y"})
    )
    sale = {"lines": [{"sku": "SKU001", "quantity": 1}], "customer_id": "CUST001", "payment": "invoice"}
    data(clerk.post("/api/sales/sell", sale))
    notes = " ".join(data(api("manager").post(ASK, ASKED))["notes"])
    assert ticket["ticket_id"] in notes
    assert "1 orders on invoice" in notes
    assert "points, worth" in notes
    done = data(api("owner").post(ERASE, {"request": "E-000001"}))
    assert (done["erased"]["tickets_closed"], Ticket.objects.get().status) == (1, "closed")
    assert data(clerk.post("/api/sales/sell", sale), 409)["code"] == "CONFLICT"
    assert data(clerk.post("/api/customer/ticket-reply", {"ticket_id": ticket["ticket_id"], "message": "z"}), 409)


def test_the_reason_goes_with_the_person(api: Door) -> None:
    data(api("manager").post(ASK, ASKED))
    request = ErasureRequest.objects.get()
    assert request.reason == ASKED["reason"]
    assert "Smith" not in request.sealed_reason
    data(api("owner").post(ERASE, {"request": "E-000001"}))
    assert ErasureRequest.objects.get().reason is None
    assert "Smith" not in json.dumps([told("TASK_STARTED"), told("SUBJECT_ERASED")])


def test_the_person_is_told_of_it(api: Door) -> None:
    """What is given out about somebody has the requests to erase them, and the records that name them."""
    data(api("manager").post(ASK, ASKED))
    given = {"customer_id": "CUST001", "reason": "asked for by letter"}
    found = data(api("owner").post("/api/customer/export-data", given))
    (request,) = found["erasures"]
    assert (request["request"], request["status"], request["reason"]) == ("E-000001", "requested", ASKED["reason"])
    assert {"TASK_STARTED", "TASK_COMPLETED"} <= {record["event"] for record in found["records"]}
    data(api("owner").post(ERASE, {"request": "E-000001"}))
    found = data(api("owner").post("/api/customer/export-data", given))
    assert (found["erasures"][0]["status"], found["erasures"][0]["reason"]) == ("erased", None)
    assert "SUBJECT_ERASED" in {record["event"] for record in found["records"]}
    assert all(record["seq"] > 0 for record in found["records"])


def test_nothing_personal_can_be_added_afterwards(api: Door) -> None:
    """Also not by who had the customer before them when it happened."""
    before = john()
    erasure_by_policy(customer=john(), ground="not_needed")
    with pytest.raises(Conflict):
        customer_update(customer=before, email="john@example.com")
    assert john().lookups.count() == 0
    assert john().erased_at is not None


@pytest.mark.django_db(transaction=True)
def test_the_command(users: dict[Role, User], journal: Path) -> None:
    assert "20 orders" in run("CUST001", "--dry-run")
    assert ErasureRequest.objects.count() == 0
    said = run("CUST001", "--reason", "by letter")
    assert "E-000001: the erasure of CUST001 is requested" in said
    assert "--confirm E-000001" in said
    for options, why, code in (
        (("CUST001",), "--reason", 2),
        (("CUST001", "--reason", " "), "", 2),
        (("CUST999", "--reason", "x"), "no such customer", 1),
        (("CUST001", "--confirm", "E-000001"), "Another person", 1),
        (("CUST001", "--confirm", "E-000009"), "no such request", 1),
        (("CUST-X", "--confirm", "E-000001", "--user", "owner"), "no such request", 1),
        (("CUST001", "--confirm", "E-000001", "--user", "nobody"), "no user", 1),
        (("CUST001", "--confirm", "E-000001", "--user", "clerk"), "permission", 1),
    ):
        with pytest.raises(CommandError) as error:
            run(*options)
        assert why in str(error.value)
        assert error.value.returncode == code, options
    assert john().name == "John Smith"
    done = json.loads(run("CUST001", "--confirm", "E-000001", "--user", "owner", "--json"))
    assert (done["status"], done["requested_by"], done["decided_by"]) == ("erased", "system", "USER-OWNER")
    assert len(journal_read()) == done["erased"]["keys"] >= 1
    assert "was erased" in run("CUST001", "--reason", "again"), "and it is no error to ask again"


def test_in_the_admin(users: dict[Role, User], client: Client) -> None:
    client.force_login(users[Role.MANAGER])
    page = reverse("admin:customers_customer_change", args=[john().pk])
    ask = reverse("admin:customers_customer_erase", args=[john().pk])
    assert ask in client.get(page).content.decode()
    asked = client.post(ask, {"reason": "by letter", "ground": "asked", **SENT}, **HTMX)
    request = ErasureRequest.objects.get()
    there = reverse("admin:customers_erasurerequest_change", args=[request.pk])
    confirm = reverse("admin:customers_erasurerequest_confirm", args=[request.pk])
    assert asked.headers["HX-Redirect"] == there
    refused = client.post(confirm, {"confirm": "on", **SENT}, **HTMX)
    assert b"Another person" in refused.content
    assert john().name == "John Smith"
    client.force_login(users[Role.CLERK])
    assert client.post(confirm, SENT).status_code in (302, 403)
    assert john().name == "John Smith"
    client.force_login(users[Role.OWNER])
    assert b"by letter" in client.get(there).content
    assert client.post(confirm, SENT, **HTMX).headers["HX-Redirect"] == there
    assert john().name is None
    shown = client.get(there).content.decode()
    assert "by letter" not in shown
    assert ErasureRequest.objects.get().receipt in shown
    assert ask not in client.get(page).content.decode()
    assert client.get(reverse("admin:customers_erasurerequest_changelist")).status_code == 200


def test_a_journal_that_can_not_be_written_is_told_later(
    journal: Path, django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    journal.parent.write_text("in the way")
    with django_capture_on_commit_callbacks(execute=True):
        erasure_by_policy(customer=john(), ground="not_needed")
    assert john().name is None, "who is to be erased is erased"
    assert "ERASURE_NOT_JOURNALLED" in caplog.text
    assert ErasureRequest.objects.get().journalled_at is None
    journal.parent.unlink()
    assert (erasures_journal(), erasures_journal()) == (1, 0)
    assert journal_read() == set(ErasureRequest.objects.get().keys)


def test_a_torn_line_of_the_journal_spoils_no_other(journal: Path) -> None:
    now, event = datetime.now(UTC), Outbox.objects.all()[0].event_id
    journal_append(["a" * 32], erased_at=now, event_id=event)
    with journal.open("a") as file:
        file.write("erased 2026-01-01T0")
    journal_append(["b" * 32, "c" * 32], erased_at=now, event_id=event)
    assert journal_read() == {"a" * 32, "b" * 32, "c" * 32}
    assert journal.stat().st_mode & 0o007 == 0


def test_who_can_not_be_read_any_more_can_be_erased() -> None:
    """A key that can't be opened any more is destroyed all the same."""
    SubjectKey.objects.filter(subject="CUST001").update(wrapped=b"spoiled")
    erasure_by_policy(customer=john(), ground="not_needed")
    assert SubjectKey.objects.get(subject="CUST001").wrapped is None
