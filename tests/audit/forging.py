"""The ways of one who bends the trail and owns the database, and the places at which."""

import json
import random

from audit.events import canonical, draft
from audit.merkle import GENESIS, chain_hash, leaf_hash
from audit.models import AuditRecord
from tests.audit.conftest import lift, sql

SIZE = 12
PLACES = [1, *random.Random(20240122).sample(range(2, SIZE), 3), SIZE]
"""The first and the last record, and three of those between."""


def rechain(first: int) -> None:
    """Make every record from here on follow the one before it, as a thorough forger would."""
    previous = AuditRecord.objects.filter(seq=first - 1).values_list("chain", flat=True).first()
    chain = bytes(previous or GENESIS)
    changed = list(AuditRecord.objects.filter(seq__gte=first).order_by("seq"))
    for record in changed:
        sql("UPDATE audit_record SET prev = %s WHERE seq = %s", [b"moving" + bytes([record.seq]), record.seq])
    for record in changed:
        leaf = leaf_hash(record.payload.encode())
        following = chain_hash(chain, leaf)
        sql(
            "UPDATE audit_record SET leaf = %s, prev = %s, chain = %s WHERE seq = %s",
            [leaf, chain, following, record.seq],
        )
        chain = following


def forged(record: AuditRecord) -> str:
    """The record's payload, telling of another user."""
    return canonical({**json.loads(record.payload), "user_id": "SOMEONE"})


def insert(seq: int, prev: bytes) -> None:
    """A record of something that never happened."""
    made = draft("TILL_OPENED", user_id="USER1", agent="audit")
    AuditRecord(
        seq=seq,
        event_id=made.event_id,
        event=made.event,
        user_id=made.user_id,
        agent=made.agent,
        timestamp=made.timestamp,
        payload=made.payload,
        leaf=made.leaf,
        prev=prev,
        chain=chain_hash(prev, made.leaf),
    ).save(force_insert=True)


def move(first: int, by: int) -> None:
    """Renumber the records from here on."""
    sql("UPDATE audit_record SET seq = seq + 1000 WHERE seq >= %s", [first])
    sql("UPDATE audit_record SET seq = seq - 1000 + %s WHERE seq > 1000", [by])


def swap(place: int) -> None:
    """This record and the next."""
    lift("audit_record")
    sql("UPDATE audit_record SET seq = 9999 WHERE seq = %s", [place])
    sql("UPDATE audit_record SET seq = %s WHERE seq = %s", [place, place + 1])
    sql("UPDATE audit_record SET seq = %s WHERE seq = 9999", [place + 1])
