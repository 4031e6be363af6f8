"""Signed notes (https://c2sp.org/signed-note) and, as their text, checkpoints (https://c2sp.org/tlog-checkpoint).

Pure: text in, text out. Ed25519 alone, the one algorithm that every reader of such notes knows.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
DASH = "— "
HASH_BYTES = 32
ID_BYTES = 4
MOST_SIGNATURES = 100
MOST_CHARACTERS = 100_000
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note that is malformed, or that none of the keys at hand has signed. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Signer:
    name: str
    key: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def verifier(self) -> str:
        """`name+key id+base64 key`: with it anybody checks the signatures."""
        return verifier_string(self.name, self.public)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    origin: str
    """Which log."""
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = ()
    """Names of the keys whose signatures hold."""


def key_id(name: str, public: bytes) -> bytes:
    """The first four bytes of SHA-256(name || 0x0A || 0x01 || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:ID_BYTES]


def verifier_string(name: str, public: bytes) -> str:
    """:raises NoteError: for a name that can't be a key's."""
    _check_name(name)
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def verifier_read(verifier: str) -> tuple[str, bytes]:
    """Name and public key.

    :raises NoteError: when it is none, or not whole.
    """
    name, _, rest = verifier.strip().partition("+")
    told, _, encoded = rest.partition("+")
    key = _decoded(encoded)
    if key is None or len(key) != 1 + HASH_BYTES or key[:1] != ED25519:
        raise NoteError("This is no public key of an Ed25519 signer: it should read name+key id+base64.")
    _check_name(name)
    if told != key_id(name, key[1:]).hex():
        raise NoteError(f"The public key {name} is not whole: its id does not fit its name and its bytes.")
    return name, key[1:]


def make(origin: str, size: int, root: bytes, signers: Sequence[Signer], extensions: Sequence[str] = ()) -> str:
    """A signed checkpoint: a log of this origin has `size` leaves and this Merkle root.

    :raises NoteError: when a line would break the format, or nobody signs.
    """
    lines = [origin, str(size), base64.b64encode(root).decode(), *extensions]
    if not all(lines) or any("\n" in line for line in lines) or size < 0 or len(root) != HASH_BYTES:
        raise NoteError("A checkpoint is an origin, a size, a root of 32 bytes and lines that are not empty.")
    return sign("".join(f"{line}\n" for line in lines), signers)


def read(note: str, verifiers: Iterable[str]) -> SignedCheckpoint:
    """The checkpoint in a note that at least one of these keys has signed.

    :raises NoteError: when it is malformed, or its signatures do not hold.
    """
    text, names = open_note(note, verifiers)
    origin, size, root, extensions = _lines(text)
    return SignedCheckpoint(origin, size, root, extensions, names)


def parse(note: str) -> SignedCheckpoint:
    """The checkpoint in a note, whoever wrote it: nothing is verified.

    :raises NoteError: when it is malformed.
    """
    return SignedCheckpoint(*_lines(_split(note)[0]))


def sign(text: str, signers: Sequence[Signer]) -> str:
    """A note of this text, which ends with a newline.

    :raises NoteError:
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteError("A note's text ends with a newline and has no other control characters.")
    if not signers:
        raise NoteError("A note needs somebody who signs it.")
    lines = []
    for signer in signers:
        _check_name(signer.name)
        signature = key_id(signer.name, signer.public) + signer.key.sign(text.encode())
        lines.append(f"{DASH}{signer.name} {base64.b64encode(signature).decode()}\n")
    return f"{text}\n{''.join(lines)}"


def open_note(note: str, verifiers: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The text, and the names of those who have signed it. Signatures of unknown keys are passed over.

    :raises NoteError: when it is malformed, a known key's signature is false, or no known key has signed.
    """
    known = {(name, key_id(name, public)): public for name, public in map(verifier_read, verifiers)}
    text, signatures = _split(note)
    names = []
    for name, signature in signatures:
        public = known.get((name, signature[:ID_BYTES]))
        if public is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature[ID_BYTES:], text.encode())
        except InvalidSignature:
            raise NoteError(f"The signature of {name} is false.") from None
        if name not in names:
            names.append(name)
    if not names:
        raise NoteError(f"It is signed by {', '.join(_ids(signatures))}, not by a key that is known.")
    return text, tuple(names)


def key_named(verifier: str) -> str:
    """How a key is spoken of: `name+id`."""
    return "+".join(verifier.split("+")[:2])


def signed_with(note: str) -> list[str]:
    """`name+id` of every key that a note says it is signed with: nothing is verified.

    :raises NoteError: when it is malformed.
    """
    return _ids(_split(note)[1])


def _ids(signatures: Iterable[tuple[str, bytes]]) -> list[str]:
    return [f"{name}+{signature[:ID_BYTES].hex()}" for name, signature in signatures]


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text, and each signature's name with key id and signature."""
    if len(note) > MOST_CHARACTERS or not note.endswith("\n") or _CONTROL.search(note):
        raise NoteError("It is no signed note: too long, not ended by a newline, or with control characters.")
    text, blank, block = note.rpartition("\n\n")
    lines = block.splitlines()
    if not blank or not text or not 1 <= len(lines) <= MOST_SIGNATURES:
        raise NoteError("It is no signed note: text, an empty line, and signatures.")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    signature = _decoded(encoded)
    if not line.startswith(DASH) or signature is None or len(signature) <= ID_BYTES:
        raise NoteError("It is no signed note: a line of its signatures is malformed.")
    _check_name(name)
    return name, signature


def _lines(text: str) -> tuple[str, int, bytes, tuple[str, ...]]:
    origin, size, root, *extensions = [*text[:-1].split("\n"), "", ""]
    decoded = _decoded(root)
    extensions = extensions[:-2]
    if not origin or not _SIZE.fullmatch(size) or decoded is None or len(decoded) != HASH_BYTES or not all(extensions):
        raise NoteError("It is no checkpoint: origin, size and base64 of the root, each on a line.")
    return origin, int(size), decoded, tuple(extensions)


def _decoded(encoded: str) -> bytes | None:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        return None
    return decoded if base64.b64encode(decoded).decode() == encoded else None


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError(f"A key's name has no spaces and no +, and it is not empty: {name!r}.")
