"""Tickets: opening one, answering it, and noting the mood of what customers say."""

from django.db import transaction
from django.utils import timezone

from inventory.models import Order
from inventory.services import next_reference
from shop_assistant.accounts.selectors import users_who_may
from shop_assistant.agents.errors import Conflict, ValidationFailed

from ..models import Customer, Interaction, SentimentScore, Ticket, TicketMessage
from ..sentiment import Mood, mood_of
from .people import customer_locked, interaction_record

Author = TicketMessage.Author
Status = Ticket.Status
WAITING = (Status.OPEN, Status.PENDING)


@transaction.atomic
def ticket_create(
    *,
    subject: str,
    message: str,
    user_id: str,
    customer: Customer | None = None,
    priority: str = Ticket.Priority.NORMAL,
    order: Order | None = None,
) -> Ticket:
    """Open a ticket with a customer's first message, and score its mood.

    Subject and message are sealed under a key of the ticket's own.

    :raises Conflict: when the customer was erased.
    """
    if customer:
        customer_locked(customer)
    mood = mood_of(message)
    ticket = Ticket(
        reference=next_reference(prefix="T"),
        customer=customer,
        priority=priority,
        order=order,
        created_at=timezone.now(),
    )
    ticket.seal({"subject": subject})
    ticket.save()
    _add_message(ticket, 1, Author.CUSTOMER, message, user_id, mood)
    if customer:
        interaction_record(customer=customer, kind=Interaction.Kind.TICKET, reference=ticket.reference)
    return ticket


def ticket_reply(
    *, ticket: Ticket, author_kind: str, body: str, user_id: str, status: str | None = None
) -> TicketMessage:
    """Add a message. Without a `status`, staff's leaves the ticket pending and a customer's opens it again.

    :param author_kind: customer or staff.
    :raises Conflict: when the ticket is closed and the status does not reopen it, or its customer was erased.
    """
    mood = mood_of(body) if author_kind == Author.CUSTOMER else None
    ticket = _locked(ticket, reopening=status in WAITING)
    if ticket.customer:
        customer_locked(ticket.customer)
    message = _add_message(ticket, ticket.messages.count() + 1, author_kind, body, user_id, mood)
    ticket.status = status or (Status.PENDING if author_kind == Author.STAFF else Status.OPEN)
    ticket.save()
    return message


def ticket_set_status(*, ticket: Ticket, status: str) -> Ticket:
    """Move a ticket on without a message; a closed one can be opened again.

    :raises Conflict: when it has this status already, or is closed and would become anything but open or pending.
    """
    ticket = _locked(ticket, reopening=status in WAITING)
    if ticket.status == status:
        raise Conflict(f"This ticket is {status} already.", ticket_id=ticket.reference, status=status)
    ticket.status = status
    ticket.save()
    return ticket


def ticket_assign(*, ticket: Ticket, assigned_to: str) -> Ticket:
    """Let a colleague look after a ticket.

    :param assigned_to: public id of a user who may answer tickets.
    :raises Conflict: when the ticket is closed.
    :raises ValidationFailed: when there is no such colleague.
    """
    if not users_who_may("customers.reply_ticket").filter(public_id=assigned_to).exists():
        raise ValidationFailed(fields={"assign_to": "is the id of nobody who may answer tickets"})
    ticket = _locked(ticket)
    ticket.assigned_to = assigned_to
    ticket.save()
    return ticket


def tickets_close(*, customer: Customer) -> list[str]:
    """Close what is still open of a customer's; the references."""
    waiting = list(Ticket.objects.select_for_update(of=("self",)).filter(customer=customer, status__in=WAITING))
    for ticket in sorted(waiting, key=lambda ticket: ticket.reference):
        ticket.status = Status.CLOSED
        ticket.save()
    return [ticket.reference for ticket in waiting]


def _locked(ticket: Ticket, *, reopening: bool = False) -> Ticket:
    """The ticket as it is now, its row locked, so that replies are numbered one after another."""
    locked: Ticket = Ticket.objects.select_for_update(of=("self",)).select_related("customer").get(pk=ticket.pk)
    if locked.status == Status.CLOSED and not reopening:
        raise Conflict("This ticket is closed; open it again first.", ticket_id=locked.reference, status=locked.status)
    return locked


def _add_message(
    ticket: Ticket, number: int, author_kind: str, body: str, user_id: str, mood: Mood | None
) -> TicketMessage:
    message = TicketMessage(ticket=ticket, number=number, author_kind=author_kind, user_id=user_id)
    message.seal({"body": body})
    message.save()
    if mood:
        SentimentScore.objects.create(message=message, score=mood.score, label=mood.label, method=mood.method)
    return message
