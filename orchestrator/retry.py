"""Which faults pass by themselves, and trying again: exponential backoff with full jitter, sub-second."""

from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from shop_assistant.agents.errors import AgentError, InternalError, TransientError

T = TypeVar("T")

ATTEMPTS = 4
FIRST_WAIT = 0.05
LONGEST_WAIT = 0.4


def is_transient(error: BaseException) -> bool:
    """Time-outs, lock and serialization failures, lost connections, others' rate limits."""
    if isinstance(error, TransientError):
        return True
    if isinstance(error, OperationalError | InterfaceError):
        return not _lasting(error)
    return isinstance(error, TimeoutError | ConnectionError)


def _lasting(error: Exception) -> bool:
    """Operational errors that waiting will not mend: a full disk, a missing table or column."""
    text = str(error).lower()
    return any(sign in text for sign in ("no such table", "no such column", "disk is full", "malformed", "readonly"))


def with_retry(work: Callable[[int], T]) -> T:
    """Run `work(attempt)` until it succeeds, fails for good, or has failed four times."""
    try:
        return work(1)
    except Exception as error:
        if not is_transient(error):
            raise
        first = error
    for attempt in Retrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT),
        before_sleep=_drop_broken_connection,
        reraise=True,
    ):
        with attempt:
            if attempt.retry_state.attempt_number == 1:
                raise first
            return work(attempt.retry_state.attempt_number)
    raise AssertionError("unreachable: tenacity reraises")


def _drop_broken_connection(state: RetryCallState) -> None:
    """A lost connection stays lost until it is closed; inside somebody's transaction it is theirs to end."""
    if not connection.in_atomic_block and not connection.is_usable():
        connection.close()


def classify(error: Exception) -> AgentError:
    """The contract's error for whatever went wrong."""
    if isinstance(error, AgentError):
        return error
    return TransientError() if is_transient(error) else InternalError()
