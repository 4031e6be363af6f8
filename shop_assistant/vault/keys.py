"""The keys that lie outside the database: whether they are the right ones, and the change to new ones."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, router, transaction
from django.db.models import Count

from shop_assistant.sql import has_table

from .models import KeyCheck, SubjectKey
from .sealing import WrongKey, decrypt, encrypt

MASTER, LOOKUP = "ENCRYPTION_KEYS:", "LOOKUP_KEY"

_seen: list[Any] = []
"""The keys that this process has found to be right."""


class WrongKeys(ImproperlyConfigured):
    """A key that the shop's data needs is missing, or is another one."""


@dataclass(slots=True)
class Rewrapped:
    """What a rotation did so far."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    """Subjects whose key could not be opened; it stays as it was."""


def newest() -> tuple[str, bytes]:
    """Id and key of the master key that new keys are wrapped with."""
    return next(iter(settings.ENCRYPTION_KEYS.items()))


def wrap(subject: str, key: bytes) -> dict[str, Any]:
    """The columns of a subject's key.

    :raises WrongKeys: before anything is wrapped with a key that is not this shop's.
    """
    if _seen != _configured():
        keys_check()
    master, master_key = newest()
    return {"master_key": master, "wrapped": encrypt(master_key, key, f"vault|{subject}|{master}")}


def unwrap(row: SubjectKey) -> bytes:
    """:raises WrongKey: naming the master key that is missing or wrong."""
    master_key = settings.ENCRYPTION_KEYS.get(row.master_key)
    if master_key is None or row.wrapped is None:
        raise WrongKey(f"ENCRYPTION_KEYS has no key {row.master_key!r}, which personal data is sealed with.")
    return decrypt(master_key, bytes(row.wrapped), f"vault|{row.subject}|{row.master_key}")


def keys_check() -> None:
    """Compare the keys that are set with those that the shop's data was sealed with. New ones are noted.

    :raises WrongKeys: naming each that is missing or wrong.
    """
    noted = {check.name: bytes(check.value) for check in KeyCheck.objects.all()}
    problems = [told for name, value in noted.items() if (told := _problem(name, value))]
    key_id, key = newest()
    new = {
        name: _value(name, key)
        for name, key in ((MASTER + key_id, key), (LOOKUP, settings.LOOKUP_KEY))
        if name not in noted or (name != LOOKUP and noted[name] != _value(name, key))
    }
    if not problems and new:
        problems = _look_closer()
    if problems:
        raise WrongKeys(
            f"{' '.join(problems)} Put the shop's own keys into .env (or ENCRYPTION_KEYS_FILE), beside new ones; "
            "keys are in no backup."
        )
    for name, value in new.items():
        KeyCheck.objects.update_or_create(name=name, defaults={"value": value})
    _seen[:] = _configured()


def keys_check_if_there() -> None:
    """The same where the database is there and migrated: what starts without one says so itself, later.

    :raises WrongKeys:
    """
    try:
        if has_table("default", KeyCheck._meta.db_table):
            keys_check()
    except DatabaseError:
        return


def keys_note(using: str, **kwargs: Any) -> None:
    """After migrate: the keys of a new shop, or of one that comes from a version without checks."""
    if router.allow_migrate(using, "vault", model_name="keycheck"):
        try:
            keys_check()
        except WrongKeys:
            return  # whoever starts the shop is told


def keys_rewrap(*, batch: int = 500) -> Iterator[Rewrapped]:
    """Wrap every subject's key with the newest master key, a batch a transaction, while the shop goes on. What it has
    done stays done, so that it can be stopped and called again. The data itself is not touched.
    """
    told, after, (master, _) = Rewrapped(), 0, newest()
    while True:
        rows = SubjectKey.objects.filter(wrapped__isnull=False, pk__gt=after).exclude(master_key=master)
        found = list(rows.order_by("pk")[:batch])
        if not found:
            break
        after = found[-1].pk
        with transaction.atomic():
            for row in found:
                _rewrap(row, told)
        yield told
    in_use = {MASTER + key_id for key_id in (*keys_by_master(), master)}
    KeyCheck.objects.filter(name__startswith=MASTER).exclude(name__in=in_use).delete()
    yield told


def keys_by_master() -> dict[str, int]:
    """How many subjects' keys each master key wraps, by its id."""
    living = SubjectKey.objects.filter(wrapped__isnull=False)
    return dict(living.values_list("master_key").annotate(count=Count("pk")).order_by("master_key"))


def lookup_rotated() -> None:
    """All look-ups are made with the newest key now: the older ones may go."""
    KeyCheck.objects.update_or_create(name=LOOKUP, defaults={"value": _value(LOOKUP, settings.LOOKUP_KEY)})
    _seen.clear()


def lookup_is_rotated() -> bool:
    return KeyCheck.objects.filter(name=LOOKUP, value=_value(LOOKUP, settings.LOOKUP_KEY)).exists()


def fingerprint(row: SubjectKey) -> str:
    """By which a destroyed key is known again in an old backup: 32 hex digits that tell nothing of whose it was.

    :raises WrongKey:
    """
    return hashlib.sha256(b"erased subject\0" + unwrap(row)).hexdigest()[:32]


def _rewrap(row: SubjectKey, told: Rewrapped) -> None:
    """Conditional: who was erased meanwhile stays erased."""
    try:
        columns = wrap(row.subject, unwrap(row))
    except WrongKey:
        told.failed.append(row.subject)
        return
    unchanged = SubjectKey.objects.filter(pk=row.pk, master_key=row.master_key, wrapped=row.wrapped)
    told.done += unchanged.update(**columns)


def _configured() -> list[Any]:
    return [connections["default"].settings_dict["NAME"], *settings.ENCRYPTION_KEYS.items(), settings.LOOKUP_KEY]


def _value(name: str, key: bytes) -> bytes:
    return hmac.new(key, b"key check\0" + name.encode(), hashlib.sha256).digest()[:16]


def _problem(name: str, value: bytes) -> str | None:
    if name == LOOKUP:
        if value in (_value(name, key) for key in (settings.LOOKUP_KEY, *settings.OLDER_LOOKUP_KEYS)):
            return None
        return "LOOKUP_KEY is another key than the one that customers are looked up with."
    key_id = name.removeprefix(MASTER)
    key = settings.ENCRYPTION_KEYS.get(key_id)
    if key and value == _value(name, key):
        return None
    if not SubjectKey.objects.filter(wrapped__isnull=False, master_key=key_id).exists():
        return None  # nothing is sealed with it
    return _told(key_id)


def _told(key_id: str) -> str:
    if key_id not in settings.ENCRYPTION_KEYS:
        return f"ENCRYPTION_KEYS lacks the key {key_id!r}, which personal data is sealed with."
    return f"The key {key_id!r} in ENCRYPTION_KEYS is another one than personal data was sealed with."


def _look_closer() -> list[str]:
    """Each id that wraps keys, tried on one of them. It reads the whole table, so only where a key is new."""
    problems = []
    for key_id in keys_by_master():
        try:
            unwrap(SubjectKey.objects.filter(wrapped__isnull=False, master_key=key_id).order_by("-pk")[0])
        except WrongKey:
            problems.append(_told(key_id))
    return problems
