"""audit.export: the trail in a file, as evidence and for spreadsheets."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit import agent, events
from audit.agent import _rendered
from audit.merkle import GENESIS, chain_hash, leaf_hash
from audit.models import AuditRecord, Outbox
from audit.services import event_record
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from shop_assistant.agents.fields import iso_utc
from tests.audit.conftest import events_make

EXPORT = "/api/audit/export"
COLUMNS = ["seq", "event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload", "leaf", "chain"]
Api = Callable[[str | None], Any]


def exported(client: Any, **asked: Any) -> dict[str, Any]:
    answer = client.post(EXPORT, asked)
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["data"])


def lines_of(made: dict[str, Any]) -> list[dict[str, Any]]:
    if made["format"] == "json":
        return list(json.loads(made["content"]))
    if made["format"] == "jsonl":
        return [json.loads(line) for line in made["content"].splitlines()]
    return list(csv.DictReader(io.StringIO(made["content"], newline="")))


@pytest.mark.parametrize("format", ["jsonl", "json", "csv"])
def test_each_format_holds_every_record_in_order(format: str, api: Api):
    events_make(7)
    made = exported(api("auditor"), format=format)
    lines = lines_of(made)
    assert (made["format"], made["records"], made["complete"], made["first_seq"], made["last_seq"]) == (
        (format, 7, True, 1, 7)
    )
    assert [int(line["seq"]) for line in lines] == list(range(1, 8))
    assert list(lines[0]) == COLUMNS
    assert made["sha256"] == hashlib.sha256(made["content"].encode()).hexdigest()
    assert made["filename"].endswith(f".{format}")


@pytest.mark.parametrize("format", ["jsonl", "json", "csv"])
def test_what_is_exported_proves_itself(format: str, api: Api):
    """A verifier outside needs nothing but the file."""
    events_make(5)
    chain = GENESIS
    for line in lines_of(exported(api("owner"), format=format)):
        leaf = leaf_hash(line["payload"].encode())
        chain = chain_hash(chain, leaf)
        assert (line["leaf"], line["chain"]) == (leaf.hex(), chain.hex())
        document = json.loads(line["payload"])
        assert (document["event_id"], document["timestamp"]) == (line["event_id"], line["timestamp"])


def test_the_usual_format_is_jsonl(api: Api):
    events_make(2)
    assert exported(api("owner"))["format"] == "jsonl"


def test_an_empty_trail(api: Api):
    for format, content in (("jsonl", ""), ("json", "[]"), ("csv", ",".join(COLUMNS) + "\r\n")):
        made = exported(api("owner"), format=format, event="NOTHING")
        assert (made["records"], made["content"], made["first_seq"]) == (0, content, None)


def test_period_and_event_narrow_it_down(api: Api):
    moment = timezone.now() - timedelta(days=3)
    for number in range(4):
        event_record(
            "TILL_OPENED" if number % 2 else "TILL_CLOSED", user_id="U", moment=moment + timedelta(hours=number)
        )
    asked = {"from": iso_utc(moment + timedelta(hours=1)), "to": iso_utc(moment + timedelta(hours=3))}
    assert exported(api("owner"), **asked)["records"] == 2
    assert exported(api("owner"), event="TILL_OPENED", **asked)["records"] == 1


def test_a_trail_longer_than_a_file_says_so(api: Api, monkeypatch):
    monkeypatch.setattr(agent, "LONGEST_EXPORT", 3)
    events_make(5)
    made = exported(api("owner"), event="TILL_OPENED")
    assert (made["records"], made["complete"], made["last_seq"]) == (3, False, 3)


@pytest.mark.parametrize("role", ["manager", "clerk", "service"])
def test_only_owner_and_auditor_may(role: str, api: Api):
    assert api(role).post(EXPORT, {}).status_code == 403


@pytest.mark.parametrize("asked", [{"format": "xml"}, {"format": "CSV"}, {"from": "monday"}, {"limit": 5}])
def test_other_requests_are_refused(asked: dict[str, Any], api: Api):
    assert api("owner").post(EXPORT, asked).status_code == 400


def test_the_trail_keeps_no_second_copy_of_itself(api: Api):
    events_make(3)
    answer = api("owner").post(EXPORT, {})
    task = TaskState.objects.get(task_id=answer.headers["X-Task-ID"])
    assert list(task.outputs) == ["sha256"]
    told = Outbox.objects.get(task_id=task.task_id, event=events.TASK_COMPLETED)
    assert json.loads(told.payload)["state"]["outputs"] == task.outputs
    assert json.loads(told.payload)["text"] == "exported 3 records as jsonl"


def test_the_same_key_answers_the_same_export(api: Api):
    events_make(3)
    owner = api("owner")
    first = owner.post(EXPORT, {}, Idempotency_Key="monthly").json()
    events_make(3)
    assert owner.post(EXPORT, {}, Idempotency_Key="monthly").json() == first
    told = Outbox.objects.filter(event=events.TASK_COMPLETED).latest("id")
    assert list(json.loads(told.payload)["state"]["outputs"]) == ["sha256"]


def test_a_worker_s_export_is_kept_for_whom_it_is(api: Api):
    events_make(3)
    owner = api("owner")
    accepted = owner.post(EXPORT, {}, Prefer="respond-async")
    assert accepted.status_code == 202
    task = TaskState.objects.get(task_id=accepted.json()["data"]["task_id"])
    perform_queued(task.task_id)
    done = owner.get(accepted.headers["Location"]).json()["data"]
    assert done["status"] == "completed"
    assert done["outputs"]["records"] == 5  # the three, and that this was asked for and begun
    assert len(done["outputs"]["content"].splitlines()) == 5


def test_details_logged_by_hand_are_kept_for_no_other_eyes(api: Api):
    """A page of the trail opens them; kept for a worker's answer they are sealed again."""
    api("clerk").post("/api/audit/log", {"event": "TILL_OPENED", "details": {"who": "Zebediah"}})
    owner = api("owner")
    asked = {"page": "Audit", "ui_payload": {"action": "query", "event": "TILL_OPENED"}}
    accepted = owner.post("/api/ai/query", asked, Prefer="respond-async")
    perform_queued(TaskState.objects.get(is_async=True).task_id)
    task = TaskState.objects.get(is_async=True)
    assert "Zebediah" not in json.dumps(task.outputs)
    assert "Zebediah" in json.dumps(owner.get(accepted.headers["Location"]).json()["data"]["outputs"])
    assert "Zebediah" not in api("auditor").get(accepted.headers["Location"]).content.decode()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_spreadsheet_takes_a_cell_for_a_formula(first: str, api: Api):
    """user_id stands for any column that somebody from outside may fill."""
    event_record("TILL_OPENED", user_id=f'{first}HYPERLINK("x";"y")'[:32])
    (line,) = lines_of(exported(api("owner"), format="csv", event="TILL_OPENED"))
    assert line["user_id"].startswith("'" + first)
    assert all(value[:1] not in tuple("=+-@\t\r\n") for value in line.values())


@given(st.text(max_size=20))
def test_no_text_becomes_a_formula_or_another_cell(text: str):
    line = dict.fromkeys(COLUMNS, text)
    written = _rendered("csv", [line])
    (read,) = csv.DictReader(io.StringIO(written, newline=""))
    for value in read.values():
        assert value in (text, f"'{text}")
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.integers() | st.none() | st.floats(allow_nan=False))
def test_numbers_stay_numbers(value: object):
    written = _rendered("csv", [dict.fromkeys(COLUMNS, value)])
    (read,) = csv.DictReader(io.StringIO(written, newline=""))
    assert set(read.values()) == {"" if value is None else str(value)}


def test_records_are_exported_as_they_were_sealed(api: Api):
    events_make(3)
    lines = lines_of(exported(api("owner")))
    for record, line in zip(AuditRecord.objects.order_by("seq"), lines, strict=False):
        assert (record.seq, record.payload, bytes(record.chain).hex()) == (line["seq"], line["payload"], line["chain"])
