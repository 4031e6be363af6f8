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


def unseal(value: Any, place: str) -> Any:
    """Open every sealed text within a JSON value; what was erased reads `[erased]`."""
    rows = {row.pk: row for row in SubjectKey.objects.filter(pk__in=_keys_in(value))}
    keys = {pk: _unwrap(row) for pk, row in rows.items() if row.wrapped is not None}
    return _open(value, place, keys)


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


def _open(value: Any, place: str, keys: dict[int, bytes]) -> Any:
    if isinstance(value, dict):
        return {name: _open(item, place, keys) for name, item in value.items()}
    if isinstance(value, list):
        return [_open(item, place, keys) for item in value]
    if not _is_sealed(value) or not (pks := _keys_in(value)):
        return value
    (pk,) = pks
    if pk not in keys:
        return ERASED
    try:
        return json.loads(decrypt(keys[pk], base64.b64decode(value.split(":")[2]), f"{place}|{pk}"))
    except (WrongKey, ValueError):
        return value  # a caller's own text that only looks like a sealed one, or one moved from its place


def _wrap(subject: str, key: bytes) -> dict[str, Any]:
    master, master_key = next(iter(settings.ENCRYPTION_KEYS.items()))
    return {"master_key": master, "wrapped": encrypt(master_key, key, f"vault|{subject}|{master}")}


def _unwrap(row: SubjectKey) -> bytes:
    """:raises WrongKey: naming the master key that is missing or wrong."""
    master_key = settings.ENCRYPTION_KEYS.get(row.master_key)
    if master_key is None or row.wrapped is None:
        raise WrongKey(f"ENCRYPTION_KEYS has no key {row.master_key!r}, which personal data is sealed with.")
    return decrypt(master_key, bytes(row.wrapped), f"vault|{row.subject}|{row.master_key}")
