"""What is personal lies in the database as ciphertext only, whichever way it came in; and who gets to read it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from audit.sealing import seal
from customers.models import Customer
from customers.services import customer_create, customer_erase
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from shop_assistant.vault.services import ERASED, PREFIX
from tests.cases import ROUTES, general
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

NAME, EMAIL, PHONE = "Quentin Zephyrine", "zephyrine@canary.example", "+44 7700 900987"
CANARIES = {
    NAME,
    EMAIL,
    PHONE,
    "Zephyrine",
    "canary.example",
    "7700 900987",
    "unknown.canary@",
    "+44 7700 900111",
    "Subject-Canary",
    "Message-Canary",
    "Reason-Canary",
    "Return-Canary",
    "Details-Canary",
    "Refused-Canary",
    "Login-Canary",
    "Password-Canary",
}

PERSONAL_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("customers.query_customer", {"customer_id": "CUST777"}),
    ("customers.query_customer", {"email": EMAIL}),
    ("customers.query_customer", {"phone": PHONE}),
    ("customers.query_customer", {"email": "unknown.canary@example.com"}),
    ("customers.query_customer", {"phone": "+44 7700 900111"}),
    (
        "customers.create_ticket",
        {"customer_id": "CUST777", "subject": "Subject-Canary", "message": "Message-Canary says " + NAME},
    ),
    ("customers.create_ticket", {"subject": "Subject-Canary", "message": "Message-Canary of " + EMAIL}),
    (
        "customers.loyalty",
        {"customer_id": "CUST777", "operation": "adjust", "points": 50, "reason": "Reason-Canary"},
    ),
    ("customers.loyalty", {"customer_id": "CUST777", "operation": "history"}),
    ("customers.loyalty", {"customer_id": "CUST999", "operation": "earn", "points": 5, "reason": "Reason-Canary"}),
    ("sales.return", {"order": "S-000001", "reason": "Return-Canary"}),
    ("sales.return", {"order": "S-999999", "reason": "Return-Canary"}),
    ("audit.log", {"event": "CALLED", "details": {"whom": NAME, "more": ["Details-Canary", {"at": PHONE}]}}),
    ("customers.query_customer", {"customer_id": "CUST777", "email": "Refused-Canary"}),
    ("customers.create_ticket", {"subject": "Refused-Canary", "message": 5}),
    ("inventory.query", {"sku": "SKU001", "limit": "Refused-Canary"}),
    ("pricing.calculate", {"sku": "SKU001", "quantity": 1, "customer_id": ["Refused-Canary"]}),
]


@pytest.fixture
def quentin() -> None:
    customer_create(
        public_id="CUST777", name=NAME, email=EMAIL, phone=PHONE, member_since=datetime(2024, 5, 1, tzinfo=UTC)
    )


def everything_stored() -> dict[str, str]:
    """All that is in the database, by table, as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = cursor.fetchall()
            found[table] = "\n".join(
                " ".join(bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for v in row)
                for row in rows
            )
    return found


def leaks() -> list[tuple[str, str]]:
    stored = everything_stored()
    return [(table, canary) for table, text in stored.items() for canary in CANARIES if canary in text]


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}, {"Prefer": "respond-async"}])
@pytest.mark.parametrize("door", ["direct", "general"])
def test_nothing_personal_is_stored_in_the_clear(
    door: str, headers: dict[str, str], quentin: None, api: Callable[[str], Api]
) -> None:
    owner = api("owner")
    for number, (label, body) in enumerate(PERSONAL_REQUESTS):
        more = {name: value + str(number) if value == "k" else value for name, value in headers.items()}
        if door == "direct":
            answer = owner.post(ROUTES[label], body, **more)
        else:
            answer = owner.post("/api/ai/query", general(label, body), **more)
        assert answer.status_code in (200, 202, 400, 404), answer.content
        if answer.status_code == 202:
            perform_queued(answer["X-Task-ID"])
    seal()
    assert leaks() == []
    assert PREFIX in everything_stored()["orchestrator_taskstate"]
    assert PREFIX in everything_stored()["audit_record"]


def test_failed_logins_keep_nothing_of_what_was_typed(api: Callable[[str | None], Api]) -> None:
    api(None).post("/api/auth/token", {"username": "Login-Canary", "password": "Password-Canary"})
    seal()
    assert leaks() == []


def test_the_owner_of_a_task_reads_it_and_the_auditor_reads_it_masked(quentin: None, api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    asked = clerk.post("/api/customer/profile", {"email": EMAIL})
    mine = clerk.get(f"/api/ai/task/{asked['X-Task-ID']}").json()["data"]
    assert mine["inputs"] == {"email": EMAIL}
    assert mine["outputs"] == asked.json()["data"]
    for role in ("auditor", "owner"):
        answer = api(role).get(f"/api/ai/task/{asked['X-Task-ID']}")
        theirs = answer.json()["data"]
        assert theirs["inputs"] == {"email": "[personal]"}
        assert (theirs["outputs"]["name"], theirs["outputs"]["customer_id"]) == ("[personal]", "CUST777")
        assert "Zephyrine" not in answer.content.decode()
        assert PREFIX not in answer.content.decode()


def test_the_trail_is_masked_too(quentin: None, api: Callable[[str], Api]) -> None:
    asked = api("clerk").post("/api/customer/profile", {"email": EMAIL})
    answer = api("auditor").get("/api/ai/audit", {"task_id": asked["X-Task-ID"]})
    states = [item["state"] for item in answer.json()["data"]["items"]]
    assert [state["inputs"] for state in states] == [{"email": "[personal]"}] * 2
    assert EMAIL not in answer.content.decode()


def test_free_details_of_a_log_entry_are_opened_for_auditors(api: Callable[[str], Api]) -> None:
    api("clerk").post("/api/audit/log", {"event": "CALLED", "details": {"whom": NAME}})
    (item,) = api("auditor").get("/api/ai/audit", {"event": "CALLED"}).json()["data"]["items"]
    assert item["details"]["details"] == {"whom": NAME}


def test_a_record_of_a_profile_is_under_the_customers_own_key(quentin: None, api: Callable[[str], Api]) -> None:
    """So that erasing the customer erases it as well, also where it was asked for by e-mail."""
    clerk = api("clerk")
    by_id = clerk.post("/api/customer/profile", {"customer_id": "CUST777"})["X-Task-ID"]
    by_email = clerk.post("/api/customer/profile", {"email": EMAIL})["X-Task-ID"]
    ticket = clerk.post(
        "/api/customer/support-ticket", {"customer_id": "CUST777", "subject": "Subject-Canary", "message": "x"}
    )["X-Task-ID"]
    nobody = clerk.post("/api/customer/support-ticket", {"subject": "Subject-Canary", "message": "x"})["X-Task-ID"]
    customer_erase(customer=Customer.objects.get(public_id="CUST777"))
    assert clerk.get(f"/api/ai/task/{by_id}").json()["data"]["outputs"]["name"] == ERASED
    found = clerk.get(f"/api/ai/task/{by_email}").json()["data"]
    assert (found["inputs"], found["outputs"]["email"]) == ({"email": ERASED}, ERASED)
    assert clerk.get(f"/api/ai/task/{ticket}").json()["data"]["inputs"]["message"] == ERASED
    assert clerk.get(f"/api/ai/task/{nobody}").json()["data"]["inputs"]["subject"] == "Subject-Canary"


def test_a_text_that_pretends_to_be_sealed(quentin: None, api: Callable[[str], Api]) -> None:
    """Another's ciphertext sent in as one's own text does not open."""
    clerk = api("clerk")
    clerk.post("/api/customer/profile", {"email": EMAIL})
    stolen = TaskState.objects.get().inputs["email"]
    assert stolen.startswith(PREFIX)
    sent = api("manager").post("/api/customer/support-ticket", {"subject": "x", "message": stolen})
    assert sent.status_code == 200
    read = api("manager").get(f"/api/ai/task/{sent['X-Task-ID']}").json()["data"]
    assert read["inputs"]["message"] == stolen
    logged = api("manager").post("/api/inventory/update", {"sku": "SKU001", "delta": 1, "reason": stolen})
    read = api("manager").get(f"/api/ai/task/{logged['X-Task-ID']}").json()["data"]
    assert EMAIL not in str(read)


def test_what_is_sealed_is_sealed_once(quentin: None, api: Callable[[str], Api]) -> None:
    """A worker opens the inputs of a task once; and an answer given again is the answer that was given."""
    owner, path = api("owner"), ROUTES["customers.loyalty"]
    asked = {"customer_id": "CUST777", "operation": "adjust", "points": 50, "reason": "Reason-Canary"}
    task_id = owner.post(path, asked, Prefer="respond-async").json()["data"]["task_id"]
    perform_queued(UUID(task_id))
    history = {"customer_id": "CUST777", "operation": "history"}
    first = owner.post(path, history, Idempotency_Key="k").json()
    assert first["data"]["items"][0]["reason"] == "Reason-Canary"
    assert owner.post(path, history, Idempotency_Key="k").json() == first
