"""What a backup says of itself, signed with the shop's look-up key: nobody else's file is ever fed to a database."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from pydantic import BaseModel, ConfigDict, ValidationError

from audit.checkpoints import key_wanted
from audit.keys import ring_given
from audit.merkle import GENESIS
from audit.signed_note import key_named

from .errors import BackupError
from .snapshots import Snapshot

FORMAT = 1
PROGRAM = "ai-shop-assistant"


class Member(BaseModel):
    model_config = ConfigDict(frozen=True)

    alias: str
    name: str
    vendor: Literal["sqlite", "postgresql"]
    server: int
    bytes: int
    sha256: str


class Heading(BaseModel):
    """What every format of a manifest begins with."""

    model_config = ConfigDict(frozen=True)

    program: str = PROGRAM
    format: int = FORMAT
    version: str


class Manifest(Heading):
    created_at: datetime
    shop: str
    currency: str
    members: list[Member]
    migrations: dict[str, list[str]]
    counts: dict[str, int]
    log_size: int
    log_chain: str
    encryption_keys: dict[str, str]
    """Ids and fingerprints of the keys that open its personal data; the keys themselves are never in a backup."""
    lookup_key: str
    signing_keys: list[str] = []
    """`name+id` of those that have signed its checkpoints, the newest last; backups made before don't tell."""
    signature: str = ""

    def signed(self) -> "Manifest":
        return self.model_copy(update={"signature": self._signature()})

    def is_ours(self) -> bool:
        return any(hmac.compare_digest(self.signature, self._signature(key)) for key in lookup_keys())

    def _signature(self, key: bytes | None = None) -> str:
        told = {"signature"} if self.signing_keys else {"signature", "signing_keys"}
        text = self.model_dump_json(exclude=told)
        key = key or settings.LOOKUP_KEY
        return hmac.new(key, b"backup manifest\0" + text.encode(), hashlib.sha256).hexdigest()


def lookup_keys() -> tuple[bytes, ...]:
    """The one in use, and those before it that are still set."""
    return (settings.LOOKUP_KEY, *settings.OLDER_LOOKUP_KEYS)


def fingerprint(key: bytes) -> str:
    """By which a key can be recognised; 32 random bytes can't be guessed from it."""
    return hashlib.sha256(b"key fingerprint\0" + key).hexdigest()[:16]


def describe(snapshots: Iterable[Snapshot]) -> dict[str, Any]:
    """All of a manifest but its members.

    :raises BackupError: when there is nothing to back up.
    """
    by_alias = {snapshot.alias: snapshot for snapshot in snapshots}
    main, trail = by_alias["default"], by_alias[settings.AUDIT_DATABASE]
    if "audit_outbox" not in main.tables():
        raise BackupError("There is no shop to back up: the database is empty. Run `manage.py upgrade` first.")
    head = trail.rows("SELECT seq, chain FROM audit_record ORDER BY seq DESC LIMIT 1")
    keys = [key for (key,) in main.rows("SELECT DISTINCT master_key FROM vault_subjectkey WHERE wrapped IS NOT NULL")]
    signed = trail.rows("SELECT verifier FROM audit_signingkey ORDER BY id")
    migrations: dict[str, list[str]] = {}
    for app, name in main.rows("SELECT app, name FROM django_migrations ORDER BY app, name"):
        migrations.setdefault(app, []).append(name)
    return {
        "version": settings.SPECTACULAR_SETTINGS["VERSION"],
        "created_at": datetime.now(UTC),
        "shop": settings.SHOP_NAME,
        "currency": settings.SHOP_CURRENCY,
        "migrations": migrations,
        "counts": dict(_counts(by_alias)),
        "log_size": head[0][0] if head else 0,
        "log_chain": bytes(head[0][1] if head else GENESIS).hex(),
        "encryption_keys": {key: fingerprint(settings.ENCRYPTION_KEYS.get(key, b"")) for key in sorted(keys)},
        "lookup_key": fingerprint(settings.LOOKUP_KEY),
        "signing_keys": [key_named(verifier) for (verifier,) in signed],
    }


def _counts(by_alias: dict[str, Snapshot]) -> Iterable[tuple[str, int]]:
    there = {alias: snapshot.tables() for alias, snapshot in by_alias.items()}
    for model in apps.get_models(include_auto_created=True):
        alias, table = router.db_for_read(model) or "default", model._meta.db_table
        if table in there[alias]:
            yield table, by_alias[alias].rows(f'SELECT count(*) FROM "{table}"')[0][0]  # noqa: S608  (our own tables)


def read_manifest(text: bytes) -> Manifest:
    """:raises BackupError: when it isn't one, or of a later kind, or not of a shop with these keys."""
    try:
        about = Heading.model_validate_json(text)
        if about.program != PROGRAM:
            raise BackupError("This is no backup of a shop: its manifest is another program's.")
        if about.format > FORMAT:
            raise BackupError(f"This backup was made by a newer version ({about.version}): update the shop first.")
        found = Manifest.model_validate_json(text)
    except ValidationError:
        raise BackupError("This is no backup of a shop: its manifest can't be read.") from None
    if found.lookup_key not in map(fingerprint, lookup_keys()):
        raise BackupError(
            f"This backup needs the LOOKUP_KEY with the fingerprint {found.lookup_key}; the one set here is another "
            f"({fingerprint(settings.LOOKUP_KEY)}). Keys are not in a backup: put the shop's own into .env."
        )
    if not found.is_ours():
        raise BackupError("The backup's manifest was changed after it was made.")
    check_keys(found.encryption_keys)
    check_signing_keys(found.signing_keys)
    return found


def check_keys(needed: dict[str, str]) -> None:
    """:raises BackupError: naming each key that personal data in the backup is sealed with and that isn't set here."""
    problems = []
    for key_id, told in needed.items():
        key = settings.ENCRYPTION_KEYS.get(key_id)
        if key is None:
            problems.append(f"the key {key_id!r} (fingerprint {told}) is missing")
        elif fingerprint(key) != told:
            problems.append(f"{key_id!r} is another key ({fingerprint(key)}) than the backup's ({told})")
    if problems:
        raise BackupError(
            f"This backup needs other ENCRYPTION_KEYS: {'; '.join(problems)}. Keys are not in a backup: put the shop's "
            "own into .env, beside those that are there."
        )


def check_signing_keys(needed: list[str]) -> None:
    """:raises BackupError: naming the keys without which the backup's checkpoints can't be verified."""
    try:
        keys = ring_given()
    except ImproperlyConfigured as error:
        raise BackupError(str(error)) from None
    here = [key_named(verifier) for verifier in keys.verifiers] if keys else []
    if missing := [key for key in reversed(needed) if key not in here]:
        raise BackupError(f"The backup's audit log was signed with {key_wanted(missing, here)}")
