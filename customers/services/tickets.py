"""Tickets: opening one, answering it, and noting the mood of what customers say."""

from django.utils import timezone

from inventory.models import Order
from inventory.services import next_reference
from shop_assistant.agents.errors import Conflict

from ..models import Customer, Interaction, SentimentScore, Ticket, TicketMessage
from ..sentiment import Mood, mood_of
from .people import interaction_record

Author = TicketMessage.Author
Status = Ticket.Status


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

    Subject and message are sealed under the customer's key, or one of the ticket's own where no customer is known.

    :raises Conflict: when the customer was erased.
    """
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
    :raises Conflict: when the ticket is closed, or its customer was erased.
    """
    mood = mood_of(body) if author_kind == Author.CUSTOMER else None
    ticket = _locked(ticket)
    message = _add_message(ticket, ticket.messages.count() + 1, author_kind, body, user_id, mood)
    ticket.status = status or (Status.PENDING if author_kind == Author.STAFF else Status.OPEN)
    ticket.save()
    return message


def ticket_set_status(*, ticket: Ticket, status: str) -> Ticket:
    """Move a ticket on without a message. Closed is final.

    :raises Conflict: when the ticket is closed.
    """
    ticket = _locked(ticket)
    ticket.status = status
    ticket.save()
    return ticket


def _locked(ticket: Ticket) -> Ticket:
    """The ticket as it is now, its row locked, so that replies are numbered one after another."""
    locked: Ticket = Ticket.objects.select_for_update(of=("self",)).select_related("customer").get(pk=ticket.pk)
    if locked.status == Status.CLOSED:
        raise Conflict("This ticket is closed; open a new one.", ticket_id=locked.reference)
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
