"""Sealing personal data under its subject's own key, and destroying that key.

A sealed value is the text `sealed:<key's row>:<base64>`; JSON values travel through it, so a list or a
mapping can be sealed whole.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils import timezone

from .models import SubjectKey
from .sealing import KEY_BYTES, WrongKey, decrypt, encrypt

PREFIX = "sealed:"
ERASED = "[erased]"
"""What a reader sees where the key is gone."""


def key_for(subject: str, *, create: bool = True) -> SubjectKey | None:
    """The subject's key row, made when missing; None when `create` is off and there is none, or it is destroyed."""
    row = SubjectKey.objects.filter(subject=subject).first()
    if row is None and create:
        row = SubjectKey(subject=subject, **_wrap(subject, secrets.token_bytes(KEY_BYTES)))
        row.save(force_insert=True)
    return row if row and row.wrapped is not None else None


def keys_create(subjects: Iterable[str]) -> dict[str, SubjectKey]:
    """Many keys at once, for imports."""
    rows = [SubjectKey(subject=s, **_wrap(s, secrets.token_bytes(KEY_BYTES))) for s in subjects]
    return {row.subject: row for row in SubjectKey.objects.bulk_create(rows, batch_size=1000)}


def key_destroy(subject: str) -> bool:
    """Make everything sealed for this subject unreadable for ever; whether there was a key to destroy."""
    return bool(
        SubjectKey.objects.filter(subject=subject, destroyed_at=None).update(wrapped=None, destroyed_at=timezone.now())
    )


def sealer(row: SubjectKey, place: str) -> Callable[[Any], str]:
    """A function that seals one JSON value after another under this key, at this place."""
    key = _unwrap(row)

    def seal(value: Any) -> str:
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return f"{PREFIX}{row.pk}:{base64.b64encode(encrypt(key, plain, f'{place}|{row.pk}')).decode()}"

    return seal


class Opener:
    """Opens the sealed texts within some JSON values, for whose keys it asks once."""

    def __init__(self, *values: Any) -> None:
        pks = set().union(*map(_keys_in, values)) if values else set()
        rows = SubjectKey.objects.filter(pk__in=pks) if pks else ()
        self._keys = {row.pk: _unwrap(row) for row in rows if row.wrapped is not None}

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
    normal = "".join(value.split()).casefold()
    return hmac.new(settings.LOOKUP_KEY, f"{kind}:{normal}".encode(), hashlib.sha256).digest()[:12]


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(PREFIX) and value.count(":") == 2


def _keys_in(value: Any) -> set[int]:
    if isinstance(value, dict):
        return set().union(*map(_keys_in, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_keys_in, value)) if value else set()
    number = value.split(":")[1] if _is_sealed(value) else ""
    return {int(number)} if number.isdecimal() and len(number) < 19 else set()


def _wrap(subject: str, key: bytes) -> dict[str, Any]:
    master, master_key = next(iter(settings.ENCRYPTION_KEYS.items()))
    return {"master_key": master, "wrapped": encrypt(master_key, key, f"vault|{subject}|{master}")}


def _unwrap(row: SubjectKey) -> bytes:
    """:raises WrongKey: naming the master key that is missing or wrong."""
    master_key = settings.ENCRYPTION_KEYS.get(row.master_key)
    if master_key is None or row.wrapped is None:
        raise WrongKey(f"ENCRYPTION_KEYS has no key {row.master_key!r}, which personal data is sealed with.")
    return decrypt(master_key, bytes(row.wrapped), f"vault|{row.subject}|{row.master_key}")
