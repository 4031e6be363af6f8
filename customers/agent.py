"""The customer service agent: profiles, tickets, recommendations and points."""

from collections.abc import Callable

from django.conf import settings

from audit import events
from audit.services import event_record
from inventory.selectors import products_get
from shop_assistant.agents import Agent, Context, Effect, Restriction, operation
from shop_assistant.agents.roles import COUNTER, MANAGEMENT

from . import baskets
from .erasure_presenting import erased_told, erasure_told
from .erasure_schemas import Erasure, ErasureAsked, ErasureDecided
from .loyalty import points_adjust, points_earn, points_redeem
from .models import Interaction, LoyaltyEntry
from .presenting import (
    balance_told,
    booked_told,
    handled_told,
    history_told,
    opened_told,
    reasons_told,
    recommended_told,
)
from .schemas import (
    LoyaltyBalance,
    LoyaltyBooked,
    LoyaltyHistory,
    LoyaltyRequest,
    Profile,
    ProfileQuery,
    RecommendationQuery,
    Recommendations,
)
from .selectors import (
    customer_figures,
    customer_find,
    customer_get,
    customer_serve,
    erasure_get,
    order_of,
    ticket_get,
)
from .services import (
    erasure_confirm,
    erasure_decline,
    erasure_request,
    interaction_record,
    ticket_assign,
    ticket_create,
    ticket_reply,
    ticket_set_status,
)
from .subject_access import subject_data
from .subject_schemas import SubjectData, SubjectQuery
from .ticket_schemas import TicketHandled, TicketOpened, TicketReply, TicketRequest

BOOKINGS: dict[str, Callable[..., LoyaltyEntry]] = {
    "earn": points_earn,
    "redeem": points_redeem,
    "adjust": points_adjust,
}


class CustomerServiceAgent(Agent):
    name = "customers"
    pages = ("customer", "customers")

    @operation(roles=COUNTER, effect=Effect.READ, route="customer/profile", audit="read the profile of {customer_id}")
    def query_customer(self, context: Context, data: ProfileQuery) -> Profile:
        """A customer's profile: contact, tier, points, purchases and lifetime value; by id, e-mail or phone."""
        customer = (
            customer_get(customer_id=data.customer_id)
            if data.customer_id is not None
            else customer_find(email=data.email, phone=data.phone)
        )
        figures = customer_figures(customer=customer)
        return Profile(
            customer_id=customer.public_id,
            name=customer.name,
            email=customer.email,
            phone=customer.phone,
            loyalty_points=customer.loyalty.balance,
            total_purchases=figures.purchases,
            lifetime_value=figures.purchases - figures.refunds,
            member_since=customer.member_since,
            tier=customer.tier,
            orders_count=figures.orders,
            last_purchase_at=figures.last_purchase_at,
            open_tickets=figures.open_tickets,
            currency=settings.SHOP_CURRENCY,
            erased=customer.erased,
        )

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="customer/support-ticket",
        audit="opened ticket {ticket_id} ({priority}) for {customer_id}",
    )
    def create_ticket(self, context: Context, data: TicketRequest) -> TicketOpened:
        """Open a support ticket with a customer's message; its mood is scored. Who it is may be unknown."""
        customer = customer_serve(customer_id=data.customer_id) if data.customer_id else None
        order = None
        if data.order:
            order, owner = order_of(reference=data.order, customer=customer)
            customer = owner if owner and not owner.erased_at else None
        ticket = ticket_create(
            subject=data.topic,
            message=data.message,
            user_id=context.user_id,
            customer=customer,
            priority=data.priority,
            order=order,
        )
        return opened_told(ticket)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="customer/ticket-reply",
        audit="handled ticket {ticket_id}: now {status}, with {assigned_to}",
    )
    def reply_ticket(self, context: Context, data: TicketReply) -> TicketHandled:
        """Answer a support ticket, note what its customer said, close or reopen it, or hand it to a colleague."""
        ticket, said = ticket_get(reference=data.ticket_id), None
        if data.message is not None:
            said = ticket_reply(
                ticket=ticket,
                author_kind=data.author,
                body=data.message,
                user_id=context.user_id,
                status=data.status,
            )
            ticket = said.ticket
        elif data.status is not None:
            ticket = ticket_set_status(ticket=ticket, status=data.status)
        if data.assign_to is not None:
            ticket = ticket_assign(ticket=ticket, assigned_to=data.assign_to)
        return handled_told(ticket, said if data.author == "customer" else None)

    @operation(
        roles=COUNTER,
        effect=Effect.READ,
        route="customer/recommendations",
        audit="recommended products for {customer_id}, based on {based_on}",
    )
    def get_recommendations(self, context: Context, data: RecommendationQuery) -> Recommendations:
        """What to offer a customer, or beside some products: what others bought with them, then best sellers."""
        customer = customer_serve(customer_id=data.customer_id) if data.customer_id else None
        products = products_get(skus=data.skus) if data.skus else {}
        found, based_on = baskets.recommend(customer=customer, products=list(products.values()), limit=data.limit)
        return Recommendations(
            customer_id=customer.public_id if customer else None,
            based_on=based_on,
            items=[recommended_told(r) for r in found],
            currency=settings.SHOP_CURRENCY,
            abstained=not found,
            reasons=reasons_told(found, based_on),
        )

    @operation(
        roles=COUNTER,
        effect=lambda data: Effect.WRITE if data.writes else Effect.READ,
        route="customer/loyalty",
        restrictions=(Restriction(name="adjust", when=lambda data: data.operation == "adjust", roles=MANAGEMENT),),
        audit="loyalty {operation} for {customer_id}: {points} points",
    )
    def loyalty(self, context: Context, data: LoyaltyRequest) -> LoyaltyBalance | LoyaltyBooked | LoyaltyHistory:
        """A customer's points: balance, history, or booking them: earn, redeem for their value, adjust by hand."""
        if data.operation == "balance":
            return balance_told(customer_get(customer_id=data.customer_id))
        if data.operation == "history":
            return history_told(customer_get(customer_id=data.customer_id), data)
        customer = customer_serve(customer_id=data.customer_id)
        order = order_of(reference=data.order, customer=customer, walk_in=True)[0] if data.order else None
        entry = BOOKINGS[data.operation](
            customer=customer,
            points=data.points,
            order=order,
            reason=data.reason or "",
            user_id=context.user_id,
            task_id=context.task_id,
        )
        interaction_record(
            customer=customer,
            kind=Interaction.Kind.LOYALTY,
            summary=f"{entry.kind} {entry.points} points",
            reference=order.reference if order else "",
        )
        return booked_told(customer, entry)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.READ,
        route="customer/export-data",
        keeps_output=False,
        audit="gave out everything that is kept about {customer_id}",
    )
    def export_data(self, context: Context, data: SubjectQuery) -> SubjectData:
        """Everything that is kept about a customer, for that person: a copy of their data (GDPR, articles 15, 20)."""
        customer = customer_get(customer_id=data.customer_id)
        gathered = subject_data(customer)
        event_record(
            events.SUBJECT_ACCESS,
            user_id=context.user_id,
            agent=self.name,
            task_id=context.task_id,
            customer_id=customer.public_id,
        )
        return gathered

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="customer/request-erasure",
        audit="asked to erase {customer_id} ({request}): {status}",
    )
    def request_erasure(self, context: Context, data: ErasureAsked) -> Erasure:
        """Ask for a customer to be erased (GDPR, article 17). Nothing is erased until it is confirmed: by another
        person where the shop has another who may, else a second time by the same one.
        """
        customer = customer_get(customer_id=data.customer_id)
        if customer.erased_at:
            return erased_told(customer)
        return erasure_told(
            erasure_request(customer=customer, ground=data.ground, reason=data.reason, user_id=context.user_id)
        )

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="customer/erase",
        audit="decided on {request} to erase {customer_id}: {status} ({approval})",
    )
    def erase(self, context: Context, data: ErasureDecided) -> Erasure:
        """Confirm that a customer is erased, for ever and everywhere, or decline it. What the law makes the shop keep
        stays without the name.
        """
        request = erasure_get(reference=data.request, customer_id=data.customer_id)
        if data.decision == "decline":
            return erasure_told(erasure_decline(request=request, user_id=context.user_id))
        return erasure_told(
            erasure_confirm(request=request, user_id=context.user_id, confirm=data.confirm, task_id=context.task_id)
        )
