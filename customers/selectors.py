"""Reads of customers: nothing here changes anything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from inventory.models import Order, OrderReturn
from inventory.selectors import order_get
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound
from shop_assistant.money import round_money
from shop_assistant.vault.erasing import Traces

from .encryption import open_readable, open_rows
from .ids import surely_an_id
from .lookups import customers_with
from .models import Customer, CustomerOrder, ErasureRequest, Interaction, LoyaltyEntry, Ticket

REFERENCE = re.compile(r"[A-Za-z]-[0-9]{1,12}", re.ASCII)
WAITING = (Ticket.Status.OPEN, Ticket.Status.PENDING)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a customer has bought, in the shop's currency."""

    orders: int
    purchases: Decimal
    refunds: Decimal
    last_purchase_at: datetime | None
    open_tickets: int


def customer_get(*, customer_id: str) -> Customer:
    """The customer with this id, in any case, their points account along; erased ones too. One query.

    :raises NotFound: naming the id, unless what was asked for does not look like one of ours (it may be an e-mail).
    """
    asked = customer_id.strip()
    rows = Customer.objects.select_related("loyalty").filter(public_id__in=[asked, asked.upper()])
    found = {customer.public_id: customer for customer in rows}
    if not found:
        raise NotFound("There is no such customer.", customer_id=asked if surely_an_id(asked) else None)
    customer: Customer = found.get(asked) or found[asked.upper()]
    return customer


def customer_serve(*, customer_id: str) -> Customer:
    """The customer with this id, who was not erased.

    :raises NotFound:
    :raises Conflict: when the customer was erased.
    """
    customer = customer_get(customer_id=customer_id)
    if customer.erased_at:
        raise Conflict("This customer was erased.", customer_id=customer.public_id)
    return customer


def customer_find(*, email: str | None = None, phone: str | None = None) -> Customer:
    """The one customer with this e-mail or phone; two queries.

    :raises NotFound: naming the field only, never what was looked for.
    :raises ClarificationNeeded: with the ids, where several share it.
    """
    kind, value = ("email", email) if email is not None else ("phone", phone or "")
    found = customers_with(kind=kind, value=value)
    if not found:
        raise NotFound(f"There is no customer with this {kind}.", field=kind)
    if len(found) > 1:
        ids = [customer.public_id for customer in found]
        raise ClarificationNeeded(f"Several customers share this {kind}: say which one.", customer_ids=ids)
    return found[0]


def customer_figures(*, customer: Customer) -> Figures:
    """Three queries."""
    bought = CustomerOrder.objects.filter(customer=customer).aggregate(
        orders=Count("pk"), total=Sum("order__total"), last=Max("order__occurred_at")
    )
    refunds = OrderReturn.objects.filter(order__customer_order__customer=customer).aggregate(total=Sum("total"))
    return Figures(
        orders=bought["orders"],
        purchases=_money(bought["total"]),
        refunds=_money(refunds["total"]),
        last_purchase_at=bought["last"],
        open_tickets=customer.tickets.filter(status__in=WAITING).count(),
    )


def order_of(*, reference: str, customer: Customer | None, walk_in: bool = False) -> tuple[Order, Customer | None]:
    """An order and whose it is, None being nobody known; two queries.

    :param walk_in: whether an order of nobody known will do, too, where a customer is named.
    :raises NotFound: when there is no such order.
    :raises Conflict: when it is not this customer's.
    """
    order = order_get(reference=reference)
    link = CustomerOrder.objects.select_related("customer").filter(order=order).first()
    owner = link.customer if link else None
    if customer and owner != customer and not (walk_in and owner is None):
        raise Conflict("This order is not this customer's.", order=order.reference, customer_id=customer.public_id)
    return order, owner


def owner_of(*, reference: str) -> str | None:
    """Id of the customer whose order this is, in any case; None where nobody is known; one query."""
    names = {reference.strip(), reference.strip().upper()}
    links = CustomerOrder.objects.filter(order__reference__in=names)
    found: str | None = links.values_list("customer__public_id", flat=True).first()
    return found


def ticket_get(*, reference: str) -> Ticket:
    """The ticket with this number, in any case, and its customer; one query.

    :raises NotFound:
    """
    asked = reference.strip()
    rows = Ticket.objects.select_related("customer").filter(reference__in=[asked, asked.upper()])
    found: Ticket | None = rows.first()
    if found is None:
        raise NotFound(f"There is no ticket {asked}.", ticket_id=asked)
    return found


def tickets_about(customer: Customer, traces: Traces) -> Iterator[str]:
    """References of a customer's tickets, and of those of nobody known that are about their orders or name them."""
    yield from customer.tickets.values_list("reference", flat=True)
    nobodys = Ticket.objects.filter(customer=None).select_related("customer", "order").order_by("pk")
    for ticket in nobodys.prefetch_related("messages").iterator(chunk_size=500):
        messages = list(ticket.messages.all())
        open_readable([ticket, *messages])
        told = [ticket.order.reference if ticket.order else None, ticket.subject, *(m.body for m in messages)]
        if traces.within(told):
            yield ticket.reference


def erasure_get(*, reference: str, customer_id: str | None = None) -> ErasureRequest:
    """The request with this number, in any case, and its customer; one query.

    :param customer_id: whom it has to be about.
    :raises NotFound:
    """
    asked = reference.strip()
    rows = ErasureRequest.objects.select_related("customer__loyalty").filter(reference__in=[asked, asked.upper()])
    found = rows.filter(customer__public_id__iexact=customer_id).first() if customer_id else rows.first()
    if found is None:
        raise NotFound("There is no such request.", request=asked if REFERENCE.fullmatch(asked) else None)
    return found


def customers_inactive(*, since: datetime) -> QuerySet[Customer]:
    """Customers, not erased yet, of whom nothing has happened since: no sale, ticket, entry of points or change. They
    have neither an open ticket nor a request to be erased.
    """
    later = Q(occurred_at__gte=since)
    mine: dict[str, Any] = {"customer": OuterRef("pk")}
    active = [
        CustomerOrder.objects.filter(order__occurred_at__gte=since, **mine),
        Ticket.objects.filter(Q(updated_at__gte=since) | Q(status__in=WAITING), **mine),
        Interaction.objects.filter(later, **mine),
        LoyaltyEntry.objects.filter(later, account__customer=OuterRef("pk")),
        ErasureRequest.objects.filter(decided_at=None, **mine),
        Customer.history.filter(history_date__gte=since, id=OuterRef("pk")),
    ]
    rows = Customer.objects.filter(erased_at=None, created_at__lt=since, member_since__lt=since)
    for found in active:
        rows = rows.filter(~Exists(found))
    return rows.order_by("pk")


def loyalty_page(*, customer: Customer, limit: int, before: int | None) -> tuple[list[LoyaltyEntry], int | None]:
    """A page of a customer's points ledger, the newest first, opened, and where the next one begins; two queries.

    :param before: only entries with a lower number.
    """
    rows = LoyaltyEntry.objects.filter(Q(number__lt=before) if before is not None else Q(), account=customer.loyalty)
    found = list(rows.select_related("order").order_by("-number")[: limit + 1])
    page = found[:limit]
    open_rows(page)
    return page, page[-1].number if len(found) > limit else None


def _money(amount: Decimal | None) -> Decimal:
    return round_money(amount or Decimal(0), settings.SHOP_CURRENCY)
