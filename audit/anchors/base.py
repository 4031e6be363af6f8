"""What an anchor is: a place with another administrator that keeps a checkpoint."""

from typing import NamedTuple, Protocol

from audit.models import Checkpoint


class AnchorError(Exception):
    """The anchor did not take a checkpoint, or what it holds can't be relied on. Says what to do."""


class Held(NamedTuple):
    """What an anchor bears witness to: the log had so many records and this root."""

    size: int
    root: bytes


class Anchor(Protocol):
    kind: str
    every: int
    """Seconds between two anchorings at the least; 0: every checkpoint."""

    def anchor(self, checkpoint: Checkpoint) -> str:
        """Hand over a checkpoint; the receipt.

        :raises AnchorError:
        """

    def held(self) -> Held | None:
        """What the place itself says it holds; None where it can't be asked, or holds nothing.

        :raises AnchorError: when what it holds can't be relied on.
        """
