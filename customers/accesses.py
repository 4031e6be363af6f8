"""Who looked at which customer, and whether there was a cause: a sale, a return, a ticket, a new customer."""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Q

from audit import events
from audit.models import AuditRecord
from shop_assistant.accounts.models import SYSTEM_USER_ID

from .models import Customer, CustomerOrder, Interaction, Ticket
from .selectors import WAITING

PROFILE = "query_customer"
BATCH = 1000
AFTERWARDS = timedelta(days=1)
"""What is sold within a day after the look was its cause."""


@dataclass(frozen=True, slots=True)
class Access:
    seq: int
    user_id: str
    customer_id: str
    at: datetime


def accesses(begin: datetime, end: datetime) -> Iterator[Access]:
    """Profiles that were asked for, and customers' pages of the admin, in the order of the trail; two queries, read as
    a stream. What trusted code of this machine does is left out.
    """
    within = AuditRecord.objects.filter(timestamp__gte=begin, timestamp__lt=end).exclude(user_id=SYSTEM_USER_ID)
    asked = within.filter(event=events.TASK_COMPLETED, agent="customers", payload__contains=f'"operation":"{PROFILE}"')
    shown = within.filter(event=events.PERSONAL_VIEWED, payload__contains=f'"model":"{Customer._meta.label}"')
    for record in asked.order_by("timestamp", "seq").iterator(chunk_size=BATCH):
        told = json.loads(record.payload)
        made = (told.get("state") or {}).get("outputs") or {}
        if told.get("operation") == PROFILE and isinstance(made.get("customer_id"), str):
            yield Access(record.seq, record.user_id, made["customer_id"], record.timestamp)
    yield from _pages(shown.order_by("seq").iterator(chunk_size=BATCH))


def _pages(records: Iterator[AuditRecord]) -> Iterator[Access]:
    while some := list(islice(records, BATCH)):
        keys = {record.seq: str(json.loads(record.payload).get("key")) for record in some}
        pks = {key for key in keys.values() if key.isdecimal()}
        ids = {str(pk): public for pk, public in Customer.objects.filter(pk__in=pks).values_list("pk", "public_id")}
        for record in some:
            if customer_id := ids.get(keys[record.seq]):
                yield Access(record.seq, record.user_id, customer_id, record.timestamp)


def unexcused(found: Iterator[Access], window: timedelta) -> Iterator[Access]:
    """Those without a cause; four queries for every thousand.

    :param window: so long before the look a sale, a return or a word with the customer may lie.
    """
    while some := list(islice(found, BATCH)):
        known = _Causes(some, window)
        yield from (access for access in some if not known.of(access))


class _Causes:
    def __init__(self, some: list[Access], window: timedelta) -> None:
        self.window = window
        ids = {access.customer_id for access in some}
        begin = min(access.at for access in some) - window
        end = max(access.at for access in some) + AFTERWARDS
        orders = CustomerOrder.objects.filter(
            customer__public_id__in=ids, order__occurred_at__gte=begin, order__occurred_at__lt=end
        ).values_list("customer__public_id", "order__occurred_at")
        told = Interaction.objects.filter(
            customer__public_id__in=ids, occurred_at__gte=begin, occurred_at__lt=end
        ).values_list("customer__public_id", "occurred_at")
        new = Customer.objects.filter(public_id__in=ids, created_at__gte=begin, created_at__lt=end)
        self.moments = _by_customer([*orders, *told, *new.values_list("public_id", "created_at")])
        tickets = Ticket.objects.filter(Q(status__in=WAITING) | Q(updated_at__gte=begin), customer__public_id__in=ids)
        self.tickets: dict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        for customer_id, status, opened, changed in tickets.values_list(
            "customer__public_id", "status", "created_at", "updated_at"
        ):
            self.tickets[customer_id].append((opened, None if status in WAITING else changed))

    def of(self, access: Access) -> bool:
        """Whether there was one: something within the window, or a ticket that was not closed yet."""
        moments = self.moments[access.customer_id]
        place = bisect_left(moments, access.at - self.window)
        if place < len(moments) and moments[place] <= access.at + AFTERWARDS:
            return True
        return any(
            opened <= access.at + AFTERWARDS and (closed is None or closed >= access.at)
            for opened, closed in self.tickets[access.customer_id]
        )


def _by_customer(rows: Iterable[Any]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    for customer_id, moment in rows:
        found[customer_id].append(moment)
    for moments in found.values():
        moments.sort()
    return found
