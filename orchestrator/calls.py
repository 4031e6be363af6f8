"""The log line of each call to an agent."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType

import structlog

from shop_assistant.agents import Context, registry
from shop_assistant.agents.errors import AgentError, PermanentError
from shop_assistant.logs import call_logged

from .outcome import Outcome

log = structlog.get_logger("shop")


class Call:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.task_id = context.task_id
        self.status = "success"

    def outcome(self, outcome: Outcome) -> None:
        self.task_id = outcome.task_id  # of a repeated request: the first one's
        self.status = "accepted" if outcome.accepted else "success"

    def failed(self, error: AgentError, cause: BaseException | None) -> None:
        """What the caller is told, and what was behind it."""
        self.status = error.code
        if isinstance(error, PermanentError):
            self.escalate(cause or error)

    def escalate(self, error: BaseException) -> None:
        """Permanent: an ERROR line with the places in the code, without the message, which may hold personal data."""
        log.error(
            "UNEXPECTED_ERROR",
            task_id=str(self.context.task_id),
            user_id=self.context.user_id,
            agent="Orchestrator",
            status=type(error).__name__,
            traceback=places(error.__traceback__),
        )


def places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


@contextmanager
def logged_call(agent: str, context: Context) -> Iterator[Call]:
    call, began = Call(context), perf_counter()
    try:
        yield call
    except AgentError as error:
        call.failed(error, error.__cause__)
        raise
    finally:
        call_logged.set(True)
        found = registry.agents.get(agent)
        log.info(
            "AGENT_CALL",
            task_id=str(call.task_id),
            user_id=context.user_id,
            agent=found.title if found else "Orchestrator",
            duration_ms=round((perf_counter() - began) * 1000, 1),
            status=call.status,
        )
