"""Signed statements of the log's size and root (https://c2sp.org/tlog-checkpoint)."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shop_assistant.accounts.models import SYSTEM_USER_ID

from . import events
from .keys import Ring, ring, ring_settle
from .models import Checkpoint, SigningKey
from .sealing import lock, seal
from .services import event_record
from .signed_note import make
from .standing import check_log
from .tiles import extend, log_size, root_at

NEWS = 1000
SECONDS = 45
"""A checkpoint comes at the first look this long after the last one, so within a minute; or with NEWS records."""


def public_keys() -> list[str]:
    """Verifiers of every key that the shop trusts: the one in use first. From outside of the database.

    :raises ImproperlyConfigured: when there is no key.
    """
    return ring().verifiers


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

    :raises LogRefused: when the log is not the one that was anchored.
    :raises ImproperlyConfigured: when there is no key.
    """
    keys = ring()
    if log_size() and _announce(keys):
        seal()
    with transaction.atomic(using=settings.AUDIT_DATABASE):
        lock()
        check_log()
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
