"""The operation on a ticket: answers, states, colleagues, and whose key seals what is said."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import Outbox
from customers.models import Customer, Ticket, TicketMessage
from customers.services import customer_erase, ticket_create
from orchestrator.models import TaskState
from orchestrator.storing import open_stored
from tests.conftest import Api
from tests.orchestrator.test_concurrency import hammer, statuses

Door = Callable[[str], Api]
ROUTE = "/api/customer/ticket-reply"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


@pytest.fixture
def ticket(shop: None) -> Ticket:
    john = Customer.objects.get(public_id="CUST001")
    return ticket_create(subject="Broken", message="It is broken.", user_id="USER-CLERK", customer=john)


def said(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_an_answer_leaves_the_ticket_pending_and_is_sealed(api: Door, ticket: Ticket) -> None:
    answer = api("clerk").post(ROUTE, {"ticket_id": "t-000001", "message": "A new one is on its way."})
    data = said(answer)
    assert (data["ticket_id"], data["customer_id"], data["status"]) == ("T-000001", "CUST001", "pending")
    assert (data["messages"], data["sentiment"], data["assigned_to"]) == (2, None, None)
    kept = TicketMessage.objects.get(number=2)
    assert (kept.body, kept.author_kind, kept.user_id) == ("A new one is on its way.", "staff", "USER-CLERK")
    assert "on its way" not in kept.sealed_body
    task = TaskState.objects.get(task_id=answer["X-Task-ID"])
    assert "on its way" not in str(task.inputs)
    assert "on its way" not in " ".join(Outbox.objects.values_list("payload", flat=True))
    assert open_stored(task.inputs, task.task_id)["message"] == "A new one is on its way."
    customer_erase(customer=Customer.objects.get())
    assert open_stored(task.inputs, task.task_id)["message"] == "[erased]"


def test_a_customers_words_open_it_again_and_are_scored(api: Door, ticket: Ticket) -> None:
    clerk = api("clerk")
    clerk.post(ROUTE, {"ticket_id": "T-000001", "message": "Done.", "status": "solved"})
    data = said(clerk.post(ROUTE, {"ticket_id": "T-000001", "message": "I hate it!", "author": "customer"}))
    assert (data["status"], data["sentiment"]["label"]) == ("open", "negative")


def test_closing_reopening_and_handing_over(api: Door, ticket: Ticket) -> None:
    clerk = api("clerk")
    assert said(clerk.post(ROUTE, {"ticket_id": "T-000001", "assign_to": "USER-MANAGER"}))["assigned_to"]
    data = said(clerk.post(ROUTE, {"ticket_id": "T-000001", "status": "closed"}))
    assert (data["status"], data["assigned_to"]) == ("closed", "USER-MANAGER")
    for refused in ({"message": "one more"}, {"status": "closed"}, {"status": "solved"}, {"assign_to": "USER-CLERK"}):
        answer = clerk.post(ROUTE, {"ticket_id": "T-000001", **refused})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert said(clerk.post(ROUTE, {"ticket_id": "T-000001", "status": "open"}))["status"] == "open"
    assert [row.status for row in ticket.history.order_by("history_id")] == ["open", "open", "closed", "open"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ticket_id": "T-000001"}, 400),
        ({"ticket_id": "T-000001", "message": " "}, 400),
        ({"ticket_id": "T-000001", "status": "gone"}, 400),
        ({"ticket_id": "T-000001", "assign_to": "USER-AUDITOR"}, 400),
        ({"ticket_id": "T-999999", "status": "closed"}, 404),
    ],
)
def test_what_can_not_be_done_is_told_and_changes_nothing(
    api: Door, ticket: Ticket, body: dict[str, Any], status: int
) -> None:
    assert api("clerk").post(ROUTE, body).status_code == status
    assert (Ticket.objects.get().status, TicketMessage.objects.count()) == ("open", 1)


def test_an_erased_customers_ticket_takes_no_words_and_is_closed(api: Door, ticket: Ticket) -> None:
    customer_erase(customer=Customer.objects.get())
    assert api("clerk").post(ROUTE, {"ticket_id": "T-000001", "message": "Hello?"}).status_code == 409
    reopening = {"ticket_id": "T-000001", "message": "Hello?", "status": "open"}
    assert api("clerk").post(ROUTE, reopening).status_code == 409
    assert Ticket.objects.get().status == "closed"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_close_it_one_does_and_replies_are_numbered(api: Door, ticket: Ticket) -> None:
    clerk = api("clerk")
    answers = hammer(clerk, ROUTE, [{"ticket_id": "T-000001", "message": "hello"}] * 10)
    assert statuses(answers) == {200: 10}
    assert list(TicketMessage.objects.values_list("number", flat=True)) == list(range(1, 12))
    answers = hammer(clerk, ROUTE, [{"ticket_id": "T-000001", "status": "closed"}] * 10)
    assert statuses(answers) == {200: 1, 409: 9}
