"""What proves the trail, over HTTP: records' places, checkpoints, and that one log begins another."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.checkpoints import checkpoint_write, public_keys
from audit.merkle import consistency_holds, inclusion_holds, leaf_hash
from audit.models import AuditRecord, Checkpoint, Outbox
from audit.sealing import seal
from audit.services import event_record
from audit.signed_note import read
from audit.tiles import log_size, root_at
from orchestrator.models import TaskState
from tests.audit.anchoring import anchored
from tests.audit.conftest import anchor_file, events_make  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db
Api = Callable[[str | None], Any]
CHECKPOINTS, CONSISTENCY = "/api/audit/checkpoints", "/api/audit/consistency"
EVERY = ["/api/audit/records/1/proof", CHECKPOINTS, f"{CONSISTENCY}?first=1&second=2"]


def proof_of(seq: int) -> str:
    return f"/api/audit/records/{seq}/proof"


def data(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "success"
    return dict(answer.json()["data"])


def hashes(told: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(one) for one in told["hashes"]]


def test_a_proof_stands_by_itself(api: Api):
    """With the payload, the public key and this answer nobody needs the shop any more."""
    events_make(7)
    seal()
    checkpoint_write()
    record = AuditRecord.objects.get(seq=5)
    told = data(api("auditor").get(proof_of(5)))
    assert (told["seq"], told["index"], told["leaf"]) == (5, 4, leaf_hash(record.payload.encode()).hex())
    signed = read(told["note"], public_keys())
    assert (signed.size, signed.root.hex()) == (told["size"], told["root"])
    assert inclusion_holds(4, told["size"], leaf_hash(record.payload.encode()), hashes(told), signed.root)


def test_a_record_after_the_last_checkpoint_is_proved_to_be_in_the_log_as_it_is(api: Api):
    events_make(5)
    seal()
    checkpoint_write()
    events_make(3)
    seal()
    told = data(api("owner").get(proof_of(8)))
    assert (told["size"], told["note"]) == (log_size(), None)
    assert told["root"] == root_at(log_size()).hex()


def test_a_proof_for_a_size(api: Api):
    events_make(9)
    told = data(api("owner").get(proof_of(3), {"size": 6}))
    assert (told["size"], told["root"], told["note"]) == (6, root_at(6).hex(), None)


def test_callers_see_their_own_records(api: Api):
    event_record("TILL_OPENED", user_id="U")
    assert data(api("owner").get(proof_of(1)))["size"] == 1


@pytest.mark.parametrize("seq", [0, 6, 10**18, 10**30])
def test_no_such_record(seq: int, api: Api):
    events_make(5)
    answer = api("owner").get(proof_of(seq))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DATA_NOT_FOUND")


def test_a_size_that_can_not_be(api: Api):
    events_make(5)
    owner = api("owner")
    for query in [{"size": size} for size in ("0", "-1", "x", "٣", "9" * 30, "", "5.0")] + [{"limit": "5"}]:
        answer = owner.get(proof_of(3), query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert list(answer.json()["error"]["details"]["fields"]) == list(query)


@pytest.mark.parametrize("size", [2, 6])
def test_no_log_of_that_size_has_it(size: int, api: Api):
    events_make(5)
    answer = api("owner").get(proof_of(3), {"size": size})
    assert (answer.status_code, answer.json()["error"]["details"]) == (404, {"size": size, "records": 5})


def test_checkpoints_newest_first_and_by_the_page(api: Api, anchor_file: Path):  # noqa: F811
    made = [anchored(3), anchored(2), anchored(4)]
    owner = api("owner")
    first = data(owner.get(CHECKPOINTS, {"limit": 2}))
    rest = data(owner.get(CHECKPOINTS, {"limit": 2, "cursor": first["next_cursor"]}))
    assert rest["next_cursor"] is None
    found = first["items"] + rest["items"]
    assert [item["size"] for item in found] == [one.size for one in reversed(made)]
    for item in found:
        signed = read(item["note"], public_keys())
        assert (signed.size, signed.root.hex()) == (item["size"], item["root"])
        assert [anchor["kind"] for anchor in item["anchors"]] == ["file"]
        assert item["created_at"].endswith("Z")


def test_a_page_that_can_not_be(api: Api):
    owner = api("owner")
    for query in ({"limit": "0"}, {"limit": "501"}, {"cursor": "x"}, {"size": "1"}):
        assert owner.get(CHECKPOINTS, query).status_code == 400


def test_one_log_begins_another(api: Api):
    events_make(9)
    auditor = api("auditor")
    for first, second in ((1, 9), (4, 9), (9, 9), (1, 1), (8, 9), (3, 7)):
        told = data(auditor.get(CONSISTENCY, {"first": first, "second": second}))
        roots = bytes.fromhex(told["first_root"]), bytes.fromhex(told["second_root"])
        assert roots == (root_at(first), root_at(second))
        assert consistency_holds(first, second, *roots, hashes(told))


def test_sizes_that_can_not_be_compared(api: Api):
    events_make(5)
    owner = api("owner")
    for first, second, status in (("1", "", 400), ("3", "2", 422), ("3", "99", 404), ("0", "3", 400), ("x", "3", 400)):
        answer = owner.get(CONSISTENCY, {"first": first, "second": second})
        assert (answer.status_code, answer.json()["success"]) == (status, False)


def test_both_sizes_are_needed(api: Api):
    answer = api("owner").get(CONSISTENCY, {"first": 1})
    assert answer.json()["error"]["details"]["fields"] == {"second": "Field required"}


@pytest.mark.parametrize("role", ["owner", "auditor", "manager", "clerk", "service"])
def test_only_owner_and_auditor_may(role: str, api: Api):
    events_make(3)
    client = api(role)
    answers = [client.get(address).status_code for address in EVERY]
    assert answers == [200 if role in ("owner", "auditor") else 403] * len(EVERY)


def test_reading_is_recorded_and_makes_no_task(api: Api):
    events_make(3)
    auditor = api("auditor")
    for address in EVERY:
        data(auditor.get(address))
        told = Outbox.objects.filter(event="ACCESS_RECORDS").latest("pk")
        assert told.user_id == "USER-AUDITOR"
        assert json.loads(told.payload)["filters"]
    assert Outbox.objects.filter(event="ACCESS_RECORDS").count() == len(EVERY)
    assert not TaskState.objects.exists()


def test_a_longer_log_costs_no_more_queries(api: Api, django_assert_max_num_queries: Any):
    owner, counted = api("owner"), []
    for count in (5, 300):
        events_make(count)
        seal()
        checkpoint_write()
        owner.get(CHECKPOINTS)
        for address in (proof_of(2), CHECKPOINTS, f"{CONSISTENCY}?first=2&second=5"):
            seal()
            with django_assert_max_num_queries(16) as asked:
                data(owner.get(address))
            counted.append(len(asked))
    assert Checkpoint.objects.count() == 2
    assert max(map(abs, (a - b for a, b in zip(counted[:3], counted[3:], strict=True)))) <= 1  # one level of tiles more
