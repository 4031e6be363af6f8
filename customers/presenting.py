"""How the customers' operations tell what they did or found."""

from django.conf import settings

from . import baskets
from .loyalty import value_of
from .models import Customer, LoyaltyEntry, Ticket, TicketMessage
from .schemas import LoyaltyBalance, LoyaltyBooked, LoyaltyHistory, LoyaltyItem, LoyaltyRequest, RecommendedProduct
from .selectors import loyalty_page
from .ticket_schemas import Sentiment, TicketHandled, TicketOpened


def opened_told(ticket: Ticket) -> TicketOpened:
    mood = ticket.messages.select_related("sentiment").get().sentiment
    return TicketOpened(
        ticket_id=ticket.reference,
        status=ticket.status,
        priority=ticket.priority,
        sentiment=Sentiment(label=mood.label, score=mood.score),
        created_at=ticket.created_at,
        customer_id=ticket.customer.public_id if ticket.customer else None,
    )


def handled_told(ticket: Ticket, said: TicketMessage | None) -> TicketHandled:
    mood = getattr(said, "sentiment", None)
    return TicketHandled(
        ticket_id=ticket.reference,
        customer_id=ticket.customer.public_id if ticket.customer else None,
        status=ticket.status,
        priority=ticket.priority,
        assigned_to=ticket.assigned_to or None,
        messages=ticket.messages.count(),
        sentiment=Sentiment(label=mood.label, score=mood.score) if mood else None,
        updated_at=ticket.updated_at,
    )


def recommended_told(found: baskets.Recommendation) -> RecommendedProduct:
    return RecommendedProduct(
        sku=found.product.sku,
        product_name=found.product.name,
        unit_price=found.product.list_price,
        score=found.score,
        basis=found.basis,
        reason=found.reason,
        available=found.available,
    )


def reasons_told(found: list[baskets.Recommendation], based_on: list[str]) -> list[str]:
    if not found:
        return ["There are no sales of other products to go by."]
    if any(r.basis == "bought_together" for r in found):
        return []
    why = "Nothing is bought together with these often enough" if based_on else "There is nothing to start from"
    return [f"{why}: these are the best sellers of recent weeks."]


def balance_told(customer: Customer) -> LoyaltyBalance:
    balance = customer.loyalty.balance
    return LoyaltyBalance(
        customer_id=customer.public_id, balance=balance, value=value_of(balance), currency=settings.SHOP_CURRENCY
    )


def booked_told(customer: Customer, entry: LoyaltyEntry) -> LoyaltyBooked:
    return LoyaltyBooked(
        customer_id=customer.public_id,
        operation=entry.kind,
        points=entry.points,
        balance=entry.balance,
        value=value_of(abs(entry.points)),
        currency=settings.SHOP_CURRENCY,
        order=entry.order.reference if entry.order else None,
    )


def history_told(customer: Customer, data: LoyaltyRequest) -> LoyaltyHistory:
    before = int(data.cursor) if data.cursor else None
    entries, following = loyalty_page(customer=customer, limit=data.limit, before=before)
    return LoyaltyHistory(
        customer_id=customer.public_id,
        balance=customer.loyalty.balance,
        items=[
            LoyaltyItem(
                kind=entry.kind,
                points=entry.points,
                balance=entry.balance,
                reason=entry.reason,
                order=entry.order.reference if entry.order else None,
                user_id=entry.user_id,
                occurred_at=entry.occurred_at,
            )
            for entry in entries
        ],
        next_cursor=str(following) if following is not None else None,
    )
