"""A record's proof, step by step: from its payload to the root that was signed and handed to others."""

from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from .anchors import configured
from .checkpoints import public_keys
from .merkle import GENESIS, chain_hash, inclusion_spans, inclusion_steps, leaf_hash, node_hash, root_from_inclusion
from .models import Anchoring, AuditRecord, Checkpoint
from .payloads import wrong_in
from .signed_note import NoteError, read
from .tiles import NoProof, inclusion, log_size
from .verification.reading import chunks


@dataclass(frozen=True, slots=True)
class Step:
    """One hash on the way up: H(0x01 || left || right)."""

    left: bytes
    right: bytes
    node: bytes
    ours_left: bool
    """whether the hash of the step before is the left one"""
    first: int
    """The other one is the root over the records from here"""
    last: int
    """to here."""


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    holds: bool | None
    """None: not yet, which is no fault"""
    told: str


@dataclass(slots=True)
class RecordProof:
    record: AuditRecord
    leaf: bytes
    """made of the payload as it is now"""
    before: bytes
    """chain of the record before"""
    chain: bytes
    """made of both"""
    size: int = 0
    """records of the log that the steps are of"""
    root: bytes = b""
    """that the steps lead to"""
    signed_root: bytes | None = None
    """that the checkpoint states; None where none covers the record yet"""
    steps: list[Step] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return all(check.holds is not False for check in self.checks)

    @property
    def complete(self) -> bool:
        """Whether a signed checkpoint covers it."""
        return self.signed_root is not None


def record_prove(seq: int) -> RecordProof | None:
    """Everything that shows a record to be in the log, unchanged; None where there is no such record. A few reads."""
    record = AuditRecord.objects.filter(seq=seq).first()
    if record is None:
        return None
    earlier = AuditRecord.objects.filter(seq=seq - 1).values_list("chain", flat=True).first()
    before = GENESIS if seq == 1 else bytes(earlier or b"")
    leaf = leaf_hash(record.payload.encode())
    proof = RecordProof(record, leaf, before, chain_hash(before, leaf))
    proof.checks += _by_itself(proof)
    checkpoint = Checkpoint.objects.order_by("-size").first()
    if checkpoint and checkpoint.size < seq:
        checkpoint = None
    proof.size = checkpoint.size if checkpoint else log_size()
    try:
        _climb(proof)
    except NoProof as error:
        proof.checks.append(Check("Its hashes lead to a root", False, str(error)))
        return proof
    proof.checks.append(_signed(proof, checkpoint))
    proof.checks += [_anchored(proof, anchor.kind) for anchor in configured()]
    return proof


def _by_itself(proof: RecordProof) -> list[Check]:
    record = proof.record
    rows = next(chunks(record.seq, 0))[0]
    wrong = list(wrong_in(rows[0][3:]))
    follows = bytes(record.prev) == proof.before
    chained = bytes(record.chain) == proof.chain
    told = "SHA-256 of the chain before and its leaf is its chain"
    if not follows:
        told = "the record before it is missing, or was changed"
    elif not chained:
        told = "its chain value was changed"
    return [
        Check("Its payload, its columns and its leaf agree", not wrong, "; ".join(wrong) or "as they were sealed"),
        Check("It follows the record before it", follows and chained, told),
    ]


def _climb(proof: RecordProof) -> None:
    """:raises NoProof:"""
    seq, size = proof.record.seq, proof.size
    path = inclusion(seq, size).path
    spans = inclusion_spans(seq - 1, size)
    current = proof.leaf
    for (left, right), (first, last) in zip(inclusion_steps(seq - 1, size, proof.leaf, path), spans, strict=True):
        node = node_hash(left, right)
        proof.steps.append(Step(left, right, node, first >= seq, first + 1, last))
        current = node
    proof.root = current


def _signed(proof: RecordProof, checkpoint: Checkpoint | None) -> Check:
    what = "The root is the one that was signed"
    if checkpoint is None:
        return Check(what, None, "No checkpoint covers it yet; the worker writes one within a minute.")
    try:
        note = read(checkpoint.note, public_keys())
    except (NoteError, ImproperlyConfigured) as error:
        return Check(what, False, f"The checkpoint of {checkpoint.size:,} records: {error}")
    proof.signed_root = note.root
    signed = f"checkpoint of {note.size:,} records, signed by {', '.join(note.signed_by)}"
    if (note.size, note.root) == (checkpoint.size, proof.root):
        return Check(what, True, signed)
    return Check(what, False, f"The {signed} states another root.")


def _anchored(proof: RecordProof, kind: str) -> Check:
    """Against the newest checkpoint that this anchor took."""
    what, seq = f"The {kind} anchor vouches for it", proof.record.seq
    row = Anchoring.objects.filter(kind=kind, size__gte=seq).order_by("-size").first()
    if row is None:
        return Check(what, None, "It has taken no checkpoint yet that covers this record.")
    try:
        found = inclusion(seq, row.size)
        root = root_from_inclusion(seq - 1, row.size, proof.leaf, found.path)
    except NoProof as error:
        return Check(what, False, str(error))
    if root != bytes(row.root):
        return Check(
            what, False, f"It took another root for {row.size:,} records: this record, or another, was changed."
        )
    return Check(what, True, f"It took the same root for {row.size:,} records, which these are among.")
