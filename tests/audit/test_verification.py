"""Whatever is bent behind the application's back, at whatever place, `audit_verify` finds and names it.

The triggers are dropped first, as one would who owns the database, and are back before the verifier looks.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from audit import events
from audit.events import draft
from audit.merkle import leaf_hash
from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from audit.services import events_record
from orchestrator.models import TaskState
from tests.audit.conftest import events_make, lift, sealed, sql
from tests.audit.forging import PLACES, SIZE, forged, insert, move, rechain, swap

Verify = Callable[..., tuple[int, str]]
Bend = Callable[..., None]

at_each_place = pytest.mark.parametrize("place", PLACES)


def test_a_whole_trail_verifies(verify: Verify):
    sealed(SIZE)
    events_make(2)
    code, printed = verify()
    assert (code, printed.strip()) == (0, f"{SIZE} records, 2 events waiting to be sealed: whole")


def test_an_empty_trail_verifies(verify: Verify):
    assert verify()[0] == 0


def test_the_result_can_be_read_by_a_program(verify: Verify, bending: Bend):
    sealed(SIZE)
    whole: dict[str, Any] = {"verdict": "whole", "found": 0, "problems": []}
    assert json.loads(verify("--json")[1]) == {
        "ok": True,
        "records": whole | {"size": SIZE, "waiting": 0},
        "checkpoints": whole | {"covered": 0},
        "triggers": whole,
    }
    bending("UPDATE audit_record SET user_id = 'SOMEONE' WHERE seq = 4")
    code, printed = verify("--json")
    found = json.loads(printed)
    assert (code, found["ok"], found["records"]["verdict"], found["triggers"]) == (1, False, "broken", whole)
    assert found["records"]["problems"] == [
        {"kind": "record", "seq": 4, "message": "its columns differ from its payload: user_id"}
    ]


def test_verifying_reads_only(verify: Verify, django_assert_max_num_queries):
    sealed(SIZE)
    events_make(1)
    with django_assert_max_num_queries(25) as asked:
        verify()
    assert not [q["sql"] for q in asked if q["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    assert Outbox.objects.filter(sealed_at=None).count() == 1


@at_each_place
def test_an_edited_payload(place: int, verify: Verify, bending: Bend):
    record = sealed(SIZE)[place - 1]
    bending("UPDATE audit_record SET payload = %s WHERE seq = %s", [forged(record), place])
    code, printed = verify()
    assert code == 1
    assert f"record {place}: its payload was changed" in printed


@at_each_place
def test_an_edited_payload_with_its_leaf(place: int, verify: Verify, bending: Bend):
    payload = forged(sealed(SIZE)[place - 1])
    bending(
        "UPDATE audit_record SET payload = %s, leaf = %s, user_id = 'SOMEONE' WHERE seq = %s",
        [payload, leaf_hash(payload.encode()), place],
    )
    code, printed = verify()
    assert code == 1
    assert f"record {place}: its chain value was changed" in printed


@at_each_place
def test_an_edited_record_with_the_whole_chain_after_it_made_anew(place: int, verify: Verify, bending: Bend):
    payload = forged(sealed(SIZE)[place - 1])
    bending("UPDATE audit_record SET payload = %s, user_id = 'SOMEONE' WHERE seq = %s", [payload, place])
    lift("audit_record")
    rechain(place)
    bending("UPDATE audit_record SET event = event")  # the triggers come back
    code, printed = verify()
    assert code == 1
    assert f"record {place}: differs from event" in printed


@at_each_place
@pytest.mark.parametrize("column", ["leaf", "prev", "chain"])
def test_an_edited_hash(place: int, column: str, verify: Verify, bending: Bend):
    sealed(SIZE)
    bending(f"UPDATE audit_record SET {column} = %s WHERE seq = %s", [b"\x07" * 32, place])
    code, printed = verify()
    assert code == 1
    assert f"record {place}: " in printed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "TILL_CLOSED"),
        ("user_id", "SOMEONE"),
        ("agent", "pricing"),
        ("task_id", uuid4()),
        ("timestamp", "2024-01-22T10:30:00+00:00"),
        ("event_id", uuid4()),
    ],
)
def test_an_edited_column_beside_the_payload(column: str, value: object, verify: Verify, bending: Bend):
    sealed(SIZE)
    for place in PLACES:
        shown = value.hex if hasattr(value, "hex") and connection.vendor == "sqlite" else value
        bending(f"UPDATE audit_record SET {column} = %s WHERE seq = %s", [shown, place])
        code, printed = verify()
        assert code == 1
        assert f"record {place}: its columns differ from its payload: {column}" in printed
        bending("DELETE FROM audit_record")
        Outbox.objects.update(sealed_at=None)
        assert seal() == SIZE


@at_each_place
def test_a_payload_that_says_the_same_in_other_bytes(place: int, verify: Verify, bending: Bend):
    record = sealed(SIZE)[place - 1]
    spaced = json.dumps(json.loads(record.payload), indent=1)
    bending(
        "UPDATE audit_record SET payload = %s, leaf = %s WHERE seq = %s", [spaced, leaf_hash(spaced.encode()), place]
    )
    lift("audit_record")
    rechain(place)
    code, printed = verify()
    assert code == 1
    assert f"record {place}: its columns differ from its payload: payload" in printed


@at_each_place
def test_a_deleted_record(place: int, verify: Verify, bending: Bend):
    event_id = sealed(SIZE)[place - 1].event_id
    bending("DELETE FROM audit_record WHERE seq = %s", [place])
    code, printed = verify()
    assert code == 1
    assert f"record {place}: is missing" in printed
    assert f"event {event_id} (TILL_OPENED) was sealed and is gone from the log" in printed


@at_each_place
def test_a_deleted_record_with_the_chain_closed_over_it(place: int, verify: Verify, bending: Bend):
    event_id = sealed(SIZE)[place - 1].event_id
    bending("DELETE FROM audit_record WHERE seq = %s", [place])
    lift("audit_record")
    move(place, by=-1)
    rechain(place)
    code, printed = verify()
    assert code == 1
    assert f"record {SIZE}: is missing" in printed
    assert f"event {event_id} (TILL_OPENED) was sealed and is gone from the log" in printed


@pytest.mark.parametrize("place", [place for place in PLACES if place > 1])
def test_a_cut_tail(place: int, verify: Verify, bending: Bend):
    sealed(SIZE)
    bending("DELETE FROM audit_record WHERE seq >= %s", [place])
    code, printed = verify()
    assert code == 1
    assert f"record {place}: is missing" in printed
    assert printed.count("was sealed and is gone from the log") == SIZE + 1 - place


def test_an_emptied_log(verify: Verify, bending: Bend):
    sealed(SIZE)
    bending("DELETE FROM audit_record")
    code, printed = verify()
    assert code == 1
    assert f"record 1: is missing, and {SIZE - 1} more after it" in printed


@pytest.mark.parametrize("place", PLACES[:-1])
def test_swapped_records(place: int, verify: Verify, bending: Bend):
    sealed(SIZE)
    swap(place)
    bending("UPDATE audit_record SET event = event")
    code, printed = verify()
    assert code == 1
    assert f"record {place}: does not follow the record before it" in printed


@pytest.mark.parametrize("place", PLACES[:-1])
def test_swapped_records_with_the_chain_made_anew(place: int, bending: Bend):
    """The head of the chain is another one, by which a checkpoint kept elsewhere tells."""
    head = bytes(sealed(SIZE)[-1].chain)
    swap(place)
    rechain(place)
    bending("UPDATE audit_record SET event = event")
    assert bytes(AuditRecord.objects.get(seq=SIZE).chain) != head


@at_each_place
def test_an_inserted_record(place: int, verify: Verify, bending: Bend):
    sealed(SIZE)
    lift("audit_record")
    move(place, by=1)
    insert(place, prev=b"\x07" * 32)
    bending("UPDATE audit_record SET event = event")
    code, printed = verify()
    assert code == 1
    assert f"record {place}: does not follow the record before it" in printed
    assert f"record {place}: was never an event of the shop" in printed


@at_each_place
def test_an_inserted_record_with_the_chain_made_anew(place: int, verify: Verify, bending: Bend):
    sealed(SIZE)
    lift("audit_record")
    move(place, by=1)
    insert(place, prev=b"\x07" * 32)
    rechain(place)
    bending("UPDATE audit_record SET event = event")
    code, printed = verify()
    assert code == 1
    assert f"record {place}: was never an event of the shop" in printed


def test_a_record_added_at_the_end(verify: Verify):
    """No trigger is in the way of it."""
    last = sealed(SIZE)[-1]
    insert(SIZE + 1, prev=bytes(last.chain))
    code, printed = verify()
    assert code == 1
    assert f"record {SIZE + 1}: was never an event of the shop" in printed


@at_each_place
def test_a_record_put_in_anothers_place(place: int, verify: Verify, bending: Bend):
    gone = sealed(SIZE)[place - 1]
    lift("audit_record")
    sql("DELETE FROM audit_record WHERE seq = %s", [place])
    insert(place, prev=bytes(gone.prev))
    rechain(place)
    bending("UPDATE audit_record SET event = event")
    code, printed = verify()
    assert code == 1
    assert f"record {place}: was never an event of the shop" in printed
    assert f"event {gone.event_id} (TILL_OPENED) was sealed and is gone" in printed


@at_each_place
def test_an_outbox_event_that_is_gone(place: int, verify: Verify):
    record = sealed(SIZE)[place - 1]
    Outbox.objects.filter(event_id=record.event_id).delete()
    code, printed = verify()
    assert code == 1
    assert f"record {place}: was never an event of the shop" in printed


@at_each_place
def test_an_edited_outbox_event(place: int, verify: Verify):
    record = sealed(SIZE)[place - 1]
    Outbox.objects.filter(event_id=record.event_id).update(payload=forged(record))
    code, printed = verify()
    assert code == 1
    assert f"record {place}: differs from event {record.event_id}" in printed


@pytest.mark.django_db
def test_a_missing_trigger(verify: Verify):
    sealed(SIZE)
    on_table = " ON inventory_stockmovement" if connection.vendor == "postgresql" else ""
    name = {"postgresql": "append_only", "sqlite": "no_update"}[connection.vendor]
    sql(f"DROP TRIGGER inventory_stockmovement_{name}{on_table}")
    code, printed = verify()
    assert code == 1
    assert f"trigger: inventory_stockmovement_{name} is missing" in printed


@pytest.mark.django_db
def test_a_trigger_that_swallows_events(verify: Verify):
    """A chain can't show what never came to it."""
    sealed(SIZE)
    if connection.vendor == "postgresql":
        sql("CREATE RULE quiet AS ON INSERT TO audit_outbox WHERE NEW.user_id = 'USER1' DO INSTEAD NOTHING")
    else:
        when = "BEFORE INSERT ON audit_outbox WHEN NEW.user_id = 'USER1'"
        sql(f"CREATE TRIGGER quiet {when} BEGIN SELECT RAISE(IGNORE); END")
    code, printed = verify()
    assert code == 1
    assert "trigger: quiet is not the shop's" in printed


def test_a_task_whose_end_was_cut_from_outbox_and_log(verify: Verify, bending: Bend, shop, api):
    """Neither the chain nor the outbox can tell then, but the task can."""
    answer = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 1})
    task_id = answer.headers["X-Task-ID"]
    seal()
    assert verify()[0] == 0
    last = AuditRecord.objects.order_by("-seq")[0]
    assert (last.event, str(last.task_id)) == (events.TASK_COMPLETED, task_id)
    Outbox.objects.filter(event_id=last.event_id).delete()
    bending("DELETE FROM audit_record WHERE seq = %s", [last.seq])
    code, printed = verify()
    assert code == 1
    assert f"task: task {task_id} is completed, but no TASK_COMPLETED was ever told" in printed


def test_a_task_that_failed_in_silence(verify: Verify, shop, api):
    answer = api("clerk").post("/api/inventory/query", {"sku": "NOSUCH"})
    task_id = answer.json()["task_id"]
    assert verify()[0] == 0
    Outbox.objects.filter(task_id=task_id, event=events.TASK_FAILED).delete()
    code, printed = verify()
    assert code == 1
    assert f"task: task {task_id} is failed, but no TASK_FAILED was ever told" in printed


def test_an_end_that_no_task_ever_had(verify: Verify):
    task_id = uuid4()
    events_record([draft(events.TASK_COMPLETED, user_id="USER1", task_id=task_id)])
    seal()
    assert not TaskState.objects.exists()
    code, printed = verify()
    assert code == 1
    assert f"task: task {task_id} was told of (TASK_COMPLETED), but there is no such task" in printed


def test_a_long_list_of_problems_is_cut_short(verify: Verify, bending: Bend):
    sealed(130)
    bending("UPDATE audit_record SET user_id = 'SOMEONE'")
    code, printed = verify()
    assert code == 1
    assert "... and 30 more" in printed
    assert printed.strip().endswith("130 problems")
    assert len(json.loads(verify("--json")[1])["records"]["problems"]) == 130


def test_two_processes_find_what_one_finds(verify: Verify, bending: Bend, monkeypatch: pytest.MonkeyPatch):
    sealed(SIZE)
    monkeypatch.setattr("audit.verification.reading.CHUNK", 2)
    for place in PLACES:
        bending("UPDATE audit_record SET agent = 'pricing' WHERE seq = %s", [place])
    by_one = verify()
    monkeypatch.setattr("orchestrator.management.commands.audit_verify.TWO_FROM", 1)
    assert verify() == by_one
    assert by_one[1].count("its columns differ from its payload: agent") == len(PLACES)


@pytest.mark.parametrize("column", ["payload", "leaf", "prev", "chain", "event_id", "timestamp", "user_id"])
def test_what_is_of_no_such_kind_at_all(column: str, verify: Verify, bending: Bend):
    """SQLite keeps anything in any column."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL does not take it")
    sealed(SIZE)
    for value in ("\U0001f9fe", 7, b"no text" if column == "event_id" else b"\xff\xfe"):
        bending(f"UPDATE audit_record SET {column} = %s WHERE seq = 4", [value])
        code, printed = verify()
        assert code == 1
        assert "record 4: " in printed
