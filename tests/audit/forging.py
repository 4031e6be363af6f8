"""The ways of one who bends the trail and owns the database, and the places at which."""

import json
import random
from collections.abc import Callable

from audit.events import canonical, draft
from audit.merkle import GENESIS, chain_hash, leaf_hash
from audit.models import AuditRecord, Event, Outbox
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


def edit(place: int) -> None:
    """This record tells of another user, and all after it follow."""
    record = AuditRecord.objects.get(seq=place)
    sql("UPDATE audit_record SET payload = %s, user_id = 'SOMEONE' WHERE seq = %s", [forged(record), place])
    rechain(place)


def delete(place: int) -> None:
    """This record never was, and all after it follow."""
    sql("DELETE FROM audit_record WHERE seq = %s", [place])
    move(place, by=-1)
    rechain(place)


def swap_and_rechain(place: int) -> None:
    swap(place)
    rechain(place)


def insert_and_rechain(place: int) -> None:
    """Something that never happened, and all after it follow."""
    move(place, by=1)
    insert(place, prev=b"\x07" * 32)
    rechain(place)


def cut(place: int) -> None:
    """The log ends before this record."""
    sql("DELETE FROM audit_record WHERE seq >= %s", [place])


def respell(place: int) -> None:
    """The same in other bytes, and all after it follow."""
    record = AuditRecord.objects.get(seq=place)
    spaced = json.dumps(json.loads(record.payload), sort_keys=True)
    sql("UPDATE audit_record SET payload = %s WHERE seq = %s", [spaced, place])
    rechain(place)


def anew(place: int) -> None:
    """The whole log, from its first record on, of other events."""
    for record in AuditRecord.objects.order_by("seq"):
        sql("UPDATE audit_record SET payload = %s, user_id = 'SOMEONE' WHERE seq = %s", [forged(record), record.seq])
    rechain(1)


THOROUGH: dict[str, Callable[[int], None]] = {
    "edit": edit,
    "delete": delete,
    "swap": swap_and_rechain,
    "insert": insert_and_rechain,
    "cut": cut,
    "respell": respell,
    "anew": anew,
}
"""Each leaves a chain that is whole."""


def _set(column: str, value: object) -> Callable[[int], None]:
    return lambda place: sql(f"UPDATE audit_record SET {column} = %s WHERE seq = %s", [value, place])


CLUMSY: dict[str, Callable[[int], None]] = {
    "payload": lambda place: sql(
        "UPDATE audit_record SET payload = %s WHERE seq = %s", [forged(AuditRecord.objects.get(seq=place)), place]
    ),
    "leaf": _set("leaf", b"\x07" * 32),
    "prev": _set("prev", b"\x07" * 32),
    "chain": _set("chain", b"\x07" * 32),
    "event": _set("event", "TILL_CLOSED"),
    "user_id": _set("user_id", "SOMEONE"),
    "agent": _set("agent", "pricing"),
    "timestamp": _set("timestamp", "2024-01-22 10:30:00+00:00"),
    "gap": lambda place: sql("DELETE FROM audit_record WHERE seq = %s", [place]),
    "swap": swap,
}
"""Each breaks the chain, or says otherwise than the payload."""


def outbox_follows() -> None:
    """The outbox tells the same as the log, as one would see to who owns both databases."""
    Outbox.objects.all().delete()
    for record in AuditRecord.objects.order_by("seq"):
        copied = {f.attname: getattr(record, f.attname) for f in Event._meta.fields}
        Outbox.objects.create(**copied, attempt=record.seq, sealed_at=record.timestamp)
