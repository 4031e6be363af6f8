"""What came of a request."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    task_id: UUID
    data: Any = None
    """The operation's output as JSON values; None while it is only accepted."""
    receipt: str = ""
    """Of a write: `event_id:leaf` of its record."""
    accepted: bool = False
    """True: a worker will do it (202)."""
