"""Who asks, through which door, and what the answering agents do meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from .fields import iso_utc


class Actor(Protocol):
    """What the framework needs of a user."""

    public_id: str
    is_active: Any

    def has_perm(self, perm: str, obj: Any = None) -> bool: ...


class Trace:
    """The calls made for one task, in the order they began (`TaskState.agent_calls`)."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    @contextmanager
    def step(self, agent: str, operation: str, attempt: int = 1) -> Iterator[None]:
        call: dict[str, Any] = {
            "agent": agent,
            "operation": operation,
            "started_at": iso_utc(datetime.now(UTC)),
            "attempt": attempt,
        }
        self.calls.append(call)
        began = perf_counter()
        try:
            yield
        except Exception as error:
            call.update(status="failed", error=getattr(error, "code", type(error).__name__))
            raise
        else:
            call.update(status="success", error=None)
        finally:
            call["duration_ms"] = round((perf_counter() - began) * 1000, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    user: Actor
    """Whose permissions count."""
    channel: str = "python"
    """rest, admin, command, worker or python."""
    on_behalf_of: str | None = None
    """public_id of the user a service acts for."""
    address: str = ""
    """Keyed hash of the network address, for counting refusals."""
    session_id: str = ""
    page: str = ""
    idempotency_key: str | None = None
    respond_async: bool = False
    task_id: UUID = field(default_factory=uuid7)
    trace: Trace = field(default_factory=Trace)

    @property
    def user_id(self) -> str:
        return self.on_behalf_of or self.user.public_id

    def step(self, agent: str, operation: str) -> Any:
        """Time a part of the work that another agent does: `with context.step("pricing", "calculate"):`."""
        return self.trace.step(agent, operation)
