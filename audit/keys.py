"""The keys that sign the trail's checkpoints. They lie outside of every database, and so does who is trusted.

A ring has an entry a line (in AUDIT_SIGNING_KEY also by commas): `PRIVATE+KEY+name+id+base64` signs, the first of them
is the key in use; `name+id+base64` is the public part of an earlier one and only verifies. The spelling is that of
https://pkg.go.dev/golang.org/x/mod/sumdb/note. The name is the log's origin: a rotation keeps it, and so does a shop
that gets another name.
"""

import base64
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.text import slugify

from .signed_note import ED25519, HASH_BYTES, NoteError, Signer, key_id, verifier_read

PRIVATE = "PRIVATE+KEY+"
HOW = "`manage.py audit_key make` makes one"


@dataclass(frozen=True, slots=True)
class Ring:
    signers: tuple[Signer, ...]
    """All of them sign; the first is the key in use, the others are being replaced by it."""
    retired: tuple[str, ...] = ()
    """Verifiers of earlier keys."""

    @property
    def origin(self) -> str:
        return self.signers[0].name

    @property
    def verifiers(self) -> list[str]:
        return [*(signer.verifier for signer in self.signers), *self.retired]

    def text(self) -> str:
        return "".join(f"{line}\n" for line in [*map(private_text, self.signers), *self.retired])


def ring() -> Ring:
    """The shop's keys.

    :raises ImproperlyConfigured: when there are none, or they can't be read.
    """
    if settings.AUDIT_SIGNING_KEY:
        return ring_read(settings.AUDIT_SIGNING_KEY, "AUDIT_SIGNING_KEY")
    path = key_file()
    try:
        return ring_read(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise ImproperlyConfigured(
            f"There is no key that signs the audit trail's checkpoints: set AUDIT_SIGNING_KEY, or {HOW} in {path}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{path} can't be read ({type(error).__name__}): let the shop's user read it."
        ) from None


def ring_given() -> Ring | None:
    """The same where there is a key at all.

    :raises ImproperlyConfigured: when it can't be read.
    """
    path = settings.AUDIT_SIGNING_KEY_FILE
    return ring() if settings.AUDIT_SIGNING_KEY or (path and path.exists()) else None


def ring_to_sign(*, first: bool) -> Ring:
    """The same for who signs. In development the first key of a log is made when it is first asked for.

    :raises ImproperlyConfigured:
    """
    return ring_given() or (key_make() if first and settings.ENV == "development" else ring())


def key_file() -> Path:
    """:raises ImproperlyConfigured: when none is named."""
    path: Path | None = settings.AUDIT_SIGNING_KEY_FILE
    if path is None:
        raise ImproperlyConfigured("AUDIT_SIGNING_KEY_FILE names no file: name one, or set AUDIT_SIGNING_KEY.")
    return path


def ring_read(text: str, where: str) -> Ring:
    """:raises ImproperlyConfigured: naming the place, never a key."""
    entries = [entry for entry in re.split(r"[,\s]+", text) if entry]
    try:
        signers = [_signer(entry) for entry in entries if entry.startswith(PRIVATE)]
        retired = [entry for entry in entries if not entry.startswith(PRIVATE)]
        for entry in retired:
            verifier_read(entry)
    except NoteError as error:
        raise ImproperlyConfigured(f"{where} holds no audit signing key: {error}") from None
    if not signers or len({signer.name for signer in signers}) > 1:
        raise ImproperlyConfigured(
            f"{where} must hold a private key ({HOW}), and where it holds more than one they have the same name."
        )
    return Ring(tuple(signers), tuple(retired))


def _signer(entry: str) -> Signer:
    name, _, rest = entry.removeprefix(PRIVATE).partition("+")
    told, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != 1 + HASH_BYTES or key[:1] != ED25519:
        raise NoteError(f"{PRIVATE}name+id+base64 is how a private key is written.")
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(key[1:]))
    if told != key_id(name, signer.public).hex():
        raise NoteError(f"the private key {name} is not whole: its id does not fit its name and its bytes.")
    return signer


def private_text(signer: Signer) -> str:
    encoded = base64.b64encode(ED25519 + signer.key.private_bytes_raw()).decode()
    return f"{PRIVATE}{signer.name}+{key_id(signer.name, signer.public).hex()}+{encoded}"


def signer_new(name: str = "") -> Signer:
    """A fresh key. Without a name it gets one after the shop, with something of its own: an origin is one log's."""
    made = name or f"{slugify(settings.SHOP_NAME) or 'shop'}-{secrets.token_hex(3)}/audit"
    return Signer(made, Ed25519PrivateKey.generate())


def key_make(name: str = "") -> Ring:
    """Make the shop's first key in its file; of several processes at once one does.

    :raises FileExistsError: when there is one, outside of development's own making.
    """
    path, made = key_file(), Ring((signer_new(name),))
    draft = _draft(path, made)
    try:
        os.link(draft, path)
    except FileExistsError:
        if settings.ENV != "development" or name:
            raise
        return ring_read(path.read_text(encoding="utf-8"), str(path))
    finally:
        draft.unlink()
    return made


def ring_write(changed: Ring) -> None:
    """In the place of what the file held: after a crash it holds the one or the other.

    :raises OSError:
    """
    path = key_file()
    _draft(path, changed).replace(path)


def ring_settle(used: Ring) -> Ring:
    """Once all of a ring's keys have signed a checkpoint, those that were replaced only verify any more.

    Where the ring is in AUDIT_SIGNING_KEY, or the file can't be written, they go on signing, which does no harm.
    """
    settled = Ring(used.signers[:1], (*(signer.verifier for signer in used.signers[1:]), *used.retired))
    if len(used.signers) == 1 or settings.AUDIT_SIGNING_KEY:
        return used
    try:
        ring_write(settled)
    except OSError:
        return used
    return settled


def _draft(path: Path, content: Ring) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content.text())
        file.flush()
        os.fsync(file.fileno())
    return draft
