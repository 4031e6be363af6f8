"""audit.log: what staff and programs tell of; nobody can claim one of the shop's own events."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from audit import events
from audit.models import AuditRecord, Outbox
from audit.schemas import RESERVED
from audit.sealing import seal
from shop_assistant.vault.services import key_destroy, unseal

LOG = "/api/audit/log"
Api = Callable[[str | None], Any]
OWN = [value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("role", ["owner", "manager", "clerk", "auditor", "service"])
def test_everybody_may_log(role: str, api: Api):
    answer = api(role).post(LOG, {"event": "TILL_OPENED"})
    assert answer.status_code == 200
    data = answer.json()["data"]
    told = Outbox.objects.get(event="TILL_OPENED")
    assert (str(told.event_id), told.user_id, told.agent) == (data["event_id"], f"USER-{role.upper()}", "audit")
    assert data["task_id"] == str(told.task_id) == answer.headers["X-Task-ID"]
    assert json.loads(told.payload)["timestamp"] == data["timestamp"]


def test_a_service_logs_for_the_user_it_acts_for(api: Api):
    assert api("service").post(LOG, {"event": "TILL_OPENED", "user_id": "USER-CLERK"}).status_code == 200
    assert Outbox.objects.get(event="TILL_OPENED").user_id == "USER-CLERK"
    assert api("clerk").post(LOG, {"event": "TILL_OPENED", "user_id": "USER-OWNER"}).status_code == 403


def test_the_shops_own_events_are_all_reserved():
    assert OWN
    assert all(name.startswith(RESERVED) for name in OWN)


@pytest.mark.parametrize(
    "event", [*OWN, "TASK_", "TASK_X", "SUBJECT_ERASED", "AUDIT_RESEALED", "REQUEST_REPEATED", "DIGEST_SENT"]
)
def test_a_reserved_name_is_refused(event: str, api: Api):
    answer = api("owner").post(LOG, {"event": event})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]["fields"]) == ["event"]
    told = Outbox.objects.filter(event=event).exclude(task_id=answer.json()["task_id"])
    assert not told.exists()


@pytest.mark.parametrize(
    "event", ["", "X", "till_opened", "Task_Done", "TILL OPENED", "1ST", "É", "X" * 65, " TASK_X", 5, None]
)
def test_a_name_that_is_none_is_refused(event: object, api: Api):
    assert api("clerk").post(LOG, {"event": event}).status_code == 400


@pytest.mark.parametrize("event", ["XY", "TASKS_SEEN", "TILL_2", "A" * 64])
def test_other_names_are_fine(event: str, api: Api):
    assert api("clerk").post(LOG, {"event": event}).status_code == 200


def test_it_may_belong_to_an_earlier_task(api: Api):
    task_id = str(uuid4())
    answer = api("clerk").post(LOG, {"event": "TILL_OPENED", "task_id": task_id})
    assert answer.json()["data"]["task_id"] == task_id
    assert str(Outbox.objects.get(event="TILL_OPENED").task_id) == task_id


def test_details_are_ciphertext_and_can_be_erased_without_breaking_the_chain(api: Api):
    answer = api("clerk").post(LOG, {"event": "TILL_OPENED", "details": {"who": "Zebediah"}})
    task_id = answer.headers["X-Task-ID"]
    seal()
    for record in AuditRecord.objects.all():
        assert "Zebediah" not in record.payload
    record = AuditRecord.objects.get(event="TILL_OPENED")
    document = json.loads(record.payload)
    assert document["sealed_for"] == task_id
    assert unseal(document["details"], f"task|{task_id}") == {"who": "Zebediah"}
    assert key_destroy(f"task:{task_id}")
    assert unseal(document["details"], f"task|{task_id}") == "[erased]"


def test_a_logged_event_is_told_in_the_trail_with_the_task_that_told_it(api: Api):
    answer = api("clerk").post(LOG, {"event": "TILL_OPENED"})
    told = Outbox.objects.filter(task_id=answer.headers["X-Task-ID"]).order_by("id").values_list("event", flat=True)
    assert list(told) == [events.TASK_STARTED, "TILL_OPENED", events.TASK_COMPLETED]


def test_logging_twice_under_one_key_logs_once(api: Api):
    clerk = api("clerk")
    first, second = (clerk.post(LOG, {"event": "TILL_OPENED"}, Idempotency_Key="once") for _ in range(2))
    assert first.json() == second.json()
    assert Outbox.objects.filter(event="TILL_OPENED").count() == 1
