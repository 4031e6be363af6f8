"""The log itself: each record, the chain, the tree over it, and what was said of that tree."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from audit.merkle import GENESIS, chain_hash
from audit.models import AuditRecord
from audit.payloads import wrong_in

from .problem import Problem, missing
from .reading import Look, Row, chunks, in_turn
from .statements import Statements
from .tree import KeptTiles, Tree


def verify_records(
    first: int = 1,
    *,
    look: Look = in_turn,
    statements: Statements | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> Iterator[Problem]:
    """Each record against its own payload and against the one before.

    From the first record on (and not only from `first`) also the tree over them: its tiles, and what is stated of it.
    """
    before = AuditRecord.objects.filter(seq=first - 1).values_list("chain", flat=True).first()
    if first > 1 and before is None:
        yield Problem("record", first - 1, "is missing")
    log = _Log(bytes(before or GENESIS), first)
    tree, tiles = (Tree() if first == 1 else None), KeptTiles()
    for rows, doubtful in look(chunks(first, statements.vouched if statements else 0)):
        if doubtful or not log.follows(rows):
            yield from log.closely(rows, set(doubtful))
        if tree is not None:
            for upto, leaves in _pieces(rows, statements):
                yield from tiles.compare(tree.extend(leaves))
                if statements and upto:
                    yield from statements.compare(upto, tree.root())
        log.go_on(rows)
        progress(len(rows))
    if tree is not None:
        yield from tiles.end()
        if statements:
            yield from statements.end(log.expected - 1)


class _Log:
    """Where in the log we are: which record must come next, and which chain it must follow."""

    def __init__(self, chain: bytes, expected: int) -> None:
        self.chain, self.expected = chain, expected

    def follows(self, rows: list[Row]) -> bool:
        """Does all of it follow, record by record? Quickly."""
        if rows[0][0] != self.expected or rows[-1][0] != self.expected + len(rows) - 1:
            return False
        before = [self.chain, *(row[2] for row in rows[:-1])]
        return before == [row[1] for row in rows] and all(sha256(row[1] + row[4]).digest() == row[2] for row in rows)

    def closely(self, rows: list[Row], doubtful: set[int]) -> Iterator[Problem]:
        chain, expected = self.chain, self.expected
        for place, row in enumerate(rows):
            seq, prev, follows, leaf = row[0], row[1], row[2], row[4]
            if seq != expected:
                yield missing(expected, seq - expected)
            if place in doubtful:
                yield from (Problem("record", seq, message) for message in wrong_in(row[3:]))
            if prev != chain:
                yield Problem("record", seq, "does not follow the record before it")
            if follows != chain_hash(prev, leaf):
                yield Problem("record", seq, "its chain value was changed")
            chain, expected = follows, seq + 1

    def go_on(self, rows: list[Row]) -> None:
        self.chain, self.expected = rows[-1][2], rows[-1][0] + 1


def _pieces(rows: list[Row], statements: Statements | None) -> Iterator[tuple[int, list[bytes]]]:
    """The leaves up to each size of which something is said, with that size; then the rest, with 0."""
    begin = 0
    for place, row in enumerate(rows) if statements and 0 < statements.next_size <= rows[-1][0] else ():
        if statements and 0 < statements.next_size <= row[0]:
            yield row[0], [row[4] for row in rows[begin : place + 1]]
            begin = place + 1
    yield 0, [row[4] for row in rows[begin:]]
