"""The ways of one who bends the log and owns its database, at random places; each in a transaction taken back."""

import json
import random
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from audit.append_only import TRIGGERS
from audit.events import canonical, draft
from audit.merkle import chain_hash, leaf_hash
from audit.models import AuditRecord, Checkpoint
from audit.tiles import log_size
from audit.verification import verify_all

FAR = 10_000_000
TAIL = 300
"""Records that are chained anew after a place: so that a long log is bent as quickly as a short one."""

Way = Callable[[random.Random], set[int | None]]
"""Bends the log, and answers with the seqs of which one has to be named first (None: something without one)."""


class _TakeBack(Exception):
    pass


def bent(way: Way, rnd: random.Random) -> str | None:
    """None when it was found and named; else what was said instead."""
    told: str | None = None
    try:
        with transaction.atomic(using=settings.AUDIT_DATABASE):
            for table in ("audit_record", "audit_checkpoint"):
                _lift(table)
            expected = way(rnd)
            problems = [p for p in verify_all() if p.kind != "trigger"]
            if not problems:
                told = f"{sorted(map(str, expected))}: nothing was found"
            elif not {problem.seq for problem in problems[:20]} & expected:
                told = f"{sorted(map(str, expected))}: said {problems[0]}"
            raise _TakeBack
    except _TakeBack:
        return told


def _lift(table: str) -> None:
    vendor = connections[settings.AUDIT_DATABASE].vendor
    on_table = f" ON {table}" if vendor == "postgresql" else ""
    for name in TRIGGERS[vendor]:
        _sql(f"DROP TRIGGER IF EXISTS {table}_{name}{on_table}")


def _sql(statement: str, *parameters: Any) -> None:
    with connections[settings.AUDIT_DATABASE].cursor() as cursor:
        cursor.execute(statement, list(parameters))


def _place(rnd: random.Random) -> AuditRecord:
    return AuditRecord.objects.get(seq=rnd.randint(2, log_size() - 1))


def _late_place(rnd: random.Random) -> AuditRecord:
    return AuditRecord.objects.get(seq=rnd.randint(max(2, log_size() - TAIL), log_size() - 1))


def _forged(record: AuditRecord) -> str:
    return canonical({**json.loads(record.payload), "user_id": "SOMEONE"})


def _rechain(first: int) -> None:
    """Every record from here on follows the one before it again."""
    chain = bytes(AuditRecord.objects.get(seq=first - 1).chain)
    changed = list(AuditRecord.objects.filter(seq__gte=first).order_by("seq"))
    for record in changed:
        _sql("UPDATE audit_record SET prev = %s WHERE seq = %s", b"moving%d" % record.seq, record.seq)
    for record in changed:
        leaf = leaf_hash(record.payload.encode())
        following = chain_hash(chain, leaf)
        _sql(
            "UPDATE audit_record SET leaf = %s, prev = %s, chain = %s WHERE seq = %s",
            leaf, chain, following, record.seq,
        )  # fmt: skip
        chain = following


def _move(first: int, by: int) -> None:
    _sql("UPDATE audit_record SET seq = seq + %s WHERE seq >= %s", FAR, first)
    _sql("UPDATE audit_record SET seq = seq - %s + %s WHERE seq > %s", FAR, by, FAR)


def edit(rnd: random.Random) -> set[int | None]:
    record = _place(rnd)
    _sql("UPDATE audit_record SET payload = %s, user_id = 'SOMEONE' WHERE seq = %s", _forged(record), record.seq)
    return {record.seq}


def edit_column(rnd: random.Random) -> set[int | None]:
    record = _place(rnd)
    _sql("UPDATE audit_record SET user_id = 'SOMEONE' WHERE seq = %s", record.seq)
    return {record.seq}


def edit_and_rechain(rnd: random.Random) -> set[int | None]:
    record = _late_place(rnd)
    _sql("UPDATE audit_record SET payload = %s, user_id = 'SOMEONE' WHERE seq = %s", _forged(record), record.seq)
    _rechain(record.seq)
    return {record.seq}


def delete(rnd: random.Random) -> set[int | None]:
    record = _place(rnd)
    _sql("DELETE FROM audit_record WHERE seq = %s", record.seq)
    return {record.seq}


def delete_and_close(rnd: random.Random) -> set[int | None]:
    """The gap is closed, and the chain made anew: the outbox and the checkpoints still know."""
    record = _late_place(rnd)
    last = log_size()
    _sql("DELETE FROM audit_record WHERE seq = %s", record.seq)
    _move(record.seq + 1, -1)
    _rechain(record.seq)
    return {None, last, *range(record.seq, last + 1)}


def swap(rnd: random.Random) -> set[int | None]:
    seq = _place(rnd).seq
    _sql("UPDATE audit_record SET seq = %s WHERE seq = %s", FAR, seq)
    _sql("UPDATE audit_record SET seq = %s WHERE seq = %s", seq, seq + 1)
    _sql("UPDATE audit_record SET seq = %s WHERE seq = %s", seq + 1, FAR)
    return {seq}


def insert(rnd: random.Random) -> set[int | None]:
    """A record of something that never happened, between two, with the chain made anew."""
    record = _late_place(rnd)
    _move(record.seq, 1)
    made = draft("TILL_OPENED", user_id="USER123", agent="audit")
    AuditRecord(
        seq=record.seq, event_id=made.event_id, event=made.event, user_id=made.user_id, agent=made.agent,
        timestamp=made.timestamp, payload=made.payload, leaf=made.leaf, prev=b"inserted", chain=b"inserted",
    ).save(force_insert=True)  # fmt: skip
    _rechain(record.seq)
    return {None, *range(record.seq, log_size() + 1)}


def cut(rnd: random.Random) -> set[int | None]:
    seq = _late_place(rnd).seq
    _sql("DELETE FROM audit_record WHERE seq >= %s", seq)
    return {seq, None}


def cut_with_checkpoints(rnd: random.Random) -> set[int | None]:
    """Nothing inside tells of the tail any more but the outbox; outside, the anchors do."""
    seq = _late_place(rnd).seq
    _sql("DELETE FROM audit_record WHERE seq >= %s", seq)
    _sql("DELETE FROM audit_checkpoint WHERE size >= %s", seq)
    return {seq, None}


def re_sign(rnd: random.Random) -> set[int | None]:
    """The newest checkpoint, signed with a key that is not the shop's."""
    newest = Checkpoint.objects.order_by("-size").first()
    assert newest is not None
    text, _, _ = newest.note.partition("\n\n")
    signature = rnd.randbytes(68).hex()
    forged = f"{text}\n\n\u2014 test-shop/audit {signature}\n"
    _sql("UPDATE audit_checkpoint SET note = %s WHERE size = %s", forged, newest.size)
    return {None, newest.size}


def re_root(rnd: random.Random) -> set[int | None]:
    """A checkpoint that tells of another root."""
    sizes = list(Checkpoint.objects.values_list("size", flat=True))
    size = rnd.choice(sizes)
    _sql("UPDATE audit_checkpoint SET root = %s WHERE size = %s", rnd.randbytes(32), size)
    return {None, size}


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (
        edit,
        edit_column,
        edit_and_rechain,
        delete,
        delete_and_close,
        swap,
        insert,
        cut,
        cut_with_checkpoints,
        re_sign,
        re_root,
    )
}
