"""A witness's cosignature of a checkpoint (https://c2sp.org/tlog-cosignature, Ed25519). Pure."""

import base64
import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KIND = b"\x04"
DASH = "— "


class Witness(NamedTuple):
    name: str
    key_id: bytes
    public: bytes


def witness_read(verifier: str) -> Witness:
    """`name+id+base64`, of a key that cosigns.

    :raises ValueError:
    """
    name, _, rest = verifier.partition("+")
    told, _, encoded = rest.partition("+")
    key = base64.b64decode(encoded, validate=True)
    key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if len(key) != 33 or key[:1] != KIND or key_id.hex() != told:
        raise ValueError("not the verifier of a witness that cosigns with Ed25519")
    return Witness(name, key_id, key[1:])


def cosigned(witness: Witness, note: str, answer: str) -> tuple[str, int] | None:
    """The line of an answer with which this witness has signed the note, and when (seconds since 1970)."""
    text = note.rpartition("\n\n")[0] + "\n"
    for line in answer.splitlines():
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or name != witness.name:
            continue
        try:
            signature = base64.b64decode(encoded, validate=True)
            if signature[:4] != witness.key_id or len(signature) != 4 + 8 + 64:
                continue
            moment = int.from_bytes(signature[4:12], "big")
            signed = f"cosignature/v1\ntime {moment}\n{text}".encode()
            Ed25519PublicKey.from_public_bytes(witness.public).verify(signature[12:], signed)
        except (ValueError, InvalidSignature):
            continue
        return line, moment
    return None
