"""Doing nothing twice: what was asked under an Idempotency-Key, and what was answered."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit.events import canonical
from audit.services import event_record
from shop_assistant.agents import Context, Operation
from shop_assistant.agents.errors import AgentError, IdempotencyInProgress, IdempotencyKeyReused

from .models import IdempotencyKey, TaskState
from .outcome import Outcome
from .storing import open_stored


class Taken(Exception):
    """Another request took the key at the same moment."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that is free for this request, or released by the task that held it."""

    route: str
    key: str
    fingerprint: bytes
    released: IdempotencyKey | None

    def take(self, task: TaskState) -> None:
        """Hold the key for this task; within the transaction that stores the task.

        :raises Taken:
        """
        if self.released is None:
            self._row(task).save(force_insert=True)
            return
        taken_over = IdempotencyKey.objects.filter(pk=self.released.pk, task_id=self.released.task_id).update(
            task_id=task.task_id, fingerprint=self.fingerprint, created_at=timezone.now()
        )
        if not taken_over:
            raise Taken

    def _row(self, task: TaskState) -> IdempotencyKey:
        return IdempotencyKey(
            user_id=task.acted_by or task.user_id,
            route=self.route,
            key=self.key,
            fingerprint=self.fingerprint,
            task=task,
        )


def consult(operation: Operation, payload: Any, context: Context) -> Claim | Outcome | None:
    """A claim on the key, or what was answered under it before; None where the request has no key.

    :raises IdempotencyKeyReused: with another body.
    :raises IdempotencyInProgress: while the first request still runs.
    :raises AgentError: the refusal that was answered before.
    """
    if not context.idempotency_key:
        return None
    fingerprint, *older = _fingerprints(operation, payload, context)
    route = operation.label
    found = (
        IdempotencyKey.objects.select_related("task")
        .filter(user_id=context.user.public_id, route=route, key=context.idempotency_key)
        .first()
    )
    claim = Claim(route, context.idempotency_key, fingerprint, found)
    if found is None or _released(found.task):
        return claim
    _record_repeat(found.task, context)
    if bytes(found.fingerprint) not in (fingerprint, *older):
        reused = IdempotencyKeyReused(idempotency_key=context.idempotency_key)
        reused.recorded = True
        raise reused
    return _answered(operation, found.task)


def _released(task: TaskState) -> bool:
    """A task that died or failed for a passing or internal reason did nothing: a replay may run."""
    return task.status == TaskState.Status.FAILED and (task.error or {}).get("status", 500) >= 500


def _answered(operation: Operation, task: TaskState) -> Outcome:
    if task.is_async:
        return Outcome(task_id=task.task_id, accepted=True)
    if task.status == TaskState.Status.FAILED:
        raise stored_error(task)
    if task.status != TaskState.Status.COMPLETED:
        raise IdempotencyInProgress()
    receipt = task.receipt if operation.writes else ""
    return Outcome(task_id=task.task_id, data=open_stored(task.outputs, task.task_id), receipt=receipt)


def stored_error(task: TaskState) -> AgentError:
    """The error that a failed task ended with, as it was answered."""
    kept = open_stored(task.error or {}, task.task_id)
    error = AgentError(kept.get("message"), **kept.get("details", {}))
    error.code, error.status = kept.get("code", "INTERNAL_ERROR"), kept.get("status", 500)
    error.task_id = task.task_id
    return error


def _fingerprints(operation: Operation, payload: Any, context: Context) -> list[bytes]:
    """Keyed, because a plain hash of a short request with personal data could be guessed; the newest key's first."""
    asked = canonical([operation.label, context.on_behalf_of, context.respond_async, payload]).encode()
    keys = (settings.LOOKUP_KEY, *settings.OLDER_LOOKUP_KEYS)
    return [hmac.new(key, asked, hashlib.sha256).digest() for key in keys]


def _record_repeat(task: TaskState, context: Context) -> None:
    event_record(
        "REQUEST_REPEATED",
        user_id=context.user_id,
        agent=task.agent,
        task_id=task.task_id,
        operation=task.operation,
        channel=context.channel,
    )


def keys_prune(before: datetime) -> int:
    """Forget the keys of earlier requests; how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=before).delete()
    return deleted
