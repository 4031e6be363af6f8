"""Gathers everything that is kept about a customer. Texts whose key is gone are null."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone

from audit import events
from audit.models import AuditRecord
from audit.selectors import bring_up_to_date
from inventory.models import Order, OrderLine, OrderReturn, OrderReturnLine
from shop_assistant.vault.services import Opener

from .encryption import open_rows
from .models import Customer, Interaction, LoyaltyEntry, Ticket, TicketMessage
from .schemas import LoyaltyItem
from .subject_schemas import (
    SubjectData,
    SubjectErasure,
    SubjectInteraction,
    SubjectLine,
    SubjectLook,
    SubjectMessage,
    SubjectOrder,
    SubjectProfile,
    SubjectRecord,
    SubjectReturn,
    SubjectReturnLine,
    SubjectState,
    SubjectTask,
    SubjectTicket,
)
from .traces import states_of

PROFILE = "customers.query_customer"
CHANGES = {"+": "added", "~": "changed", "-": "removed"}
DATASETS = ("customers", "tickets", "tasks")
"""Exports that hold people's data when it is asked for."""


def subject_data(customer: Customer) -> SubjectData:
    """All of it, from about twenty queries, three of which look through the whole trail."""
    bring_up_to_date()
    tasks = list(_tasks(customer))
    return SubjectData(
        customer_id=customer.public_id,
        produced_at=timezone.now(),
        profile=SubjectProfile(
            **_personal(customer),
            tier=customer.tier,
            member_since=customer.member_since,
            created_at=customer.created_at,
            erased_at=customer.erased_at,
            loyalty_points=customer.loyalty.balance,
        ),
        profile_history=_states(customer),
        orders=_orders(customer),
        returns=_returns(customer),
        points=_points(customer),
        tickets=_tickets(customer),
        interactions=_interactions(customer),
        tasks=tasks,
        erasures=_erasures(customer),
        records=list(_records(customer)),
        looked_at=sorted([*_looks(customer), *_profile_tasks(tasks)], key=lambda look: look.at),
    )


def _personal(customer: Any) -> dict[str, str | None]:
    return {field: customer.plain(field) for field in Customer.sealed_fields}


def _states(customer: Customer) -> list[SubjectState]:
    found = states_of(customer)
    open_rows(state for _, state in found)
    return [
        SubjectState(
            at=row.history_date,
            user_id=row.history_user_id,
            change=CHANGES[row.history_type],
            **_personal(state),
            tier=state.tier,
            member_since=state.member_since,
        )
        for row, state in found
    ]


def _orders(customer: Customer) -> list[SubjectOrder]:
    lines = Prefetch("lines", OrderLine.objects.select_related("product").order_by("number"))
    rows = Order.objects.filter(customer_order__customer=customer).order_by("occurred_at", "pk")
    return [
        SubjectOrder(
            order=order.reference,
            occurred_at=order.occurred_at,
            channel=order.channel,
            payment=order.payment,
            coupon=order.coupon or None,
            currency=order.currency,
            subtotal=order.subtotal,
            discount=order.discount,
            points_value=order.points_value,
            tax=order.tax,
            total=order.total,
            lines=[
                SubjectLine(
                    sku=line.product.sku,
                    product_name=line.product.name,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                    tax=line.tax,
                    total=line.total,
                )
                for line in order.lines.all()
            ],
        )
        for order in rows.prefetch_related(lines)
    ]


def _returns(customer: Customer) -> list[SubjectReturn]:
    lines = Prefetch("lines", OrderReturnLine.objects.select_related("line__product").order_by("pk"))
    rows = OrderReturn.objects.filter(order__customer_order__customer=customer).order_by("occurred_at", "pk")
    return [
        SubjectReturn(
            reference=made.reference,
            order=made.order.reference,
            occurred_at=made.occurred_at,
            reason=made.reason or None,
            total=made.total,
            lines=[
                SubjectReturnLine(sku=part.line.product.sku, quantity=part.quantity, total=part.total)
                for part in made.lines.all()
            ],
        )
        for made in rows.select_related("order").prefetch_related(lines)
        if made.order
    ]


def _points(customer: Customer) -> list[LoyaltyItem]:
    rows = LoyaltyEntry.objects.filter(account=customer.loyalty).select_related("order", "account__customer")
    entries = list(rows.order_by("number"))
    open_rows(entries)
    return [
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
    ]


def _tickets(customer: Customer) -> list[SubjectTicket]:
    messages = TicketMessage.objects.select_related("ticket__customer", "sentiment").order_by("number")
    rows = Ticket.objects.filter(customer=customer).select_related("order", "customer").order_by("created_at", "pk")
    tickets = list(rows.prefetch_related(Prefetch("messages", messages)))
    open_rows(tickets)
    open_rows([message for ticket in tickets for message in ticket.messages.all()])
    return [
        SubjectTicket(
            ticket_id=ticket.reference,
            topic=ticket.subject,
            status=ticket.status,
            priority=ticket.priority,
            order=ticket.order.reference if ticket.order else None,
            created_at=ticket.created_at,
            messages=[_message(message) for message in ticket.messages.all()],
        )
        for ticket in tickets
    ]


def _message(message: TicketMessage) -> SubjectMessage:
    mood = getattr(message, "sentiment", None)
    return SubjectMessage(
        author=message.author_kind,
        user_id=message.user_id,
        text=message.body,
        written_at=message.created_at,
        mood=mood.label if mood else None,
    )


def _interactions(customer: Customer) -> list[SubjectInteraction]:
    rows = list(Interaction.objects.filter(customer=customer).select_related("customer").order_by("occurred_at", "pk"))
    open_rows(rows)
    return [
        SubjectInteraction(
            kind=row.kind, reference=row.reference or None, summary=row.summary, occurred_at=row.occurred_at
        )
        for row in rows
    ]


def _tasks(customer: Customer) -> Iterator[SubjectTask]:
    """Ended tasks whose inputs or outputs name the customer, from their records: tasks themselves lie above."""
    named = f'"customer_id":"{customer.public_id}"'  # as canonical JSON writes it
    ended = Q(event__in=[events.TASK_COMPLETED, events.TASK_FAILED], payload__contains=named)
    rows = AuditRecord.objects.filter(ended).order_by("seq").values_list("payload", flat=True)
    documents = [json.loads(payload) for payload in rows if named in payload]  # SQLite's LIKE minds no case
    opener = Opener([document["state"]["inputs"] for document in documents])
    for document in documents:
        yield SubjectTask(
            task_id=document["task_id"],
            operation=f"{document['agent']}.{document['operation']}",
            status=document["state"]["status"],
            user_id=document["user_id"],
            at=datetime.fromisoformat(document["timestamp"]),
            inputs=opener.open(document["state"]["inputs"], f"task|{document['task_id']}"),
        )


def _profile_tasks(tasks: list[SubjectTask]) -> Iterator[SubjectLook]:
    return (SubjectLook(at=t.at, user_id=t.user_id, how=t.operation) for t in tasks if t.operation == PROFILE)


def _erasures(customer: Customer) -> list[SubjectErasure]:
    rows = list(customer.erasures.select_related("customer").order_by("pk"))
    open_rows(rows)
    return [
        SubjectErasure(
            request=row.reference,
            status=row.status,
            ground=row.ground,
            reason=row.reason,
            requested_at=row.requested_at,
            requested_by=row.requested_by,
            decided_at=row.decided_at,
            decided_by=row.decided_by or None,
            receipt=row.receipt or None,
        )
        for row in rows
    ]


def _records(customer: Customer) -> Iterator[SubjectRecord]:
    """Records that name the customer by their id, or the row of their profile."""
    changed = {f'"key":"{customer.pk}"', f'"model":"{Customer._meta.label}"'}
    named = f'"{customer.public_id}"'
    rows = AuditRecord.objects.filter(
        Q(payload__contains=named) | Q(event=events.OBJECT_CHANGED, payload__contains=f'"key":"{customer.pk}"')
    )
    for record in rows.order_by("seq").iterator(chunk_size=1000):
        if named in record.payload or all(text in record.payload for text in changed):
            yield SubjectRecord(
                seq=record.seq,
                event=record.event,
                at=record.timestamp,
                user_id=record.user_id,
                task_id=str(record.task_id) if record.task_id else None,
            )


def _looks(customer: Customer) -> Iterator[SubjectLook]:
    """Pages of the admin that showed the customer, exports that held everyone's data, and answers like this one."""
    pages = _pages(customer)
    names = [events.PERSONAL_VIEWED, events.SUBJECT_ACCESS, events.DATA_EXPORTED]
    for record in AuditRecord.objects.filter(event__in=names).order_by("seq").iterator(chunk_size=1000):
        told = json.loads(record.payload)
        if how := _how(customer, pages, told):
            yield SubjectLook(at=record.timestamp, user_id=record.user_id, how=how)


def _pages(customer: Customer) -> set[tuple[str, str]]:
    """Model and key of every row of this customer's that has a page with personal data."""
    rows = {Ticket: customer.tickets, Interaction: customer.interactions, LoyaltyEntry: customer.loyalty.ledger}
    within = {(kind._meta.label, str(pk)) for kind, of in rows.items() for pk in of.values_list("pk", flat=True)}
    return within | {(Customer._meta.label, str(customer.pk))}


def _how(customer: Customer, pages: set[tuple[str, str]], told: dict[str, Any]) -> str | None:
    if told["event"] == events.SUBJECT_ACCESS:
        return "customers.export_data" if told["customer_id"] == customer.public_id else None
    if told["event"] == events.PERSONAL_VIEWED:
        page = (str(told.get("model")), str(told.get("key")))
        return f"admin page of {page[0]}" if page in pages else None
    whose = told["filters"].get("customer", customer.public_id)
    held = told["personal"] and told["rows"] and told["dataset"] in DATASETS and whose == customer.public_id
    return f"export of {told['dataset']}" if held else None
