"""Points: what earns them, what they are worth, and booking them. Balance and ledger change together."""

from decimal import ROUND_FLOOR, Decimal
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from inventory.models import Order
from shop_assistant.agents.errors import Conflict, InsufficientPoints, ValidationFailed
from shop_assistant.money import round_money

from .models import Customer, LoyaltyAccount, LoyaltyEntry

Kind = LoyaltyEntry.Kind


def points_for(amount: Decimal) -> int:
    """Whole points that a purchase earns: amount x LOYALTY_EARN_RATE, rounded down."""
    return int((amount * settings.LOYALTY_EARN_RATE).to_integral_value(ROUND_FLOOR))


def value_of(points: int) -> Decimal:
    """What points are worth in the shop's currency: points x LOYALTY_POINT_VALUE."""
    return round_money(points * settings.LOYALTY_POINT_VALUE, settings.SHOP_CURRENCY)


def points_earn(
    *,
    customer: Customer,
    points: int,
    user_id: str,
    order: Order | None = None,
    reason: str = "",
    task_id: UUID | None = None,
) -> LoyaltyEntry:
    """Add points. An order earns once.

    :raises Conflict: when the order has earned points already, or the customer was erased.
    """
    _positive(points)
    return _book(Kind.EARN, customer, points, order, reason, user_id, task_id)


def points_redeem(
    *,
    customer: Customer,
    points: int,
    user_id: str,
    order: Order | None = None,
    reason: str = "",
    task_id: UUID | None = None,
) -> LoyaltyEntry:
    """Take points away, for their value (`value_of`). `points` is positive; the entry's are negative.

    :raises InsufficientPoints: with `balance` and `requested`.
    :raises Conflict: when the customer was erased.
    """
    _positive(points)
    return _book(Kind.REDEEM, customer, -points, order, reason, user_id, task_id)


def points_adjust(
    *,
    customer: Customer,
    points: int,
    user_id: str,
    reason: str,
    order: Order | None = None,
    task_id: UUID | None = None,
) -> LoyaltyEntry:
    """Correct a balance by hand; `points` is signed.

    :raises InsufficientPoints: when more would be taken than there is.
    :raises Conflict: when the customer was erased.
    """
    if not points:
        raise ValidationFailed(fields={"points": "must not be 0"})
    return _book(Kind.ADJUST, customer, points, order, reason, user_id, task_id)


def points_refund(
    *,
    customer: Customer,
    points: int,
    user_id: str,
    order: Order | None = None,
    reason: str = "",
    task_id: UUID | None = None,
) -> LoyaltyEntry | None:
    """Undo what an order did to the balance: positive gives redeemed points back, negative takes earned ones back.

    Never fails for lack of points: of earned ones only what is still there is taken. None where there was
    nothing to book, or the customer was erased.
    """
    account = LoyaltyAccount.objects.select_for_update().get(customer=customer)
    points = max(points, -account.balance)
    if not points or customer.erased_at:
        return None
    return _book(Kind.REFUND, customer, points, order, reason, user_id, task_id)


def _positive(points: int) -> None:
    if points <= 0:
        raise ValidationFailed(fields={"points": "must be positive"})


def _book(
    kind: LoyaltyEntry.Kind,
    customer: Customer,
    points: int,
    order: Order | None,
    reason: str,
    user_id: str,
    task_id: UUID | None,
) -> LoyaltyEntry:
    if customer.erased_at:
        raise Conflict("This customer was erased.", customer_id=customer.public_id)
    entry = LoyaltyEntry(kind=kind, points=points, order=order, user_id=user_id, task_id=task_id)
    try:
        with transaction.atomic():
            entry.account = _move(customer, points)
            entry.number, entry.balance = entry.account.entries, entry.account.balance
            entry.seal({"reason": reason})
            entry.save()
    except IntegrityError:
        if order and LoyaltyEntry.objects.filter(kind=Kind.EARN, order=order).exists():
            raise Conflict("This order has earned its points already.", order=order.reference) from None
        raise
    return entry


def _move(customer: Customer, points: int) -> LoyaltyAccount:
    """Change the balance if it covers it. The update locks the row until the transaction ends."""
    account = LoyaltyAccount.objects.filter(customer=customer)
    covered = account.filter(balance__gte=-points)
    if not covered.update(balance=F("balance") + points, entries=F("entries") + 1):
        raise InsufficientPoints(customer_id=customer.public_id, balance=account.get().balance, requested=-points)
    return account.select_related("customer").get()
