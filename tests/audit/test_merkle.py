"""The hashes of the log, against RFC 6962's own words and against known values."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import GENESIS, chain_hash, leaf_hash


def test_the_empty_leaf_is_that_of_the_certificate_transparency_test_vectors():
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_the_log_begins_with_32_zero_bytes():
    assert bytes(32) == GENESIS


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_leaf_and_chain_are_plain_sha_256_of_their_parts(payload: bytes, previous: bytes):
    leaf = leaf_hash(payload)
    assert leaf == hashlib.sha256(b"\x00" + payload).digest()
    assert chain_hash(previous, leaf) == hashlib.sha256(previous + leaf).digest()


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_a_leaf_is_no_hash_of_the_payload_alone(first: bytes, second: bytes):
    """The prefix byte parts leaves from inner nodes: no two records can pass for a node."""
    assert leaf_hash(first + second) != hashlib.sha256(first + second).digest()
