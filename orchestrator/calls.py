"""The log line of each call to an agent."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Any

import structlog

from shop_assistant import measuring
from shop_assistant.agents import Context, registry
from shop_assistant.agents.errors import AgentError, PermanentError
from shop_assistant.logs import call_logged
from shop_assistant.measuring import timed_statements

from .outcome import Outcome

log = structlog.get_logger("shop")
CLASSES = {401: "access", 403: "access", 429: "access", 409: "conflict", 503: "transient"}
"""The contract's class of an error by its status: a repeated refusal has no class of Python's left."""


class Call:
    def __init__(self, agent: str, operation: Any, context: Context) -> None:
        found = registry.agents.get(agent)
        self.title = found.title if found else "Orchestrator"
        self.agent = found.name if found else "orchestrator"
        known = found and isinstance(operation, str) and operation in found.operations
        self.operation = operation if known else "unknown"
        self.context = context
        self.task_id = context.task_id
        self.status = "success"

    def outcome(self, outcome: Outcome) -> None:
        self.task_id = outcome.task_id  # of a repeated request: the first one's
        self.status = "accepted" if outcome.accepted else "success"

    def failed(self, error: AgentError, cause: BaseException | None) -> None:
        """What the caller is told, and what was behind it."""
        self.status = error.code
        count_error(self.agent, error)
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


def measure(call: Call, seconds: float, in_database: float) -> None:
    measuring.calls.labels(call.agent, call.operation, call.status).observe(seconds)
    measuring.database.labels(call.agent, call.operation).inc(in_database)


def count_error(agent: str, error: AgentError) -> None:
    measuring.errors.labels(agent, CLASSES.get(error.status, "permanent" if error.status >= 500 else "semantic")).inc()


@contextmanager
def logged_call(agent: str, operation: Any, context: Context) -> Iterator[Call]:
    """:param operation: as it was asked for: anything may stand there."""
    call, began = Call(agent, operation, context), perf_counter()
    try:
        with timed_statements() as statements:
            yield call
    except AgentError as error:
        call.failed(error, error.__cause__)
        raise
    finally:
        call_logged.set(True)
        measure(call, perf_counter() - began, statements.seconds)
        log.info(
            "AGENT_CALL",
            task_id=str(call.task_id),
            user_id=context.user_id,
            agent=call.title,
            duration_ms=round((perf_counter() - began) * 1000, 1),
            status=call.status,
        )
