"""Proofs in a few short reads, however long the log: the roots of whole tiles of 256 are kept.

The idea is that of Go's checksum database (https://research.swtch.com/tlog, "Tiling a log"): a proof needs hashes
of complete subtrees, and each of them is made of at most 256 leaves or tiles that lie side by side.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Max, Q

from .merkle import (
    Span,
    Subtree,
    complete_root,
    consistency_spans,
    inclusion_spans,
    proof,
    root_from_inclusion,
    subtrees,
)
from .models import AuditRecord, MerkleTile

HEIGHT = 8
WIDTH = 1 << HEIGHT
AT_ONCE = 64

Range = tuple[int, int]
"""The tiles of a level, or the leaves, [first, last)."""
Read = dict[int, dict[int, bytes]]


class NoProof(LookupError):
    """The log has no such record or size, or not all of what a proof of it is made of. The message says which."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Shows that the leaf is number `index` (from 0) among the `size` leaves with this root."""

    index: int
    size: int
    leaf: bytes
    root: bytes
    path: list[bytes]


@dataclass(frozen=True, slots=True)
class Consistency:
    """Shows that the first log begins the second."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    path: list[bytes]


def log_size() -> int:
    return AuditRecord.objects.aggregate(size=Max("seq"))["size"] or 0


def extend(*, anew_from: int | None = None) -> int:
    """Keep the roots of the tiles that are whole by now; how many. For the sealer, within its transaction.

    It goes on from the last tile kept, so the first call makes those of a log that has none yet. Where a record is
    missing it stops: sealing goes on, and the verifier tells.

    :param anew_from: the first record that was sealed again: tiles over it and those after it are made anew.
    """
    level, filled, made = 1, log_size() >> HEIGHT, 0
    while filled:
        try:
            for start in range(_begin(level, anew_from), filled, AT_ONCE):
                made += len(MerkleTile.objects.bulk_create(_tiles(level, start, min(start + AT_ONCE, filled))))
        except NoProof:
            break
        level, filled = level + 1, filled >> HEIGHT
    return made


def _begin(level: int, anew_from: int | None) -> int:
    """The first tile to make."""
    last = MerkleTile.objects.filter(level=level).aggregate(last=Max("index"))["last"]
    begin = 0 if last is None else last + 1
    return begin if anew_from is None else min(begin, (anew_from - 1) >> HEIGHT * level)


def _tiles(level: int, first: int, last: int) -> list[MerkleTile]:
    hashes = _read({level - 1: [(first * WIDTH, last * WIDTH)]})[level - 1]
    return [
        MerkleTile(
            level=level,
            index=index,
            root=complete_root([hashes[place] for place in range(index * WIDTH, (index + 1) * WIDTH)]),
        )
        for index in range(first, last)
    ]


def root_at(size: int) -> bytes:
    """The Merkle root of the first `size` records.

    :raises NoProof:
    """
    return _hashes([(0, size)]).of([(0, size)])[0]


def inclusion(seq: int, size: int) -> Inclusion:
    """Proof that record `seq` (from 1) is in the log of the first `size` records.

    :raises NoProof:
    """
    if not 1 <= seq <= size:
        raise NoProof(f"Record {seq} is not among the first {size}.")
    index = seq - 1
    spans = [(index, seq), *inclusion_spans(index, size)]
    leaf, *path = _hashes(spans).of(spans)
    return Inclusion(index, size, leaf, root_from_inclusion(index, size, leaf, path), path)


def consistency(first: int, second: int) -> Consistency:
    """Proof that the log of the first `first` records begins that of the first `second`.

    :raises NoProof:
    """
    if not 1 <= first <= second:
        raise NoProof(f"A log of {first} records does not begin one of {second}.")
    whole = [(0, first), (0, second)]
    spans = consistency_spans(first, second)
    old_root, root, *path = _hashes([*whole, *spans]).of([*whole, *spans])
    return Consistency(first, second, old_root, root, path)


class _Hashes:
    """Hashes of complete subtrees, from the leaves and tiles that were read for them."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def of(self, spans: Iterable[Span]) -> list[bytes]:
        return proof(spans, self._hash)

    def _hash(self, subtree: Subtree) -> bytes:
        level, first, last = _place(subtree)
        return complete_root([self._read[level][index] for index in range(first, last)])


def _hashes(spans: Iterable[Span]) -> _Hashes:
    """All that these spans need, in one query of leaves and one of tiles."""
    wanted: dict[int, set[Range]] = {}
    for span in spans:
        for level, first, last in map(_place, subtrees(span)):
            wanted.setdefault(level, set()).add((first, last))
    return _Hashes(_read({level: _merged(ranges) for level, ranges in wanted.items()}))


def _place(subtree: Subtree) -> tuple[int, int, int]:
    """The level of tiles (0: leaves), and which of them [first, last) the subtree lies over."""
    height, index = subtree
    level, wide = divmod(height, HEIGHT)
    return level, index << wide, (index + 1) << wide


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """The same in as few ranges as possible."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _read(wanted: dict[int, list[Range]]) -> Read:
    """Hashes by level and index; of level 0 the leaves.

    :raises NoProof: when one is missing.
    """
    found: Read = {level: {} for level in wanted}
    if 0 in wanted:
        within = reduce(or_, (Q(seq__gt=first, seq__lte=last) for first, last in wanted[0]))
        for seq, leaf in AuditRecord.objects.filter(within).values_list("seq", "leaf"):
            found[0][seq - 1] = bytes(leaf)
    places = [(level, first, last) for level, ranges in wanted.items() if level for first, last in ranges]
    if places:
        within = reduce(or_, (Q(level=level, index__gte=first, index__lt=last) for level, first, last in places))
        tiles = MerkleTile.objects.filter(within).order_by("id")  # of two in one place the later counts
        for level, index, root in tiles.values_list("level", "index", "root"):
            found[level][index] = bytes(root)
    for level, ranges in wanted.items():
        if len(found[level]) != sum(last - first for first, last in ranges):
            gone = next(n for first, last in ranges for n in range(first, last) if n not in found[level])
            what = f"tile {gone} of level {level}" if level else f"record {gone + 1}"
            raise NoProof(f"The log can't prove this: {what} is missing. See `manage.py audit_verify`.")
    return found
