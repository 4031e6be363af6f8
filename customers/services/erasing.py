"""Erasing a customer (GDPR, article 17): asked for by one, confirmed by another; then the keys go."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from audit import events
from audit.history import noted_rows
from audit.services import event_record
from inventory.services import next_reference
from shop_assistant.accounts.four_eyes import self_approval
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.agents.errors import Conflict
from shop_assistant.vault import services as vault
from shop_assistant.vault.erasing import old_pages_forget, subjects_elsewhere
from shop_assistant.vault.journal import journal_append

from ..models import Customer, ErasureRequest
from ..models.support import TICKET
from ..selectors import tickets_about
from ..traces import traces_of
from .tickets import tickets_close

PERMISSION = "customers.erase"
log = structlog.get_logger("shop")


@dataclass(slots=True)
class Erased:
    """What erasing someone took away."""

    counts: dict[str, int]
    keys: list[str] = field(default_factory=list)
    """Fingerprints for the journal."""


@transaction.atomic
def erasure_request(*, customer: Customer, ground: str, reason: str, user_id: str) -> ErasureRequest:
    """Ask for a customer to be erased; nothing is erased yet. Asked for twice it is still one request.

    :raises Conflict: when the customer was erased.
    """
    if customer.erased_at:
        raise Conflict("This customer was erased.", customer_id=customer.public_id)
    waiting = ErasureRequest.objects.select_for_update().filter(customer=customer, decided_at=None).first()
    if waiting:
        return waiting
    made = ErasureRequest(reference=next_reference(prefix="E"), customer=customer, ground=ground, requested_by=user_id)
    made.seal({"reason": reason})
    made.save()
    return made


@transaction.atomic
def erasure_confirm(*, request: ErasureRequest, user_id: str, confirm: bool, task_id: Any = None) -> ErasureRequest:
    """Erase who was asked to be erased. Done already, it stays as it is.

    :param confirm: the second confirmation of one's own request, where nobody else may erase.
    :raises Conflict: when it was declined.
    :raises PermissionDenied: for one's own request, when another person may confirm it.
    :raises ClarificationNeeded: when nobody else may, and it was not confirmed a second time.
    """
    locked = _locked(request)
    if locked.done_at:
        return locked
    _refuse_decided(locked)
    locked.self_approved = self_approval(
        permission=PERMISSION,
        proposer=user_id if user_id == SYSTEM_USER_ID else locked.requested_by,  # a command is nobody else
        user_id=user_id,
        confirm=confirm,
        what="erase customers",
    )
    return _carry_out(locked, user_id=user_id, task_id=task_id)


@transaction.atomic
def erasure_decline(*, request: ErasureRequest, user_id: str) -> ErasureRequest:
    """Close a request without erasing anybody.

    :raises Conflict: when it was decided on already.
    """
    locked = _locked(request)
    _refuse_decided(locked)
    locked.decided_at, locked.decided_by = timezone.now(), user_id
    locked.save()
    return locked


@transaction.atomic
def erasure_by_policy(*, customer: Customer, ground: str, journalled: bool = False) -> ErasureRequest:
    """Erase without anybody's asking: kept for its time, or brought back by a backup.

    :param journalled: whether the journal told of it, and need not be told.
    """
    open_one = ErasureRequest.objects.filter(customer=customer, decided_at=None).first()
    request = open_one or ErasureRequest(
        reference=next_reference(prefix="E"), customer=customer, ground=ground, requested_by=SYSTEM_USER_ID
    )
    request.journalled_at = timezone.now() if journalled else None
    return _carry_out(request, user_id=SYSTEM_USER_ID, again=journalled)


def customer_erase(*, customer: Customer) -> Erased:
    """Make everything personal about a customer unreadable for ever: their key goes, with those of their tickets and
    of requests that tell of them, and all look-ups. Orders and points stay, as numbers.
    """
    with transaction.atomic():
        locked: Customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
        traces = traces_of(locked)
        tickets = {f"{TICKET}{reference}" for reference in tickets_about(locked, traces)}
        tasks = subjects_elsewhere(traces)
        destroyed = vault.keys_destroy(sorted({locked.public_id, *tickets, *tasks}))
        lookups, _ = locked.lookups.all().delete()
        closed = tickets_close(customer=locked)
        if locked.erased_at is None:
            locked.erased_at = timezone.now()
            locked.save()
        old_pages_forget()
    customer.erased_at = locked.erased_at
    customer.__dict__.pop("opened", None)
    counts = {"keys": len(destroyed), "lookups": lookups, "tickets": len(tickets), "tickets_closed": len(closed)}
    return Erased(counts | {"requests": len(tasks)}, destroyed)


def erasures_journal() -> int:
    """Tell the journal of what it doesn't know yet; how many erasures that were. A journal that can't be written just
    now is told later: a job asks again.
    """
    told = 0
    for request in ErasureRequest.objects.filter(done_at__isnull=False, journalled_at=None).order_by("pk"):
        told += _journal(request)
    return told


def _carry_out(request: ErasureRequest, *, user_id: str, again: bool = False, task_id: Any = None) -> ErasureRequest:
    erased = customer_erase(customer=request.customer)
    request.erased, request.keys = erased.counts, erased.keys
    request.decided_at = request.done_at = timezone.now()
    request.decided_by = user_id
    request.receipt = event_record(
        events.SUBJECT_ERASED,
        user_id=user_id,
        agent="customers",
        task_id=task_id,
        customer_id=request.customer.public_id,
        request=request.reference,
        ground=request.ground,
        requested_by=request.requested_by,
        self_approved=request.self_approved,
        again=again,
        erased=erased.counts,
        keys=erased.keys,
        **({} if task_id else {"history": noted_rows()}),
    ).receipt
    request.save()
    if request.journalled_at is None:
        transaction.on_commit(partial(_journal, request))
    return request


def _journal(request: ErasureRequest) -> bool:
    event_id, _, _ = request.receipt.partition(":")
    try:
        journal_append(request.keys, erased_at=request.done_at, event_id=event_id)  # type: ignore[arg-type]
    except OSError as error:
        log.error("ERASURE_NOT_JOURNALLED", agent="CustomerServiceAgent", status=type(error).__name__)
        return False
    return bool(ErasureRequest.objects.filter(pk=request.pk, journalled_at=None).update(journalled_at=timezone.now()))


def _locked(request: ErasureRequest) -> ErasureRequest:
    rows = ErasureRequest.objects.select_for_update(of=("self",)).select_related("customer")
    return rows.get(pk=request.pk)


def _refuse_decided(request: ErasureRequest) -> None:
    if request.decided_at:
        raise Conflict(f"This request was {request.status} already.", request=request.reference, status=request.status)
