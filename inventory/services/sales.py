"""Orders. Whose they are, and what a price is made of, is known above."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from inventory.models import Location, Order, OrderLine, Product, StockLevel, StockMovement
from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.money import BOOKABLE

from .references import next_reference
from .stock import Move, Why, quantity_check, stock_book, stock_pick

Picks = Sequence[Sequence[tuple[StockLevel, Decimal]]]
"""For each line: the levels it comes from, and how much from each."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLine:
    """A line as it was quoted; amounts in the order's currency and rounded to its minor unit."""

    product: Product
    quantity: Decimal
    base_price: Decimal
    """list price of one unit"""
    unit_price: Decimal
    """charged for one unit, after rules"""
    tax_rate: Decimal
    """percent"""
    tax: Decimal
    """of the whole line"""
    total: Decimal
    """quantity x unit price, plus tax where prices are without"""
    rules: str = ""
    """codes of the price rules applied"""


def order_create(
    *,
    lines: Sequence[SoldLine],
    subtotal: Decimal,
    user_id: str,
    task_id: UUID | None = None,
    discount: Decimal = ZERO,
    points_value: Decimal = ZERO,
    location: Location | None = None,
    channel: str = "shop",
    payment: str = "cash",
    coupon: str = "",
    currency: str | None = None,
    reference: str | None = None,
    occurred_at: datetime | None = None,
) -> Order:
    """Sell: take the goods from stock and freeze what was charged. Tax and total are the sums of the lines'; the
    customer pays the total less `points_value`.

    :param location: take everything from there; else from wherever it lies.
    :param subtotal: before discounts and points.
    :raises InsufficientStock: naming every SKU that falls short.
    :raises ValidationFailed: for parts of a piece, or more money than can be booked.
    """
    if subtotal >= BOOKABLE or sum((line.total for line in lines), ZERO) >= BOOKABLE:
        raise ValidationFailed(fields={"lines": "more money than can be booked in one order"})
    for line in lines:
        quantity_check(line.product, line.quantity, "quantity")
    picks = stock_pick(items=[(line.product, line.quantity) for line in lines], location=location)
    order = Order.objects.create(
        reference=reference or next_reference(prefix="S"),
        channel=channel,
        occurred_at=occurred_at or timezone.now(),
        currency=currency or settings.SHOP_CURRENCY,
        subtotal=subtotal,
        discount=discount,
        points_value=points_value,
        tax=sum((line.tax for line in lines), ZERO),
        total=sum((line.total for line in lines), ZERO) - points_value,
        payment=payment,
        coupon=coupon,
        user_id=user_id,
        task_id=task_id,
    )
    _take(order, lines, picks)
    _store_lines(order, lines, picks)
    return order


def _take(order: Order, lines: Sequence[SoldLine], picks: Picks) -> None:
    why = Why(
        kind=StockMovement.Kind.SALE,
        user_id=order.user_id,
        task_id=order.task_id,
        reference=order.reference,
        occurred_at=order.occurred_at,
    )
    moves = (
        Move(level, -taken, line.unit_price, line.product.cost)
        for line, pick in zip(lines, picks, strict=True)
        for level, taken in pick
    )
    stock_book(moves, why)


def _store_lines(order: Order, lines: Sequence[SoldLine], picks: Picks) -> None:
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            number=number,
            product=line.product,
            location_id=max(pick, key=lambda taken: taken[1])[0].location_id,
            quantity=line.quantity,
            base_price=line.base_price,
            unit_price=line.unit_price,
            unit_cost=line.product.cost,
            tax_rate=line.tax_rate,
            tax=line.tax,
            total=line.total,
            rules=line.rules,
        )
        for number, (line, pick) in enumerate(zip(lines, picks, strict=True), start=1)
    )
