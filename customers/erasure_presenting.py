"""How a request to erase someone, and its outcome, are told."""

from typing import Any

from django.conf import settings

from inventory.models import OrderReturn
from shop_assistant.accounts.four_eyes import others_may

from .erasure_schemas import Erasure, ErasureCounts, ErasureKept
from .loyalty import value_of
from .models import Customer, CustomerOrder, ErasureRequest, LoyaltyEntry
from .selectors import WAITING
from .services.erasing import PERMISSION

BOOKS = "The law on books and taxes has invoices kept for years; they have no name in them."


def erasure_told(request: ErasureRequest) -> Erasure:
    """About eight queries."""
    customer = request.customer
    by_people = request.ground not in (ErasureRequest.Ground.RETENTION, ErasureRequest.Ground.RESTORED)
    approval: Any = "self-approved" if request.self_approved else "four eyes"
    return Erasure(
        request=request.reference,
        customer_id=customer.public_id,
        status=request.status,
        ground=request.ground,
        requested_by=request.requested_by,
        requested_at=request.requested_at,
        due_at=request.due_at,
        decided_by=request.decided_by or None,
        approval=approval if request.done_at and by_people else None,
        erased_at=request.done_at,
        receipt=request.receipt or None,
        erased=ErasureCounts(**request.erased),
        kept=_kept(customer),
        notes=_notes(request) if request.status == "requested" else [],
    )


def erased_told(customer: Customer) -> Erasure:
    """Of who is erased already: the outcome of the last time."""
    if request := customer.erasures.exclude(done_at=None).order_by("-pk").first():
        request.customer = customer
        return erasure_told(request)
    nothing = dict.fromkeys(("request", "ground", "requested_by", "requested_at", "due_at", "decided_by", "approval"))
    return Erasure(
        **nothing,
        customer_id=customer.public_id,
        status="erased",
        erased_at=customer.erased_at,
        receipt=None,
        erased=ErasureCounts(),
        kept=_kept(customer),
        notes=[],
    )


def _kept(customer: Customer) -> list[ErasureKept]:
    orders = CustomerOrder.objects.filter(customer=customer)
    rows = [
        ("orders", orders.count(), BOOKS),
        ("returns", OrderReturn.objects.filter(order__customer_order__customer=customer).count(), BOOKS),
        (
            "entries of points",
            LoyaltyEntry.objects.filter(account=customer.loyalty).count(),
            "Points are money: the ledger has to add up. Reasons are erased, and nothing can be redeemed any more.",
        ),
        (
            "tickets",
            customer.tickets.count(),
            "That there was one, its times and its mood as a number; the words are erased.",
        ),
    ]
    return [ErasureKept(what=what, count=count, why=why) for what, count, why in rows if count]


def _notes(request: ErasureRequest) -> list[str]:
    customer = request.customer
    notes = []
    if waiting := sorted(customer.tickets.filter(status__in=WAITING).values_list("reference", flat=True)):
        notes.append(f"Open tickets, which erasing closes unanswered: {', '.join(waiting)}.")
    if invoices := CustomerOrder.objects.filter(customer=customer, order__payment="invoice").count():
        notes.append(
            f"{invoices} orders on invoice: see that they are paid, and keep the invoices themselves where the law "
            "asks for the name. Afterwards nobody can say whose they were."
        )
    if points := customer.loyalty.balance:
        notes.append(f"{points} points, worth {value_of(points)} {settings.SHOP_CURRENCY}, lapse.")
    if others_may(PERMISSION, request.requested_by):
        notes.append("Another person than the one who asked has to confirm it.")
    else:
        notes.append("Nobody else may confirm it here: who asked confirms it, too, a second time.")
    return notes
