"""What was found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    """record, tile, outbox, checkpoint, anchor, trigger or task"""
    seq: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.kind}{f' {self.seq}' if self.seq else ''}: {self.message}"


def missing(seq: int, count: int) -> Problem:
    return Problem("record", seq, "is missing" + (f", and {count - 1} more after it" if count > 1 else ""))
