"""The log's hashes and proofs (RFC 6962, section 2.1; RFC 9162, section 2.1). Pure: bytes in, bytes out.

A *subtree* (level, index) is the complete one over the leaves [index * 2**level, (index + 1) * 2**level); from the
hashes of such subtrees alone every root and every proof is made.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

_sha256 = hashlib.sha256
GENESIS = bytes(32)
"""`prev` of the first record."""
EMPTY_ROOT = _sha256().digest()
"""Root of a log without leaves."""

Subtree = tuple[int, int]
"""level, index"""
Span = tuple[int, int]
"""The leaves [first, last), counted from 0."""


def leaf_hash(payload: bytes) -> bytes:
    """SHA-256(0x00 || payload)"""
    return _sha256(b"\x00" + payload).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)"""
    return _sha256(b"\x01" + left + right).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """SHA-256(previous chain || leaf)"""
    return _sha256(previous + leaf).digest()


class Frontier:
    """A growing tree, kept as the hashes of its largest complete subtrees: as many as `size` has bits set."""

    __slots__ = ("hashes", "size")

    def __init__(self) -> None:
        self.size = 0
        self.hashes: list[bytes] = []
        """From the largest subtree, which is the leftmost, to the smallest."""

    def append(self, leaf: bytes) -> None:
        size, hashes = self.size, self.hashes
        self.size = size + 1
        while size & 1:
            leaf = _sha256(b"\x01" + hashes.pop() + leaf).digest()
            size >>= 1
        hashes.append(leaf)

    def extend(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        return joined(self.hashes)


def joined(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees side by side, each smaller than the one to its left."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [_sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]


def subtrees(span: Span) -> list[Subtree]:
    """The complete subtrees side by side that make up a span of a tree as RFC 6962 splits it, from the left."""
    first, last = span
    found = []
    while first < last:
        level = (last - first).bit_length() - 1
        found.append((level, first >> level))
        first += 1 << level
    return found


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Whose roots prove that leaf `index` is in the tree of `size` leaves, from the leaf's sibling upwards.

    PATH(m, D[n]) of RFC 6962.
    """
    spans, first, last = [], 0, size
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            spans.append((middle, last))
            last = middle
        else:
            spans.append((first, middle))
            first = middle
    return spans[::-1]


def consistency_spans(old: int, size: int) -> list[Span]:
    """Whose roots prove that the tree of `old` leaves, at least one, begins the tree of `size` leaves.

    PROOF(m, D[n]) of RFC 6962.
    """
    spans: list[Span] = []
    first, last, whole = 0, size, True
    while old != last:
        middle = first + _split(last - first)
        if old <= middle:
            spans.append((middle, last))
            last = middle
        else:
            spans.append((first, middle))
            first, whole = middle, False
    if not whole:
        spans.append((first, last))
    return spans[::-1]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def proof(spans: Iterable[Span], hash_of: Callable[[Subtree], bytes]) -> list[bytes]:
    """The roots of these spans, from the hashes of complete subtrees."""
    return [joined([hash_of(subtree) for subtree in subtrees(span)]) for span in spans]


def inclusion_steps(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """What is hashed, left and right, on the way from the leaf up to the root (RFC 9162, section 2.1.3.2).

    :raises ValueError: when there is no such leaf, or the path is too short or too long for it.
    """
    number, last, current, steps = index, size - 1, leaf, []
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if number & 1 or number == last:
            steps.append((sibling, current))
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            steps.append((current, sibling))
        current = node_hash(*steps[-1])
        number, last = number >> 1, last >> 1
    if last:
        raise ValueError("the path is too short")
    return steps


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that this path leads to.

    :raises ValueError: as `inclusion_steps` does.
    """
    steps = inclusion_steps(index, size, leaf, path)
    return node_hash(*steps[-1]) if steps else leaf


def inclusion_holds(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Does the path show that this leaf is number `index` (from 0) of the tree of `size` leaves with this root?"""
    try:
        return root_from_inclusion(index, size, leaf, path) == root
    except ValueError:
        return False


def consistency_holds(old: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Does the path show that the log of `old` leaves begins the log of `size` leaves (RFC 9162, section 2.1.4.2)?"""
    if old in (0, size):
        return old <= size and old_root == (root if old else EMPTY_ROOT) and not path
    if not 0 < old < size:
        return False
    number, last = old - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    begun, *rest = path if number else [old_root, *path]
    of_old = of_new = begun
    for sibling in rest:
        if last == 0:
            return False
        if number & 1 or number == last:
            of_old, of_new = node_hash(sibling, of_old), node_hash(sibling, of_new)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            of_new = node_hash(of_new, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and (of_old, of_new) == (old_root, root)
