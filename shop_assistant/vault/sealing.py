"""AES-256-GCM, pure: bytes and keys in, bytes out. A nonce is 12 random bytes before the ciphertext."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class WrongKey(Exception):
    """The key does not open this, or it was tampered with or moved from its place."""


def encrypt(key: bytes, plain: bytes, place: str) -> bytes:
    """:param place: authenticated with the text, so that it opens nowhere else (model, row, field)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def decrypt(key: bytes, sealed: bytes, place: str) -> bytes:
    """:raises WrongKey:"""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError):
        raise WrongKey(f"Can't open what is sealed at {place}: wrong key, or tampered with.") from None
