"""What was said of the log: signed checkpoints, and the copies of them that the anchors hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

from django.core.exceptions import ImproperlyConfigured

from audit import anchors
from audit.checkpoints import public_keys
from audit.models import Anchoring, Checkpoint
from audit.signed_note import NoteError, read

from .problem import Problem


@dataclass(frozen=True, slots=True)
class Statement:
    """The log had so many records and this root."""

    size: int
    root: bytes
    kind: str
    """checkpoint or anchor"""
    told: str
    note: str = ""


class Statements:
    """Checkpoints and anchors by size, alongside the log.

    :param anchored: whether the anchors are asked, too.
    """

    def __init__(self, *, anchored: bool) -> None:
        self._problems: list[Problem] = []
        self._keys = self._public_keys()
        held = self._held() if anchored else []
        self._coming = merge(_checkpoints(), sorted(held, key=_order), key=_order)
        self._next = next(self._coming, None)
        self._wrong = 0
        self._holds = {"checkpoint": 0, "anchor": 0}
        """The largest size at which the log is what was said."""
        newest = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
        self.vouched: int = newest if self._keys else 0

    @property
    def next_size(self) -> int:
        """The size of which something is said next; 0 when nothing is."""
        return self._next.size if self._next else 0

    def compare(self, size: int, root: bytes) -> Iterator[Problem]:
        """All that is said of the log when it had this size, and that of sizes passed over."""
        while self._next and self._next.size <= size:
            said, self._next = self._next, next(self._coming, None)
            yield from self._signature(said)
            if said.size == size and said.root == root:
                self._holds[said.kind] = size
                continue
            self._wrong += 1
            if self._wrong == 1:
                first = self._holds[said.kind] + 1
                among = f"among records {first} to {said.size} one" if first < said.size else "this record"
                yield Problem(
                    said.kind, first, f"{among} was changed, added or taken away: {said.told} has another root"
                )

    def end(self, size: int) -> Iterator[Problem]:
        """What is said of a longer log than there is, and all that could not be asked."""
        beyond = 0
        while self._next:
            said, self._next = self._next, next(self._coming, None)
            yield from self._signature(said)
            beyond, told = said.size, said
        if beyond:
            gone = f"records {size + 1} to {beyond} are missing" if beyond > size + 1 else "is missing"
            yield Problem(told.kind, size + 1, f"{gone}: {told.told} covers {beyond}")
        if self._wrong > 1:
            yield Problem("checkpoint", None, f"{self._wrong - 1} more, of larger logs, have another root, too")
        yield from self._problems

    def _signature(self, said: Statement) -> Iterator[Problem]:
        if not self._keys or said.kind != "checkpoint":
            return
        try:
            signed = read(said.note, self._keys)
        except NoteError as error:
            yield Problem("checkpoint", said.size, f"its signature does not hold: {error}")
            return
        if (signed.size, signed.root) != (said.size, said.root):
            yield Problem("checkpoint", said.size, "its columns differ from its signed note")

    def _public_keys(self) -> list[str]:
        try:
            return public_keys()
        except ImproperlyConfigured as error:
            if Checkpoint.objects.exists():
                self._problems.append(Problem("checkpoint", None, f"no signature can be verified: {error}"))
            return []

    def _held(self) -> list[Statement]:
        held = []
        for anchor in anchors.configured():
            receipt = Anchoring.objects.filter(kind=anchor.kind).order_by("-size").values_list("size", "root").first()
            own = self._own(anchor, receipt[0] if receipt else 0)
            if own:
                held.append(Statement(own.size, own.root, "anchor", f"the anchor ({anchor.kind})"))
            if receipt and (not own or (own.size, own.root) != (receipt[0], bytes(receipt[1]))):
                told = f"the receipt of the anchor ({anchor.kind})"
                held.append(Statement(receipt[0], bytes(receipt[1]), "anchor", told))
        return held

    def _own(self, anchor: anchors.Anchor, receipt: int) -> anchors.Held | None:
        """What the place itself holds, which must be as much as it took: `receipt` was read before."""
        try:
            own = anchor.held_in_all() if isinstance(anchor, anchors.FileAnchor) else anchor.held()
        except anchors.AnchorError as error:
            self._problems.append(Problem("anchor", None, str(error)))
            return None
        if isinstance(anchor, anchors.FileAnchor) and (size := own.size if own else 0) < receipt:
            told = f"{anchor.path} took {receipt} records and holds {size}: it is gone, or lines were taken out of it"
            self._problems.append(Problem("anchor", None, told))
        return own


def _order(said: Statement) -> tuple[int, bool]:
    """Checkpoints come first: there are more of them, so they tell better where something was bent."""
    return said.size, said.kind == "anchor"


def _checkpoints() -> Iterator[Statement]:
    rows = Checkpoint.objects.order_by("size").values_list("size", "root", "note")
    for size, root, note in rows.iterator(chunk_size=500):
        yield Statement(size, bytes(root), "checkpoint", f"the checkpoint of {size} records", note)
