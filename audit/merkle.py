"""Hashes of the log (RFC 6962, section 2.1). Pure: bytes in, bytes out."""

import hashlib

GENESIS = bytes(32)
"""`prev` of the first record."""


def leaf_hash(payload: bytes) -> bytes:
    """SHA-256(0x00 || payload)"""
    return hashlib.sha256(b"\x00" + payload).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """SHA-256(previous chain || leaf)"""
    return hashlib.sha256(previous + leaf).digest()
