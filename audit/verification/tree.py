"""The tree that the records make, against the tiles that are kept of it."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from django.db.models import Max

from audit.merkle import Frontier, complete_root, joined
from audit.models import MerkleTile
from audit.tiles import WIDTH, log_size

from .problem import Problem

Tile = tuple[int, int, bytes]
"""level, index, root"""


class Tree:
    """Grows by many leaves at a time."""

    def __init__(self) -> None:
        self._pending: list[list[bytes]] = [[]]
        """By level: leaves, or roots of tiles, that make no whole tile yet."""
        self._made = [0]

    def extend(self, leaves: Sequence[bytes]) -> list[Tile]:
        """The tiles that these leaves make whole."""
        done: list[Tile] = []
        self._add(0, leaves, done)
        return done

    def _add(self, level: int, hashes: Sequence[bytes], done: list[Tile]) -> None:
        if level == len(self._pending):
            self._pending.append([])
            self._made.append(0)
        pending = self._pending[level]
        pending += hashes
        whole = len(pending) // WIDTH
        roots = [complete_root(pending[n * WIDTH : (n + 1) * WIDTH]) for n in range(whole)]
        if roots:
            del pending[: whole * WIDTH]
            done += [(level + 1, index, root) for index, root in enumerate(roots, self._made[level])]
            self._made[level] += whole
            self._add(level + 1, roots, done)

    def root(self) -> bytes:
        hashes = []
        for pending in reversed(self._pending):
            frontier = Frontier()
            frontier.extend(pending)
            hashes += frontier.hashes
        return joined(hashes)


class KeptTiles:
    """The tiles in the database, level by level alongside the log. What is not made yet is no problem."""

    def __init__(self) -> None:
        self._levels: dict[int, Iterator[tuple[int, bytes]]] = {}
        self._next: dict[int, tuple[int, bytes] | None] = {}
        self._wrong = 0

    def compare(self, done: list[Tile]) -> Iterator[Problem]:
        """Names the first; a record that is gone would make all tiles after it wrong."""
        for level, index, root in done:
            kept = self._at(level, index)
            if kept is not None and kept != (index, root):
                self._wrong += 1
                if self._wrong == 1:
                    said = "is missing" if kept[0] != index else "does not fit them"
                    yield Problem("tile", index * WIDTH**level + 1, f"{_named(level, index)} {said}")

    def end(self) -> Iterator[Problem]:
        """What is left after the last record."""
        if self._wrong > 1:
            yield Problem("tile", None, f"{self._wrong - 1} more are wrong, or missing")
        last = MerkleTile.objects.filter(level=1).aggregate(last=Max("index"))["last"]
        size = log_size()  # asked for after the tiles, since the log may be growing
        if last is not None and (last + 1) * WIDTH > size:
            yield Problem("tile", size + 1, f"the log ends before it, but tiles cover {(last + 1) * WIDTH} records")

    def _at(self, level: int, index: int) -> tuple[int, bytes] | None:
        """The tile of this index, or the first that is kept after it."""
        if level not in self._levels:
            self._levels[level] = _kept(level)
            self._next[level] = next(self._levels[level], None)
        while (kept := self._next[level]) is not None and kept[0] < index:
            self._next[level] = next(self._levels[level], None)
        return kept


def _kept(level: int) -> Iterator[tuple[int, bytes]]:
    tiles = MerkleTile.objects.filter(level=level).order_by("index", "id").values_list("index", "root")
    for index, rows in groupby(tiles.iterator(), key=itemgetter(0)):
        *_, (_, root) = rows
        yield index, bytes(root)


def _named(level: int, index: int) -> str:
    covered = WIDTH**level
    return f"the tile over records {index * covered + 1} to {(index + 1) * covered}"
