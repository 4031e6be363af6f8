"""Orders. Whose they are, and what a price is made of, is known above."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from inventory.models import Location, Order, OrderLine, OrderLineComponent, Product, Reservation, StockMovement
from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.money import BOOKABLE

from .picking import Item, Need, Pick, stock_pick
from .references import next_reference
from .reserving import reservation_taken
from .stock import Move, Why, stock_book

ZERO = Decimal(0)
CENT_OF_CENT = Decimal("0.0001")


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
    picks: Sequence[Pick] | None = None,
    reservation: Reservation | None = None,
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
    :param picks: where each line is taken from, in their order, where `stock_pick` has chosen it already.
    :param reservation: the open one that these picks were taken under.
    :param subtotal: before discounts and points.
    :raises InsufficientStock: naming every SKU that falls short.
    :raises ValidationFailed: for parts of a piece, or more money than can be booked.
    """
    if subtotal >= BOOKABLE or sum((line.total for line in lines), ZERO) >= BOOKABLE:
        raise ValidationFailed(fields={"lines": "more money than can be booked in one order"})
    if picks is None:
        picks = stock_pick(items=[Item(line.product, line.quantity) for line in lines], location=location)
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
    if reservation:
        reservation_taken(reservation=reservation, order=order)
    return order


def _take(order: Order, lines: Sequence[SoldLine], picks: Sequence[Pick]) -> None:
    why = Why(
        kind=StockMovement.Kind.SALE,
        user_id=order.user_id,
        task_id=order.task_id,
        reference=order.reference,
        occurred_at=order.occurred_at,
    )
    moves = (
        Move(level, -taken, None if need.kit else line.unit_price, need.product.cost)
        for line, pick in zip(lines, picks, strict=True)
        for need in pick.needs
        for level, taken in need.taken.items()
    )
    stock_book(moves, why)


def _store_lines(order: Order, lines: Sequence[SoldLine], picks: Sequence[Pick]) -> None:
    stored = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            number=number,
            product=line.product,
            location_id=pick.source.location_id,
            quantity=line.quantity,
            base_price=line.base_price,
            unit_price=line.unit_price,
            unit_cost=_cost_of_kit(pick) if pick.is_kit else line.product.cost,
            tax_rate=line.tax_rate,
            tax=line.tax,
            total=line.total,
            rules=line.rules,
        )
        for number, (line, pick) in enumerate(zip(lines, picks, strict=True), start=1)
    )
    components = [
        _component(line, need) for line, pick in zip(stored, picks, strict=True) if pick.is_kit for need in pick.needs
    ]
    if components:
        OrderLineComponent.objects.bulk_create(components)


def _component(line: OrderLine, need: Need) -> OrderLineComponent:
    return OrderLineComponent(
        line=line,
        product=need.product,
        location_id=need.source.location_id,
        quantity=need.quantity,
        unit_cost=need.product.cost,
    )


def _cost_of_kit(pick: Pick) -> Decimal | None:
    """What the components of one kit cost; None where that of any is not known."""
    costs = [need.product.cost and need.product.cost * need.quantity for need in pick.needs]
    if None in costs:
        return None
    whole = sum((cost for cost in costs if cost is not None), ZERO)
    return (whole / pick.item.quantity).quantize(CENT_OF_CENT, ROUND_HALF_UP)
