"""Customers, and what they wrote. Whatever names a person lies sealed, and is left out unless asked for."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Max, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Round

from customers.models import Customer, CustomerOrder, Ticket, TicketMessage
from inventory.models import OrderReturn

from ..definitions import Column, Dataset, Kind, Part

TIME, NUMBER = Kind.TIME, Kind.NUMBER


def _customer(field: str) -> Any:
    return lambda row: Customer(public_id=row["customer_id"]).place(field)


def _of_orders(value: Any) -> Subquery:
    orders = CustomerOrder.objects.filter(customer=OuterRef("pk")).order_by().values("customer")
    return Subquery(orders.annotate(value=value).values("value"))


def _refunds() -> Subquery:
    returns = OrderReturn.objects.filter(order__customer_order__customer=OuterRef("pk")).order_by()
    sums = returns.values("order__customer_order__customer").annotate(value=_rounded("total"))
    return Subquery(sums.values("value"))


def _rounded(path: str) -> Round:
    """SQLite adds decimals as floats."""
    return Round(Sum(path), precision=4)


CUSTOMERS = Dataset(
    name="customers",
    about="Who buys here, with what they spent and their points.",
    permissions=("customers.view_customer",),
    columns=(
        Column("customer_id", "the customer's key"),
        Column("name", "", place=_customer("name")),
        Column("email", "", place=_customer("email")),
        Column("phone", "", place=_customer("phone")),
        Column("address", "", place=_customer("address")),
        Column("tier", ", ".join(Customer.Tier.values)),
        Column("points", "loyalty points", NUMBER),
        Column("orders", "how many", NUMBER),
        Column("purchases", "sum of all orders, as paid, in the shop's currency", NUMBER),
        Column("refunds", "sum of what was refunded of them", NUMBER),
        Column("last_purchase_at", "", TIME),
        Column("member_since", "", TIME),
        Column("created_at", "since when the shop knows the customer", TIME),
        Column("erased_at", "when the personal data was erased", TIME),
    ),
    parts=(
        Part(
            rows=lambda: Customer.objects.order_by("public_id"),
            sources={
                "customer_id": "public_id",
                "name": "sealed_name",
                "email": "sealed_email",
                "phone": "sealed_phone",
                "address": "sealed_address",
                "tier": "tier",
                "points": "loyalty__balance",
                "orders": Coalesce(_of_orders(Count("pk")), Value(0)),
                "purchases": _of_orders(_rounded("order__total")),
                "refunds": _refunds(),
                "last_purchase_at": _of_orders(Max("order__occurred_at")),
                "member_since": "member_since",
                "created_at": "created_at",
                "erased_at": "erased_at",
            },
            conditions={"time": "member_since", "customer": "pk", "tier": "tier"},
        ),
    ),
    choices={"tier": tuple(Customer.Tier.values)},
)


def _ticket(row: Mapping[str, Any]) -> Ticket:
    return Ticket(reference=row["ticket"])


TICKETS = Dataset(
    name="tickets",
    about="Support tickets, a row for each message.",
    permissions=("customers.view_ticket",),
    columns=(
        Column("ticket", "its reference"),
        Column("subject", "", place=lambda row: _ticket(row).place("subject")),
        Column("status", ", ".join(Ticket.Status.values)),
        Column("priority", ", ".join(Ticket.Priority.values)),
        Column("customer", "the customer's id; empty: nobody known"),
        Column("order", "reference of the order it is about"),
        Column("assigned_to", "user who looks after it"),
        Column("created_at", "when it was opened", TIME),
        Column("message", "number of the message in the ticket", NUMBER),
        Column("author", "customer or staff"),
        Column("user_id", "who wrote it, or entered it for the customer"),
        Column("written_at", "", TIME),
        Column("mood", "of a customer's message: negative, neutral, positive"),
        Column("mood_score", "-1 (worst) to 1 (best)", NUMBER),
        Column("text", "", place=lambda row: TicketMessage(ticket=_ticket(row), number=row["message"]).place("body")),
    ),
    parts=(
        Part(
            rows=lambda: Ticket.objects.order_by("pk", "messages__number"),
            sources={
                "ticket": "reference",
                "subject": "sealed_subject",
                "status": "status",
                "priority": "priority",
                "customer": "customer__public_id",
                "order": "order__reference",
                "assigned_to": "assigned_to",
                "created_at": "created_at",
                "message": "messages__number",
                "author": "messages__author_kind",
                "user_id": "messages__user_id",
                "written_at": "messages__created_at",
                "mood": "messages__sentiment__label",
                "mood_score": "messages__sentiment__score",
                "text": "messages__sealed_body",
            },
            conditions={
                "time": "created_at",
                "customer": "customer",
                "status": "status",
                "priority": "priority",
                "by": "messages__user_id",
            },
        ),
    ),
    choices={"status": tuple(Ticket.Status.values), "priority": tuple(Ticket.Priority.values)},
)
