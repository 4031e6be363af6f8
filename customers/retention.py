"""How long customers and what they wrote are kept."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from audit.history import authored
from shop_assistant.tracking import SYSTEM
from shop_assistant.vault.models import SubjectKey
from shop_assistant.vault.retention import Kind, register
from shop_assistant.vault.services import batched, keys_destroy

from .models import ErasureRequest, Ticket
from .models.support import TICKET
from .selectors import customers_inactive
from .services import erasure_by_policy


def _erase_inactive(before: datetime) -> int:
    """Each in a transaction of its own, looked at again within it: someone may have bought meanwhile."""
    erased = 0
    for pk in list(customers_inactive(since=before).values_list("pk", flat=True)):
        with authored(SYSTEM, "retention"):
            for customer in customers_inactive(since=before).filter(pk=pk):
                erasure_by_policy(customer=customer, ground=ErasureRequest.Ground.RETENTION)
                erased += 1
    return erased


def _closed(before: datetime) -> QuerySet[Ticket]:
    key = SubjectKey.objects.filter(subject=Concat(Value(TICKET), OuterRef("reference")), destroyed_at=None)
    return Ticket.objects.filter(Exists(key), status=Ticket.Status.CLOSED, updated_at__lt=before).order_by("pk")


def _forget_words(before: datetime) -> int:
    references = list(_closed(before).values_list("reference", flat=True))
    return sum(len(keys_destroy(f"{TICKET}{reference}" for reference in some)) for some in batched(references))


register(
    Kind(
        name="customers",
        about="Customers of whom nothing has happened for so long: no sale, ticket, points or change. They are erased: "
        "orders, invoices and points stay without a name, as the law on books asks.",
        days=3650,
        at_least=365,
        due=lambda before: customers_inactive(since=before).count(),
        apply=_erase_inactive,
    ),
    Kind(
        name="tickets",
        about="The words of tickets, counted from when they were closed. Their keys are destroyed; that there was a "
        "ticket, its times and moods stay. What was sent in to open it goes with the requests (tasks).",
        days=1095,
        at_least=30,
        due=lambda before: _closed(before).count(),
        apply=_forget_words,
    ),
)
