"""The log's hashes and proofs, against the RFCs' own words, published vectors and another implementation."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from audit.merkle import (
    EMPTY_ROOT,
    GENESIS,
    Frontier,
    chain_hash,
    complete_root,
    consistency_holds,
    consistency_spans,
    inclusion_holds,
    inclusion_spans,
    inclusion_steps,
    joined,
    leaf_hash,
    node_hash,
    proof,
    root_from_inclusion,
    subtrees,
)

# The inputs, roots and proofs of certificate-transparency's own tests:
# https://github.com/google/certificate-transparency/blob/master/cpp/merkletree/merkle_tree_test.cc
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
RIGHT = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LAST = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
THIRD_PAIR = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSIONS = [
    (0, 1, []),
    (0, 8, [SECOND, PAIR, RIGHT]),
    (5, 8, [FIFTH, LAST, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], PAIR, FIFTH]),
]
CONSISTENCIES = [
    (1, 1, []),
    (1, 8, [SECOND, PAIR, RIGHT]),
    (6, 8, [THIRD_PAIR, LAST, ROOTS[3]]),
    (2, 5, [PAIR, FIFTH]),
]
PUBLISHED = [leaf_hash(bytes.fromhex(told)) for told in INPUTS]


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1"""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def audit_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1"""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*audit_path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*audit_path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def consistency_proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of RFC 6962, 2.1.2"""
    if m == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*consistency_proof(m, leaves[:k], whole), tree_hash(leaves[k:])]
    return [*consistency_proof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def largest_power_below(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def made(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    return proof(inclusion_spans(index, len(leaves)), lambda subtree: subtree_hash(subtree, leaves))


def consistency(old: int, leaves: list[bytes]) -> list[bytes]:
    return proof(consistency_spans(old, len(leaves)), lambda subtree: subtree_hash(subtree, leaves))


def subtree_hash(subtree: tuple[int, int], leaves: list[bytes]) -> bytes:
    level, index = subtree
    found = leaves[index << level : (index + 1) << level]
    assert len(found) == 1 << level, "only complete subtrees are asked for"
    return complete_root(found)


def bent(hash_: bytes) -> bytes:
    return bytes([hash_[0] ^ 1]) + hash_[1:]


some_log = st.integers(1, 300).map(made)
log_and_leaf = some_log.flatmap(lambda leaves: st.tuples(st.just(leaves), st.integers(0, len(leaves) - 1)))
log_and_size = some_log.flatmap(lambda leaves: st.tuples(st.just(leaves), st.integers(1, len(leaves))))


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int):
    frontier = Frontier()
    frontier.extend(PUBLISHED[:size])
    assert frontier.root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_published_inclusions(index: int, size: int, path: list[str]):
    found = inclusion(index, PUBLISHED[:size])
    assert [hash_.hex() for hash_ in found] == path
    assert inclusion_holds(index, size, PUBLISHED[index], found, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "size", "path"), CONSISTENCIES)
def test_published_consistencies(old: int, size: int, path: list[str]):
    found = consistency(old, PUBLISHED[:size])
    assert [hash_.hex() for hash_ in found] == path
    assert consistency_holds(old, size, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[size - 1]), found)


@given(some_log)
def test_the_frontier_is_the_tree_of_the_rfc(leaves: list[bytes]):
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT == tree_hash([])
    frontier.extend(leaves)
    assert frontier.root() == tree_hash(leaves)
    assert (frontier.size, len(frontier.hashes)) == (len(leaves), len(leaves).bit_count())
    assert frontier.root() == joined([subtree_hash(subtree, leaves) for subtree in subtrees((0, len(leaves)))])


@given(log_and_leaf)
def test_inclusion_is_the_path_of_the_rfc(case: tuple[list[bytes], int]):
    leaves, index = case
    path = inclusion(index, leaves)
    assert path == audit_path(index, leaves)
    assert inclusion_holds(index, len(leaves), leaves[index], path, tree_hash(leaves))


@given(log_and_size)
def test_consistency_is_the_proof_of_the_rfc(case: tuple[list[bytes], int]):
    leaves, old = case
    path = consistency(old, leaves)
    assert path == consistency_proof(old, leaves)
    assert consistency_holds(old, len(leaves), tree_hash(leaves[:old]), tree_hash(leaves), path)


@given(log_and_leaf, st.data())
def test_an_inclusion_bent_anywhere_does_not_hold(case: tuple[list[bytes], int], data: st.DataObject):
    leaves, index = case
    size, root, path = len(leaves), tree_hash(leaves), audit_path(index, leaves)
    assert not inclusion_holds(index, size, bent(leaves[index]), path, root)
    assert not inclusion_holds(index, size, leaves[index], path, bent(root))
    assert not inclusion_holds(index, size, leaves[index], [*path, root], root)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        assert not inclusion_holds(index, size, leaves[index], [*path[:place], *path[place + 1 :]], root)
        assert not inclusion_holds(
            index, size, leaves[index], [*path[:place], bent(path[place]), *path[place + 1 :]], root
        )
    other = data.draw(st.integers(-1, size + 1).filter(lambda number: number != index))
    assert not inclusion_holds(other, size, leaves[index], path, root)


@given(log_and_size, st.data())
def test_a_consistency_bent_anywhere_does_not_hold(case: tuple[list[bytes], int], data: st.DataObject):
    leaves, old = case
    size, roots, path = len(leaves), (tree_hash(leaves[:old]), tree_hash(leaves)), consistency_proof(old, leaves)
    assert not consistency_holds(old, size, bent(roots[0]), roots[1], path)
    assert not consistency_holds(old, size, roots[0], bent(roots[1]), path)
    assert not consistency_holds(old, size, *roots, [*path, roots[0]])
    assert not consistency_holds(size + 1, size, *roots, path)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        assert not consistency_holds(old, size, *roots, [*path[:place], *path[place + 1 :]])
        assert not consistency_holds(old, size, *roots, [*path[:place], bent(path[place]), *path[place + 1 :]])


def test_every_log_begins_with_the_empty_one_and_with_itself():
    root = tree_hash(made(5))
    assert consistency_holds(0, 5, EMPTY_ROOT, root, [])
    assert not consistency_holds(0, 5, root, root, [])
    assert consistency_holds(5, 5, root, root, [])


@pytest.mark.parametrize(
    ("index", "size", "count", "said"),
    [
        (5, 5, 0, "no leaf 5"),
        (-1, 5, 0, "no leaf"),
        (0, 0, 0, "no leaf"),
        (0, 4, 1, "too short"),
        (0, 4, 3, "too long"),
    ],
)
def test_a_path_that_does_not_fit_says_why(index: int, size: int, count: int, said: str):
    with pytest.raises(ValueError, match=said):
        inclusion_steps(index, size, GENESIS, [GENESIS] * count)


def test_the_steps_of_an_inclusion_lead_from_the_leaf_to_the_root():
    leaves = made(7)
    steps = inclusion_steps(4, 7, leaves[4], audit_path(4, leaves))
    assert steps[0] == (leaves[4], leaves[5])
    assert [node_hash(*step) for step in steps][-1] == tree_hash(leaves)
    assert node_hash(*steps[0]) in steps[1]
    assert root_from_inclusion(0, 1, leaves[0], []) == leaves[0]


@pytest.fixture(scope="module")
def other_tree() -> Any:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(40):
        tree.append_entry(str(number).encode())
    return tree


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 31, 32, 33, 40])
def test_pymerkle_comes_to_the_same(size: int, other_tree: Any):
    leaves = made(size)
    assert other_tree.get_root(size) == tree_hash(leaves)
    for index in range(size):
        theirs = other_tree.prove_inclusion(index + 1, size)
        verify_inclusion(leaves[index], tree_hash(leaves), theirs)
        assert theirs.path[1:] == inclusion(index, leaves)
    for old in range(1, size + 1):
        theirs = other_tree.prove_consistency(old, size)
        verify_consistency(tree_hash(leaves[:old]), tree_hash(leaves), theirs)
        assert consistency_holds(old, size, tree_hash(leaves[:old]), tree_hash(leaves), consistency(old, leaves))


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
