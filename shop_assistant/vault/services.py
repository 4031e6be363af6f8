"""Sealing personal data under its subject's own key, and destroying that key.

A sealed value is the text `sealed:<key's row>:<base64>`; JSON values travel through it, so a list or a
mapping can be sealed whole.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from .keys import fingerprint, unwrap, wrap
from .models import SubjectKey
from .sealing import KEY_BYTES, WrongKey, decrypt, encrypt

PREFIX = "sealed:"
ERASED = "[erased]"
"""What a reader sees where the key is gone."""


def key_for(subject: str, *, create: bool = True) -> SubjectKey | None:
    """The subject's key row, made when missing; None when `create` is off and there is none, or it is destroyed."""
    row = SubjectKey.objects.filter(subject=subject).first()
    if row is None and create:
        row = SubjectKey(subject=subject, **wrap(subject, secrets.token_bytes(KEY_BYTES)))
        row.save(force_insert=True)
    return row if row and row.wrapped is not None else None


def keys_create(subjects: Iterable[str]) -> dict[str, SubjectKey]:
    """Many keys at once, for imports."""
    rows = [SubjectKey(subject=s, **wrap(s, secrets.token_bytes(KEY_BYTES))) for s in subjects]
    return {row.subject: row for row in SubjectKey.objects.bulk_create(rows, batch_size=1000)}


def key_destroy(subject: str) -> bool:
    """Make everything sealed for this subject unreadable for ever; whether there was a key to destroy."""
    return bool(_destroy(SubjectKey.objects.filter(subject=subject)))


def keys_destroy(subjects: Iterable[str]) -> list[str]:
    """Make everything sealed for these subjects unreadable for ever.

    :return: what the journal tells of each key that there was (see `keys.fingerprint`).
    """
    told = []
    for some in batched(subjects):
        rows = list(SubjectKey.objects.filter(subject__in=some, destroyed_at=None))
        for row in rows:
            with suppress(WrongKey):  # nobody could read what it sealed anyhow
                told.append(fingerprint(row))
        _destroy(SubjectKey.objects.filter(pk__in=[row.pk for row in rows]))
    return told


def subjects_of(fingerprints: set[str]) -> list[str]:
    """The subjects whose living keys these are; every key is looked at."""
    found = []
    for row in SubjectKey.objects.filter(destroyed_at=None).iterator(chunk_size=1000) if fingerprints else ():
        with suppress(WrongKey):
            if fingerprint(row) in fingerprints:
                found.append(row.subject)
    return found


def subjects_living(prefix: str) -> Iterator[str]:
    """Subjects of this kind (`task:`) whose keys are there, the oldest first."""
    rows = SubjectKey.objects.filter(subject__startswith=prefix, destroyed_at=None).order_by("pk")
    return iter(rows.values_list("subject", flat=True).iterator(chunk_size=1000))


def is_subject(name: str) -> bool:
    """Whether somebody or something of this name has, or had, a key."""
    return SubjectKey.objects.filter(subject=name).exists()


def _destroy(rows: QuerySet[SubjectKey]) -> int:
    return rows.filter(destroyed_at=None).update(wrapped=None, destroyed_at=timezone.now())


def batched(subjects: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    waiting = list(subjects)
    for start in range(0, len(waiting), size):
        yield waiting[start : start + size]


def sealer(row: SubjectKey, place: str) -> Callable[[Any], str]:
    """A function that seals one JSON value after another under this key, at this place."""
    key = unwrap(row)

    def seal(value: Any) -> str:
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return f"{PREFIX}{row.pk}:{base64.b64encode(encrypt(key, plain, f'{place}|{row.pk}')).decode()}"

    return seal


class Opener:
    """Opens the sealed texts within some JSON values, for whose keys it asks once."""

    def __init__(self, *values: Any) -> None:
        pks = set().union(*map(_keys_in, values)) if values else set()
        rows = SubjectKey.objects.filter(pk__in=pks) if pks else ()
        self._keys = {row.pk: unwrap(row) for row in rows if row.wrapped is not None}

    def text(self, sealed: str, place: str) -> Any:
        """What was sealed; None where its key is gone.

        :raises WrongKey: when it was tampered with, or moved from another place.
        """
        _, pk, encoded = sealed.split(":", 2)
        key = self._keys.get(int(pk))
        if key is None:
            return None
        try:
            return json.loads(decrypt(key, base64.b64decode(encoded), f"{place}|{pk}"))
        except ValueError:
            raise WrongKey(f"What is sealed at {place} was tampered with.") from None

    def open(self, value: Any, place: str) -> Any:
        """The value with every sealed text in it opened; `[erased]` where its key is gone.

        A text that only looks like a sealed one (a caller may send such) stays as it is.
        """
        if isinstance(value, dict):
            return {name: self.open(item, place) for name, item in value.items()}
        if isinstance(value, list):
            return [self.open(item, place) for item in value]
        if not _keys_in(value):
            return value
        try:
            opened = self.text(value, place)
        except WrongKey:
            return value
        return ERASED if opened is None else opened


def unseal(value: Any, place: str) -> Any:
    """See Opener.open, for one value."""
    return Opener(value).open(value, place)


def lookup_token(kind: str, value: str) -> bytes:
    """A keyed, truncated hash of an e-mail or phone: finds the row, reveals nothing, and may collide."""
    return lookup_tokens(kind, value)[0]


def lookup_tokens(kind: str, value: str) -> list[bytes]:
    """The same under each LOOKUP_KEY that is set, the newest first: to be looked for while they are being rotated."""
    normal = f"{kind}:{''.join(value.split()).casefold()}".encode()
    keys = (settings.LOOKUP_KEY, *settings.OLDER_LOOKUP_KEYS)
    return [hmac.new(key, normal, hashlib.sha256).digest()[:12] for key in keys]


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(PREFIX) and value.count(":") == 2


def _keys_in(value: Any) -> set[int]:
    if isinstance(value, dict):
        return set().union(*map(_keys_in, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_keys_in, value)) if value else set()
    number = value.split(":")[1] if _is_sealed(value) else ""
    return {int(number)} if number.isdecimal() and len(number) < 19 else set()
