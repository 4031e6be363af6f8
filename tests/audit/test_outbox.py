"""Events commit with what they tell about, or not at all."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import rfc8785
import time_machine
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from audit import events, services
from audit.events import canonical, draft
from audit.models import AuditRecord, Denial, Outbox
from audit.sealing import seal
from audit.services import denial_count, denials_flush, event_record, events_record
from inventory.models import Category, Product, StockLevel, StockMovement
from shop_assistant.agents.errors import InsufficientStock, TransientError
from tests.audit.conftest import events_make

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Boom(Exception):
    pass


@pytest.mark.django_db
def test_a_rolled_back_change_leaves_no_event():
    def change() -> None:
        Category.objects.create(name="Gone")
        event_record("TILL_OPENED", user_id="USER1")
        raise Boom

    with pytest.raises(Boom), transaction.atomic():
        change()
    assert not Category.objects.filter(name="Gone").exists()
    assert not Outbox.objects.exists()
    assert seal() == 0


@pytest.mark.django_db
def test_an_event_that_cannot_be_stored_takes_the_change_with_it():
    task_id = uuid4()
    events_record([draft(events.TASK_COMPLETED, user_id="USER1", task_id=task_id)])

    def change() -> None:
        Category.objects.create(name="Gone")
        events_record([draft(events.TASK_COMPLETED, user_id="USER1", task_id=task_id)])

    with pytest.raises(IntegrityError), transaction.atomic():
        change()
    assert not Category.objects.filter(name="Gone").exists()
    assert Outbox.objects.count() == 1


@pytest.mark.django_db
def test_a_later_attempt_of_a_task_may_tell_the_same_event_again():
    task_id = uuid4()
    events_record([draft(events.TASK_STARTED, user_id="USER1", task_id=task_id, attempt=n) for n in (1, 2)])
    assert Outbox.objects.filter(task_id=task_id).count() == 2


def test_a_refused_sale_tells_of_its_failure_but_of_no_movement(shop, api):
    answer = api("clerk").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 100_000}]})
    assert answer.status_code == InsufficientStock.status
    told = Outbox.objects.filter(task_id=answer.json()["task_id"]).order_by("id").values_list("event", flat=True)
    assert list(told) == [events.TASK_STARTED, events.TASK_FAILED]
    assert not StockMovement.objects.filter(task_id=answer.json()["task_id"]).exists()
    assert StockLevel.objects.get(product__sku="SKU001").on_hand == 150


def test_the_event_of_a_write_holds_the_state_before_and_after(shop, api):
    answer = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": -2, "reason": "damaged"})
    task_id = answer.headers["X-Task-ID"]
    started, completed = Outbox.objects.filter(task_id=task_id).order_by("id")
    assert [started.event, completed.event] == [events.TASK_STARTED, events.TASK_COMPLETED]
    before, after = json.loads(started.payload)["state"], json.loads(completed.payload)["state"]
    assert (before["status"], before["outputs"]) == ("in_progress", None)
    assert (after["status"], after["outputs"]["quantity"]) == ("completed", 148)
    assert after["inputs"] == before["inputs"]
    assert after["agent_calls"][0]["operation"] == "update"
    assert json.loads(completed.payload)["text"] == "stock of SKU001 at A-01-01: 150 to 148"


def test_a_receipt_is_the_leaf_of_the_record_as_sealed(shop, api):
    answer = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 5})
    event_id, leaf = answer.headers["X-Audit-Receipt"].split(":")
    seal()
    record = AuditRecord.objects.get(event_id=event_id)
    assert bytes(record.leaf).hex() == leaf
    assert (record.event, str(record.task_id)) == (events.TASK_COMPLETED, answer.headers["X-Task-ID"])


def test_a_repeated_write_answers_the_first_ones_receipt(shop, api):
    clerk = api("clerk")
    body = {"sku": "SKU001", "delta": 5}
    first, second = (clerk.post("/api/inventory/update", body, Idempotency_Key="twice") for _ in range(2))
    assert first.headers["X-Audit-Receipt"] == second.headers["X-Audit-Receipt"]
    assert first.json() == second.json()
    assert Product.objects.get(sku="SKU001").movements.filter(quantity=5).count() == 1


def test_a_read_has_no_receipt(shop, api):
    assert "X-Audit-Receipt" not in api("clerk").post("/api/inventory/query", {"sku": "SKU001"}).headers


@pytest.mark.django_db
def test_a_full_backlog_stops_the_shop_and_says_so(settings, monkeypatch):
    events_make(3)
    settings.AUDIT_BACKLOG_LIMIT = 2
    monkeypatch.setattr(services, "_written_since_check", services.BACKLOG_CHECK_EVERY - 1)
    with pytest.raises(TransientError):
        event_record("TILL_OPENED", user_id="USER1")
    seal()
    event_record("TILL_OPENED", user_id="USER1")


@pytest.mark.django_db
def test_a_flood_of_refusals_is_one_event_with_its_count():
    for moment in ("2024-01-22 10:30:05Z", "2024-01-22 10:30:55Z", "2024-01-22 10:31:00Z"):
        with time_machine.travel(moment, tick=False):
            for _ in range(3):
                denial_count(code="PERMISSION_DENIED", user_id="USER1", address="a" * 24, route="api/audit/export")
    assert Denial.objects.count() == 2
    assert denials_flush(until=datetime(2024, 1, 22, 10, 31, tzinfo=UTC)) == 1
    assert denials_flush() == 1
    assert denials_flush() == 0
    told = [json.loads(row.payload) for row in Outbox.objects.order_by("id")]
    assert [(e["event"], e["count"], e["minute"]) for e in told] == [
        (events.ACCESS_DENIED, 6, "2024-01-22T10:30:00.000Z"),
        (events.ACCESS_DENIED, 3, "2024-01-22T10:31:00.000Z"),
    ]


@given(json_values)
def test_canonical_text_reads_back_as_what_it_was(value: object):
    written = canonical({"value": value})
    assert canonical(json.loads(written)) == written
    assert written.encode().decode() == written


@given(json_values)
def test_canonical_text_is_what_the_library_of_rfc_8785_writes(value: Any):
    """Whole numbers beyond what a double holds exactly are ours alone: written as text."""
    if not any(isinstance(n, int | float) and abs(n) > 2**53 - 1 for n in numbers_in(value)):
        assert canonical({"value": value}) == rfc8785.dumps({"value": value}).decode()


def numbers_in(value: object) -> list[object]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in numbers_in(item)]
    if isinstance(value, list):
        return [n for item in value for n in numbers_in(item)]
    return [value]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ({"x": 1.0, "y": 1e-7, "z": -0.0}, '{"x":1,"y":1e-7,"z":0}'),
        ({"x": Decimal("29.99"), "n": Decimal("150.000")}, '{"n":150,"x":29.99}'),
        ({"x": 2**53}, '{"x":"9007199254740992"}'),
        ({"x": 2.0**53}, '{"x":"9007199254740992"}'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),  # by UTF-16 units, as RFC 8785 sorts
        ({"at": datetime(2024, 1, 22, 10, 30, tzinfo=UTC)}, '{"at":"2024-01-22T10:30:00.000Z"}'),
        ({"id": UUID(int=1)}, '{"id":"00000000-0000-0000-0000-000000000001"}'),
    ],
)
def test_canonical_text_is_that_of_rfc_8785(value: object, written: str):
    assert canonical(value) == written


@pytest.mark.django_db
def test_a_draft_repeats_in_its_columns_what_its_payload_says():
    made = draft("TILL_OPENED", user_id="USER1", agent="audit", task_id=uuid4(), drawer=2)
    document = json.loads(made.payload)
    assert document["event_id"] == str(made.event_id)
    assert document["drawer"] == 2
    assert made.timestamp.microsecond % 1000 == 0
    assert made.receipt == f"{made.event_id}:{made.leaf.hex()}"
