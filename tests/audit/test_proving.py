"""A record's proof, step by step, and what it says of a bent one."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.merkle import leaf_hash, node_hash
from audit.models import AuditRecord, Checkpoint
from audit.proving import RecordProof, record_prove
from audit.signed_note import parse
from tests.audit.anchoring import anchored, checkpoint, sealed_more
from tests.audit.conftest import lift
from tests.audit.forging import edit

pytestmark = pytest.mark.django_db


def wrong(proof: RecordProof | None) -> list[str]:
    assert proof is not None
    return [check.what for check in proof.checks if check.holds is False]


@pytest.mark.parametrize("seq", [1, 2, 6, 11])
def test_every_step_leads_to_the_next_and_the_last_to_the_signed_root(seq: int):
    made = checkpoint(11)
    proof = record_prove(seq)
    assert proof is not None
    current = leaf_hash(AuditRecord.objects.get(seq=seq).payload.encode())
    assert proof.leaf == current
    covered = {seq}
    for step in proof.steps:
        assert current == (step.left if step.ours_left else step.right)
        assert step.node == node_hash(step.left, step.right)
        covered |= set(range(step.first, step.last + 1))
        current = step.node
    assert covered == set(range(1, made.size + 1))
    assert current == proof.root == proof.signed_root == parse(made.note).root
    assert (proof.size, proof.holds, proof.complete) == (made.size, True, True)


def test_a_record_that_no_checkpoint_covers_yet():
    covered = checkpoint(3).size
    sealed_more(2)
    proof = record_prove(covered + 1)
    assert proof is not None
    assert (proof.holds, proof.complete, proof.size) == (True, False, covered + 2)
    assert [check.holds for check in proof.checks] == [True, True, None]


def test_a_record_alone():
    sealed_more(1)
    proof = record_prove(1)
    assert proof is not None
    assert (proof.steps, proof.root) == ([], proof.leaf)
    assert record_prove(2) is None


def test_an_anchor_vouches_for_it(anchor_file: Any):
    anchored(4)
    proof = record_prove(2)
    assert proof is not None
    assert (proof.checks[-1].what, proof.checks[-1].holds) == ("The file anchor vouches for it", True)
    checkpoint(2)
    later = record_prove(6)
    assert later is not None
    assert later.checks[-1].holds is None


def test_another_payload(bending: Callable[..., None], anchor_file: Any):
    anchored(6)
    bending("UPDATE audit_record SET payload = replace(payload, 'drawer', 'DRAWER') WHERE seq = 3")
    proof = record_prove(3)
    assert wrong(proof) == [
        "Its payload, its columns and its leaf agree",
        "It follows the record before it",
        "The root is the one that was signed",
        "The file anchor vouches for it",
    ]
    assert wrong(record_prove(5)) == []


def test_a_payload_that_is_no_json(bending: Callable[..., None]):
    checkpoint(4)
    bending("UPDATE audit_record SET payload = '{' WHERE seq = 2")
    assert "The root is the one that was signed" in wrong(record_prove(2))


def test_a_chain_made_anew_does_not_help(anchor_file: Any):
    anchored(6)
    lift("audit_record")
    edit(3)
    for seq in (3, 5):
        assert "The root is the one that was signed" in wrong(record_prove(seq))


def test_a_missing_record_is_named(bending: Callable[..., None]):
    checkpoint(6)
    bending("DELETE FROM audit_record WHERE seq = 4")
    proof = record_prove(3)
    assert proof is not None
    assert not proof.holds
    assert "record 4 is missing" in proof.checks[-1].told
    assert "It follows the record before it" in wrong(record_prove(5))


def test_a_checkpoint_of_somebody_elses_key(settings: Any):
    checkpoint(3)
    settings.AUDIT_SIGNING_KEY = "PRIVATE+KEY+test-shop/audit+4a5b6f2e+AQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
    proof = record_prove(1)
    assert wrong(proof) == ["The root is the one that was signed"]
    assert Checkpoint.objects.count() == 1
