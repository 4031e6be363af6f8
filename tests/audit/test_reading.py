"""GET /api/ai/audit: the trail for those who may see it, and a trace of their looking."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import events
from audit.models import AuditRecord, Outbox
from audit.selectors import masked
from audit.services import event_record
from audit.verification import log_size
from orchestrator.models import TaskState
from shop_assistant.agents.fields import iso_utc
from tests.audit.conftest import events_make

TRAIL = "/api/ai/audit"
Api = Callable[[str | None], Any]


def read(client: Any, **query: Any) -> dict[str, Any]:
    answer = client.get(TRAIL, query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    assert body["status"] == "success"
    return dict(body["data"])


def pages(client: Any, meanwhile: Callable[[], object], **query: Any) -> Iterator[list[dict[str, Any]]]:
    """All pages, with something happening between one and the next."""
    page = read(client, **query)
    yield page["items"]
    while page["next_cursor"]:
        meanwhile()
        page = read(client, cursor=page["next_cursor"], **query)
        yield page["items"]


def test_a_record_is_shown_with_all_that_was_sealed(shop, api: Api):
    answer = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": -2, "reason": "damaged"})
    task_id = answer.headers["X-Task-ID"]
    completed, started = read(api("owner"), task_id=task_id)["items"]
    assert (started["event"], completed["event"]) == (events.TASK_STARTED, events.TASK_COMPLETED)
    assert completed["seq"] == started["seq"] + 1
    task = TaskState.objects.get(task_id=task_id)
    assert completed["state"] == {
        "task_id": task_id,
        "status": "completed",
        "inputs": {"sku": "SKU001", "delta": -2, "reason": "damaged"},
        "outputs": answer.json()["data"],
        "error": None,
        "agent_calls": task.agent_calls,
        "created_at": iso_utc(task.created_at),
        "updated_at": iso_utc(task.updated_at),
    }
    assert completed["details"] == {
        "attempt": 1,
        "channel": "rest",
        "operation": "update",
        "text": "stock of SKU001 at A-01-01: 150 to 148",
    }
    event_id, leaf = answer.headers["X-Audit-Receipt"].split(":")
    assert (completed["event_id"], completed["leaf"]) == (event_id, leaf)
    record = AuditRecord.objects.get(event_id=event_id)
    assert (completed["seq"], completed["chain"]) == (record.seq, bytes(record.chain).hex())
    assert (completed["user_id"], completed["agent"]) == ("USER-CLERK", "inventory")


def test_callers_see_what_they_have_just_done(shop, api: Api):
    """The sealer's next turn need not come first."""
    api("owner").post("/api/inventory/query", {"sku": "SKU001"})
    assert read(api("owner"), event=events.TASK_COMPLETED, user_id="USER-OWNER")["items"]
    assert not Outbox.objects.filter(sealed_at=None).exclude(event=events.RECORDS_VIEWED).exists()


@pytest.mark.parametrize("role", ["owner", "auditor"])
def test_owner_and_auditor_may_read_it_and_leave_a_trace(role: str, api: Api):
    since = iso_utc(timezone.now() - timedelta(days=1))
    read(api(role), event="TILL_OPENED", **{"from": since})
    seen = Outbox.objects.get(event=events.RECORDS_VIEWED)
    assert seen.user_id == f"USER-{role.upper()}"
    filters = json.loads(seen.payload)["filters"]
    assert (filters["event"], filters["from"], filters["limit"]) == ("TILL_OPENED", since, 50)
    assert not TaskState.objects.exists()  # reading the trail makes no task of its own


@pytest.mark.parametrize("role", ["manager", "clerk", "service"])
def test_nobody_else_may(role: str, api: Api):
    events_make(1)
    answer = api(role).get(TRAIL)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "PERMISSION_DENIED"
    assert not Outbox.objects.filter(event=events.RECORDS_VIEWED).exists()
    told = read(api("owner"), event=events.ACCESS_DENIED)["items"]
    assert [(t["user_id"], t["details"]["code"], t["details"]["count"]) for t in told] == [
        (f"USER-{role.upper()}", "PERMISSION_DENIED", 1)
    ]


def test_who_is_not_logged_in_may_not(api: Api):
    assert api(None).get(TRAIL).status_code == 401


def test_filters_narrow_it_down(api: Api):
    task_id, moment = uuid4(), timezone.now() - timedelta(hours=5)
    for number in range(4):
        event_record(
            "TILL_OPENED" if number % 2 else "TILL_CLOSED",
            user_id=f"USER{number}",
            agent="audit" if number else "pricing",
            task_id=task_id if number == 2 else None,
            moment=moment + timedelta(hours=number),
        )
    owner = api("owner")

    def found(**query: Any) -> list[str]:
        return [item["user_id"] for item in read(owner, to=iso_utc(moment + timedelta(hours=4)), **query)["items"]]

    assert found() == ["USER3", "USER2", "USER1", "USER0"]
    assert found(event="TILL_OPENED") == ["USER3", "USER1"]
    assert found(user_id="USER1") == ["USER1"]
    assert found(agent="pricing") == ["USER0"]
    assert found(task_id=task_id) == ["USER2"]
    assert found(event="TILL_OPENED", agent="audit", user_id="USER3") == ["USER3"]
    assert found(event="TILL_CLOSED", user_id="USER3") == []
    assert found(event="NO_SUCH_EVENT") == []
    assert found(**{"from": iso_utc(moment + timedelta(hours=2))}) == ["USER3", "USER2"]  # from that moment on
    until = {"from": iso_utc(moment), "to": iso_utc(moment + timedelta(hours=2))}
    assert [i["user_id"] for i in read(owner, **until)["items"]] == ["USER1", "USER0"]  # before that moment
    with_offset = (moment + timedelta(hours=2)).astimezone(timezone.get_fixed_timezone(-300)).isoformat()
    assert found(**{"from": with_offset}) == ["USER3"]  # its fraction is finer than a record's


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "5.5"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "-1"}, "cursor"),
        ({"cursor": "9" * 19}, "cursor"),
        ({"task_id": "x"}, "task_id"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2024-01-22"}, "from"),
        ({"from": "2024-01-22T10:30:00"}, "from"),
        ({"to": "1705919400"}, "to"),
        ({"to": "2024-02-30T10:30:00Z"}, "to"),
        ({"user_id": "x" * 33}, "user_id"),
        ({"event": ""}, "event"),
        ({"event": "x" * 65}, "event"),
        ({"event": "A\0B"}, "event"),
        ({"page": 2}, "page"),
        ({"limit": ["5", "6"]}, "limit"),
    ],
    ids=str,
)
def test_filters_that_make_no_sense_are_named(query: dict[str, Any], field: str, api: Api):
    answer = api("owner").get(TRAIL, query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert list(error["details"]["fields"]) == [field]


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_pages_have_no_gaps_and_no_doubles_while_records_are_added(limit: int, api: Api):
    events_make(20)
    owner = api("owner")
    seen = [item["seq"] for page in pages(owner, lambda: events_make(2), limit=limit) for item in page]
    assert seen == list(range(20, 0, -1))
    assert log_size() > 20 or limit == 50


def test_pages_of_a_filter_go_on_from_where_they_were(api: Api):
    for number in range(15):
        events_make(1, event="TILL_OPENED" if number % 3 else "TILL_CLOSED")
    found = list(pages(api("owner"), lambda: events_make(1), limit=4, event="TILL_OPENED"))
    assert [len(page) for page in found] == [4, 4, 2]
    assert len({item["seq"] for page in found for item in page}) == 10


def test_the_last_full_page_has_no_next(api: Api):
    events_make(4)
    owner = api("owner")
    page = read(owner, limit=4, event="TILL_OPENED")
    assert (len(page["items"]), page["next_cursor"]) == (4, None)
    assert read(owner, limit=4, event="TILL_OPENED", cursor="1") == {"items": [], "next_cursor": None}
    assert read(owner, limit=4, event="TILL_OPENED", cursor="999999999999999999")["items"] == page["items"]


def test_a_page_costs_no_more_queries_for_more_records(api: Api):
    owner = api("owner")
    events_make(2)
    read(owner)
    costs = []
    for _ in range(2):
        events_make(40)
        read(owner, event="NONE")  # seals them
        with CaptureQueriesContext(connection) as counted:
            read(owner, limit=200)
        costs.append(len(counted))
    # PostgreSQL pays one more than SQLite: the lock under which only one process seals.
    assert costs[0] == costs[1] <= (16 if connection.vendor == "postgresql" else 15)


def test_the_general_route_reads_it_too(api: Api):
    events_make(3)
    asked = {"page": "Audit", "ui_payload": {"action": "query", "event": "TILL_OPENED", "limit": 2}}
    answer = api("auditor").post("/api/ai/query", asked).json()
    assert len(answer["data"]["data"]["items"]) == 2
    task = TaskState.objects.get(task_id=answer["task_id"])
    assert list(task.outputs) == ["sha256"]  # else the trail would hold itself, and grow with each look at it
    assert api("clerk").post("/api/ai/query", asked).status_code == 403


def test_people_stay_hidden_in_it(shop, api: Api):
    clerk = api("clerk")
    clerk.post("/api/customer/profile", {"email": "john@example.com"})
    clerk.post("/api/customer/support-ticket", {"subject": "From Zebediah", "message": "Zebediah is unhappy."})
    clerk.post("/api/customer/support-ticket", {"Zebediah": "typed into the wrong field"})
    owner = api("owner")
    told = owner.get(TRAIL, {"limit": 200}).content.decode()
    for word in ("john", "John", "Smith", "7946 0123", "79460123", "Zebediah", "unhappy"):
        assert word not in told
    assert "[personal]" in told
    assert "sealed:" not in told


def test_what_was_logged_by_hand_is_opened(api: Api):
    details = {"till": 2, "drawer": {"counted": 120.5}, "note": "the Monday one"}
    answer = api("clerk").post("/api/audit/log", {"event": "TILL_OPENED", "details": details})
    assert "Monday" not in Outbox.objects.get(event="TILL_OPENED").payload
    (item,) = read(api("owner"), event="TILL_OPENED")["items"]
    assert item["details"]["details"] == details
    assert item["task_id"] == answer.headers["X-Task-ID"]


def test_masked_leaves_the_rest_as_it_is():
    kept = {"a": [1, {"b": "sealed:1:AAAA"}, None, "text"], "c": "sealed:2:BBBB"}
    assert masked(kept) == {"a": [1, {"b": "[personal]"}, None, "text"], "c": "[personal]"}
