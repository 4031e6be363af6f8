"""Signed statements of the log's size and root (https://c2sp.org/tlog-checkpoint)."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction
from django.utils import timezone

from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.sql import has_table

from . import events
from .keys import Ring, ring, ring_given, ring_settle, ring_to_sign
from .models import Checkpoint, SigningKey
from .sealing import lock, seal
from .services import event_record
from .signed_note import NoteError, key_named, make, signed_with
from .standing import check_end, check_log
from .tiles import extend, log_size, root_at

NEWS = 1000
SECONDS = 45
"""A checkpoint comes at the first look this long after the last one, so within a minute; or with NEWS records."""


def public_keys() -> list[str]:
    """Verifiers of every key that the shop trusts: the one in use first. From outside of the database.

    :raises ImproperlyConfigured: when there is no key.
    """
    return ring().verifiers


def key_check() -> None:
    """Is the key that is set the one that the log was last signed with, or does it know that one?

    :raises ImproperlyConfigured: naming the key that is needed.
    """
    keys = ring_given()
    note = Checkpoint.objects.order_by("-size").values_list("note", flat=True).first()
    try:
        needed = signed_with(note) if note else []
    except NoteError:
        return  # `audit_verify` tells of it
    here = [key_named(verifier) for verifier in keys.verifiers] if keys else []
    if needed and not set(needed) & set(here):
        raise ImproperlyConfigured(f"The audit log was last signed with {key_wanted(needed, here)}")


def key_check_if_there() -> None:
    """The same at a start, where the log may not be there yet, or its database be away.

    :raises ImproperlyConfigured: also for a key that is none.
    """
    ring_given()
    try:
        if has_table(settings.AUDIT_DATABASE, Checkpoint._meta.db_table):
            key_check()
    except DatabaseError:
        return


def key_wanted(needed: list[str], here: list[str]) -> str:
    """What to do about keys (`name+id`) that are not here, as a sentence's end."""
    name = needed[0].partition("+")[0]
    held = f"the key set here is another ({', '.join(here)})" if here else "no key is set here"
    return (
        f"the key {', '.join(needed)}, and {held}. Put the shop's own into AUDIT_SIGNING_KEY, or into "
        "AUDIT_SIGNING_KEY_FILE: it is in no backup. If it is lost, its public part, as `audit_key show` printed it, "
        f"is enough beside a new key of that name (`audit_key make --print --name {name}`)."
    )


def checkpoint_due() -> bool:
    last = Checkpoint.objects.order_by("-size").values_list("size", "created_at").first()
    news = log_size() - (last[0] if last else 0)
    if last is None or news >= NEWS:
        return news > 0
    age = (timezone.now() - last[1]).total_seconds()
    return news > 0 and not 0 <= age < SECONDS  # a clock that jumped back makes it due, not late


def checkpoint_write() -> Checkpoint | None:
    """Sign the log as it is now and keep that; None when the last checkpoint says the same already.

    A key that has not signed before is told to the trail first, and the key that it replaces signs with it.

    :raises LogRefused: when the log is not the one that was anchored, or its end was cut off.
    :raises ImproperlyConfigured: when there is no key, or another than the log was signed with.
    """
    key_check()
    keys = ring_to_sign(first=not Checkpoint.objects.exists())
    if log_size() and _announce(keys):
        seal()
    with transaction.atomic(using=settings.AUDIT_DATABASE):
        lock()
        check_log()
        check_end()
        size = log_size()
        if not size or Checkpoint.objects.filter(size__gte=size).exists():
            return None
        extend()  # a log of before there were tiles has none until now
        root = root_at(size)
        made = Checkpoint(size=size, root=root, note=make(keys.origin, size, root, keys.signers))
        made.save()
        for verifier in _unseen(keys):
            SigningKey(verifier=verifier, since_size=size).save()
    ring_settle(keys)
    return made


def _announce(keys: Ring) -> list[str]:
    """The keys that are used for the first time, told to the trail."""
    before = SigningKey.objects.order_by("-id").values_list("verifier", flat=True).first()
    unseen = _unseen(keys)
    for verifier in unseen:
        event_record(
            events.KEY_ROTATED if before else events.KEY_MADE,
            user_id=SYSTEM_USER_ID,
            kind="audit signing",
            verifier=verifier,
            replaces=before,
        )
    return unseen


def _unseen(keys: Ring) -> list[str]:
    """Oldest first."""
    verifiers = [signer.verifier for signer in reversed(keys.signers)]
    known = set(SigningKey.objects.filter(verifier__in=verifiers).values_list("verifier", flat=True))
    return [verifier for verifier in verifiers if verifier not in known]
