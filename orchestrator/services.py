"""The one door: every request to an agent walks through `dispatch`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.blocking import proposal_check
from audit.history import authored
from audit.services import denial_count
from shop_assistant.accounts.models import SYSTEM_USER_ID, User
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Context, Effect, Input, Operation, Output, registry
from shop_assistant.agents.errors import (
    AgentError,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    PermissionDenied,
    SemanticError,
    TransientError,
)
from shop_assistant.agents.payload import clean_payload

from . import records
from .calls import logged_call
from .idempotency import Claim, Taken, consult
from .leases import held
from .models import TaskState
from .outcome import Outcome
from .retry import classify, is_transient, with_retry
from .storing import LazySealer, dump_inputs, dump_refused, dump_sealed, open_stored
from .tasks import (
    LeaseLost,
    task_begin,
    task_claim,
    task_fail,
    task_finish,
    task_new,
    task_queue,
    task_requeue,
    task_store_failed,
    task_store_read,
)

TAKEOVER_ATTEMPTS = 10
"""How often a request looks again when others take its idempotency key at the same moment."""


@dataclass(slots=True)
class Work:
    """One operation on one input for one caller."""

    operation: Operation
    data: Input
    context: Context
    task: TaskState = field(init=False)

    def call(self, attempt: int) -> Output:
        """Let the agent do it, once."""
        agent = registry.agents[self.operation.agent]
        with self.context.trace.step(self.operation.agent, self.operation.name, attempt):
            output: Output = self.operation.func(agent, self.context, self.data)
            proposal_check(self.operation.label, self.data, output, self.context)
        return output

    def dump(self, output: Output) -> tuple[Any, Any]:
        """The output for the caller, and as it is stored."""
        seal = LazySealer(self.context.task_id, output.subject or self.data.subject)
        stored = dump_sealed(output, seal)
        return output.model_dump(mode="json") if seal.used else stored, stored

    def told(self, outputs: Any) -> Any:
        """The output as the trail tells it."""
        return outputs if self.operation.keeps_output else records.digest_only(outputs)


def dispatch(*, agent: str, operation: Any, payload: dict[str, Any], context: Context) -> Outcome:
    """Route, authorize, parse, run with retries, and leave a trace whatever happens.

    :raises AgentError: with the `task_id` under which the failure is stored.
    """
    with logged_call(agent, operation, context) as call:
        try:
            outcome = _dispatch(agent, operation, payload, context)
        except PermissionDenied as error:
            with suppress(DatabaseError):  # the refusal goes out in any case
                denial_count(
                    code=error.code,
                    user_id=context.user_id,
                    address=context.address,
                    route=str(error.details.get("permission", agent)),
                )
                error.recorded = True
            raise
        except AgentError:
            raise
        except Exception as error:
            raise classify(error) from error
        call.outcome(outcome)
        return outcome


def _dispatch(agent: str, operation: Any, payload: Any, context: Context) -> Outcome:
    chosen: Operation | None = None
    claim: Claim | None = None
    cleaned: dict[str, Any] = {}
    try:
        chosen = registry.get(agent, operation)
        chosen.authorize(context)
        cleaned = clean_payload(payload)
        for _ in range(TAKEOVER_ATTEMPTS):
            consulted = consult(chosen, cleaned, context)
            if isinstance(consulted, Outcome):
                return consulted
            claim = consulted
            try:
                data = chosen.parse(cleaned)
                chosen.authorize(context, data)
                return _run(Work(chosen, data, context), claim)
            except Taken:
                continue
        raise IdempotencyInProgress()
    except SemanticError as error:
        if error.task_id is None and not isinstance(error, IdempotencyKeyReused):
            _store_refusal(chosen, cleaned, context, error, claim)
        raise


def _store_refusal(
    operation: Operation | None, payload: Any, context: Context, error: AgentError, claim: Claim | None
) -> None:
    """A request refused before any agent was called leaves a failed task, too."""
    try:
        with transaction.atomic():
            task = task_new(operation, context, dump_refused(payload, context.task_id))
            task_store_failed(task, context.trace.calls, error, claim)
    except Taken:
        return  # a twin of this request was refused, and stored, at the same moment
    error.task_id = context.task_id


def _run(work: Work, claim: Claim | None) -> Outcome:
    if work.operation.effect(work.data) is Effect.READ and claim is None and not work.context.respond_async:
        return _read(work)
    begin = task_queue if work.context.respond_async else task_begin
    work.task = with_retry(lambda _: _begin(work, claim, begin))
    if work.context.respond_async:
        return Outcome(task_id=work.task.task_id, accepted=True)
    return _write(work)


def _begin(work: Work, claim: Claim | None, begin: Callable[[TaskState, Claim | None], None]) -> TaskState:
    """Transaction 1 of a write: the task, its inputs, its first record."""
    with _transaction(work, claim):
        task = task_new(work.operation, work.context, dump_inputs(work.data, None, work.context.task_id))
        begin(task, claim)
    return task


def _transaction(work: Work, claim: Claim | None) -> AbstractContextManager[Any]:
    """Where a task is all that is to be stored (no key for personal data, no claim, no message to a worker), its
    statement is a transaction by itself.
    """
    alone = not work.operation.personal and claim is None and not work.context.respond_async
    return nullcontext() if alone else transaction.atomic()


def _read(work: Work) -> Outcome:
    """The agent reads; then the task and its two records commit at once, before the answer leaves."""
    started_at = timezone.now()
    try:
        output = with_retry(work.call)
    except Exception as error:
        failure = _with_task(classify(error), work.context)
        with_retry(lambda _: _store_read(work, started_at, None, failure))
        raise failure from error
    return Outcome(task_id=work.context.task_id, data=with_retry(lambda _: _store_read(work, started_at, output, None)))


def _store_read(work: Work, started_at: datetime, output: Output | None, failure: AgentError | None) -> Any:
    """Store a read that has ended; returns its answer as JSON values."""
    context, plain = work.context, None
    with _transaction(work, None):
        task = task_new(work.operation, context, dump_inputs(work.data, output, context.task_id), started_at)
        if output is not None:
            if work.operation.keeps_output:
                plain, stored = work.dump(output)
            else:  # nobody will ask the task for it: no key is made, and nothing sealed
                plain = stored = output.model_dump(mode="json")
            text = work.operation.describe(work.data, output)
            task_store_read(task, context.trace.calls, work.told(stored), text)
        elif failure is not None:
            task_store_failed(task, context.trace.calls, failure, None)
    return plain


def _write(work: Work) -> Outcome:
    """A task in progress: the agent's whole effect, the task's end and its record commit together."""
    with held(work.task):
        try:
            return with_retry(lambda attempt: _perform(work, attempt))
        except LeaseLost:
            return _after_lost_lease(work)
        except Exception as error:
            raise _failed(work, error) from error


def _perform(work: Work, attempt: int) -> Outcome:
    """Transaction 2 of a write. It ends a copy of the task: after a rollback the original is as it was."""
    context, task = work.context, copy(work.task)
    with transaction.atomic(), authored(context.user_id, f"task {task.task_id}") as authorship:
        output = work.call(attempt)
        plain, stored = work.dump(output)
        text = work.operation.describe(work.data, output)
        receipt = task_finish(task, context.trace.calls, stored, work.told(stored), text, authorship.rows)
    return Outcome(task_id=task.task_id, data=plain, receipt=receipt if work.operation.writes else "")


def _after_lost_lease(work: Work) -> Outcome:
    """Either the commit of an attempt succeeded although its answer was lost, or we were taken for dead."""
    now = TaskState.objects.get(task_id=work.task.task_id)
    if now.status == TaskState.Status.COMPLETED:
        return Outcome(task_id=now.task_id, data=open_stored(now.outputs, now.task_id), receipt=now.receipt)
    raise _with_task(TransientError("This took too long and was given up; nothing was changed."), work.context)


def _failed(work: Work, error: Exception) -> AgentError:
    failure = _with_task(classify(error), work.context)
    if work.task.is_async and is_transient(error) and work.task.attempt < settings.TASK_MAX_ATTEMPTS:
        work.task.agent_calls = list(work.context.trace.calls)
        task_requeue(work.task, delay=timedelta(seconds=2**work.task.attempt), because=failure.code)
        return failure
    try:
        task_fail(work.task, work.context.trace.calls, failure)
    except LeaseLost:
        return _with_task(TransientError("This took too long and was given up; nothing was changed."), work.context)
    return failure


def _with_task(error: AgentError, context: Context) -> AgentError:
    error.task_id = context.task_id
    return error


def perform_queued(task_id: UUID) -> None:
    """A worker's part: run a task that was accepted earlier, if it is still to be run."""
    task = task_claim(task_id)
    if task is None:
        return
    context = _context_of(task)
    with logged_call(task.agent, task.operation, context) as call:
        try:
            operation = registry.get(task.agent, task.operation)
            operation.authorize(context)
            data = operation.parse(open_stored(task.inputs, task.task_id))
            operation.authorize(context, data)
        except Exception as error:
            if is_transient(error):
                raise  # its lease runs out, and another takes it up
            call.failed(classify(error), error)
            task_fail(task, task.agent_calls, classify(error))
            return
        work = Work(operation, data, context)
        work.task = task
        try:
            call.outcome(_write(work))
        except AgentError as error:
            call.failed(error, error.__cause__)


def _context_of(task: TaskState) -> Context:
    caller = task.acted_by or task.user_id
    user = system_user() if caller == SYSTEM_USER_ID else _user(caller)
    context = Context(
        user=user,
        channel="worker",
        on_behalf_of=task.user_id if task.acted_by else None,
        session_id=task.session_id,
        page=task.page,
        task_id=task.task_id,
    )
    context.trace.calls.extend(task.agent_calls)
    return context


def _user(public_id: str) -> User:
    """Who has been removed meanwhile may nothing any more."""
    return User.objects.filter(public_id=public_id).first() or User(public_id=public_id, is_active=False)
