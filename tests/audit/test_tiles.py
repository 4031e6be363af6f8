"""Proofs from tiles are those of the tree itself, at every size, whenever the tiles were made."""

import json
from typing import Any

import pytest
from django.db import connection, transaction

from audit import tiles
from audit.append_only import changed_triggers, install, missing_triggers
from audit.merkle import Frontier, consistency_holds, inclusion_holds
from audit.models import AuditRecord, MerkleTile
from audit.sealing import seal
from audit.tiles import NoProof, consistency, extend, inclusion, root_at
from audit.verification import tree
from tests.audit.conftest import events_make, lift, sealed, sql

pytestmark = pytest.mark.django_db
SIZE = 70


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of four: seventy leaves make tiles of three levels."""
    for name, value in (("HEIGHT", 2), ("WIDTH", 4), ("AT_ONCE", 3)):
        for module in (tiles, tree):
            monkeypatch.setattr(module, name, value, raising=False)
    monkeypatch.setattr("audit.sealing.HEIGHT", 2)


def roots(count: int) -> list[bytes]:
    """Of the first 0, 1, 2 ... records."""
    frontier, found = Frontier(), []
    for leaf in AuditRecord.objects.order_by("seq").values_list("leaf", flat=True)[:count]:
        found.append(frontier.root())
        frontier.append(bytes(leaf))
    return [*found, frontier.root()]


def problems(verify: Any, kind: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(verify("--json")[1])["records"]["problems"] if one["kind"] == kind]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("afterwards", [False, True])
def test_proofs_of_every_size(afterwards: bool, monkeypatch: pytest.MonkeyPatch):
    """Made as the log grows, or all at once for a log that has none yet."""
    if afterwards:
        monkeypatch.setattr("audit.sealing.extend", lambda **anew: 0)
    for count in (1, 2, 5, 20, 42):
        events_make(count)
        seal()
    if afterwards:
        assert extend() == 17 + 4 + 1
    assert [MerkleTile.objects.filter(level=level).count() for level in (1, 2, 3, 4)] == [17, 4, 1, 0]
    right, leaves = (
        roots(SIZE),
        [bytes(leaf) for leaf in AuditRecord.objects.order_by("seq").values_list("leaf", flat=True)],
    )
    for size in (1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, SIZE):
        assert root_at(size) == right[size]
        for seq in {1, size // 2 or 1, size}:
            proof = inclusion(seq, size)
            assert (proof.index, proof.leaf, proof.root) == (seq - 1, leaves[seq - 1], right[size])
            assert inclusion_holds(seq - 1, size, leaves[seq - 1], proof.path, right[size])
        for first in {1, size // 3 or 1, size}:
            grown = consistency(first, size)
            assert (grown.first_root, grown.second_root) == (right[first], right[size])
            assert consistency_holds(first, size, right[first], right[size], grown.path)


@pytest.mark.usefixtures("small")
def test_a_proof_reads_twice(django_assert_max_num_queries: Any):
    sealed(SIZE)
    with django_assert_max_num_queries(2):
        inclusion(3, SIZE)
    with django_assert_max_num_queries(2):
        consistency(33, SIZE)


def test_tiles_are_of_256_records():
    sealed(257)
    tile = MerkleTile.objects.get()
    assert (tile.level, tile.index, bytes(tile.root)) == (1, 0, roots(256)[256])
    assert root_at(257) == roots(257)[257]


@pytest.mark.parametrize(("seq", "size"), [(0, 3), (4, 3), (1, 4), (-1, 3)])
def test_what_is_not_in_the_log_has_no_proof(seq: int, size: int):
    sealed(3)
    with pytest.raises(NoProof):
        inclusion(seq, size)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (3, 2), (2, 4)])
def test_what_is_no_log_has_no_consistency(first: int, second: int):
    sealed(3)
    with pytest.raises(NoProof):
        consistency(first, second)


@pytest.mark.usefixtures("small")
def test_a_gap_stops_the_tiles_and_not_the_sealer(verify: Any):
    sealed(6)
    lift("audit_record")
    sql("DELETE FROM audit_record WHERE seq = 5")
    connection.check_constraints()
    install("default")
    events_make(6)
    assert seal() == 6
    assert MerkleTile.objects.count() == 1
    with pytest.raises(NoProof, match="record 5 is missing"):
        root_at(6)
    with pytest.raises(NoProof, match="tile 1 of level 1 is missing"):
        root_at(12)
    assert "record 5: is missing" in verify()[1]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("level", [1, 2])
def test_a_tile_that_was_bent(level: int, verify: Any):
    sealed(SIZE)
    lift("audit_merkletile")
    sql('UPDATE audit_merkletile SET root = %s WHERE level = %s AND "index" = 2', [b"\x07" * 32, level])
    connection.check_constraints()
    install("default")
    (found,) = problems(verify, "tile")
    first = 2 * 4**level + 1
    assert found["seq"] == first
    assert found["message"] == f"the tile over records {first} to {first + 4**level - 1} does not fit them"


@pytest.mark.usefixtures("small")
def test_a_tile_that_is_gone(verify: Any):
    sealed(SIZE)
    lift("audit_merkletile")
    sql('DELETE FROM audit_merkletile WHERE level = 1 AND "index" = 2')
    connection.check_constraints()
    install("default")
    (found,) = problems(verify, "tile")
    assert (found["seq"], found["message"]) == (9, "the tile over records 9 to 12 is missing")


@pytest.mark.usefixtures("small")
def test_tiles_tell_of_records_cut_off(verify: Any):
    sealed(SIZE)
    lift("audit_record")
    sql("DELETE FROM audit_record WHERE seq > 20")
    connection.check_constraints()
    install("default")
    (found,) = problems(verify, "tile")
    assert (found["seq"], found["message"]) == (21, "the log ends before it, but tiles cover 68 records")


@pytest.mark.usefixtures("small")
def test_tiles_over_records_sealed_again_are_made_anew(verify: Any):
    """As rows that come later and count: none is changed."""
    sealed(SIZE)
    before = MerkleTile.objects.count()
    with transaction.atomic():
        assert extend(anew_from=30) == (17 - 7) + (4 - 1) + 1
    assert MerkleTile.objects.count() == before + 14
    assert root_at(SIZE) == roots(SIZE)[SIZE]
    assert verify()[0] == 0
    MerkleTile.objects.create(level=1, index=9, root=b"\x07" * 32)  # nothing refuses one more
    assert problems(verify, "tile")[0]["seq"] == 37


def test_a_trigger_that_does_something_else_is_found_and_put_back(verify: Any):
    sealed(3)
    if connection.vendor == "sqlite":
        sql("DROP TRIGGER audit_record_no_update")
        sql("CREATE TRIGGER audit_record_no_update BEFORE UPDATE ON audit_record BEGIN SELECT 1; END")
        bent = ["audit_record_no_update"]
    else:
        sql(
            "CREATE OR REPLACE FUNCTION shop_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN COALESCE(NEW, OLD); END $$"
        )
        bent = changed_triggers("default")
        assert "audit_record_append_only" in bent
    assert missing_triggers("default") == []
    assert changed_triggers("default") == bent
    code, printed = verify()
    assert code == 1
    assert f"trigger: {bent[0]} is not the shop's own any more" in printed
    assert "3 records, 0 events waiting to be sealed: whole, but not the triggers" in printed
    told = json.loads(verify("--json")[1])
    assert (told["ok"], told["records"]["verdict"], told["triggers"]["verdict"]) == (False, "whole", "broken")
    install("default")
    assert changed_triggers("default") == []
    assert verify()[0] == 0
