"""Orders and what comes back of them. Whose they are, and what a price is made of, is known above."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from inventory.models import (
    Location,
    Order,
    OrderLine,
    OrderReturn,
    OrderReturnLine,
    Product,
    ReturnedQuantity,
    StockMovement,
)
from inventory.refunds import allocate, part
from inventory.selectors import order_lines
from shop_assistant.agents.errors import Conflict, NotFound, ValidationFailed
from shop_assistant.agents.fields import json_number
from shop_assistant.money import BOOKABLE, minor_unit

from .references import next_reference
from .stock import Move, Why, levels_locked, quantity_check, stock_book, stock_pick

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
    occurred_at = occurred_at or timezone.now()
    order = Order.objects.create(
        reference=reference or next_reference(prefix="S"),
        channel=channel,
        occurred_at=occurred_at,
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
    moves = [
        Move(level, -taken, line.unit_price, line.product.cost)
        for line, pick in zip(lines, picks, strict=True)
        for level, taken in pick
    ]
    stock_book(
        moves,
        Why(
            kind=StockMovement.Kind.SALE,
            user_id=user_id,
            task_id=task_id,
            reference=order.reference,
            occurred_at=occurred_at,
        ),
    )
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
    return order


def return_create(
    *,
    order: Order,
    user_id: str,
    task_id: UUID | None = None,
    items: Sequence[tuple[Product, Decimal]] | None = None,
    reason: str = "",
    restock: bool = True,
    reference: str | None = None,
    occurred_at: datetime | None = None,
) -> OrderReturn:
    """Take goods of an order back, refund what was paid for them and (with `restock`) put them where they came from.
    What points paid is not refunded as money: each line's refund is its share of the order's total.

    :param items: what comes back, by product; None: everything that has not come back yet.
    :raises NotFound: for a product that the order does not have.
    :raises Conflict: for more than was sold and is still out, with what can be returned.
    :raises ValidationFailed: for parts of a piece.
    """
    lines = order_lines(order)
    ReturnedQuantity.objects.bulk_create(
        [ReturnedQuantity(line=line, sold=line.quantity) for line in lines], ignore_conflicts=True
    )
    locked = ReturnedQuantity.objects.select_for_update().filter(line__in=lines).order_by("pk")
    returned = {row.line_id: row for row in locked}
    left = {line.pk: line.quantity - returned[line.pk].quantity for line in lines}
    coming = _portions(order, lines, left, items)
    occurred_at = occurred_at or timezone.now()

    parts = _refunds(order, lines, returned, coming)
    for row in parts:
        returned[row.line_id].quantity += row.quantity
        returned[row.line_id].refunded += row.total
    ReturnedQuantity.objects.bulk_update([returned[row.line_id] for row in parts], ["quantity", "refunded"])

    back = [(line, coming[line.pk]) for line in lines if line.pk in coming]
    levels = (
        levels_locked((line.product for line, _ in back), [(line.product_id, line.location_id) for line, _ in back])
        if restock
        else {}
    )
    made = OrderReturn.objects.create(
        reference=reference or next_reference(prefix="R"),
        order=order,
        occurred_at=occurred_at,
        reason=reason,
        restocked=restock,
        total=sum((row.total for row in parts), ZERO),
        tax=sum((row.tax for row in parts), ZERO),
        user_id=user_id,
        task_id=task_id,
    )
    for row in parts:
        row.order_return = made
    OrderReturnLine.objects.bulk_create(parts)
    if restock:
        places = {(v.product_id, v.location_id): v for found in levels.values() for v in found}
        stock_book(
            [Move(places[line.product_id, line.location_id], n, line.unit_price, line.unit_cost) for line, n in back],
            Why(
                kind=StockMovement.Kind.RETURN,
                user_id=user_id,
                task_id=task_id,
                reason=reason,
                reference=made.reference,
                occurred_at=occurred_at,
            ),
        )
    return made


def _portions(
    order: Order,
    lines: Sequence[OrderLine],
    left: dict[int, Decimal],
    items: Sequence[tuple[Product, Decimal]] | None,
) -> dict[int, Decimal]:
    """How much comes back of each line, by the line's primary key; a product's lines in their order."""
    if items is None:
        if not any(left.values()):
            raise Conflict(f"Everything of order {order.reference} has come back already.", order=order.reference)
        return {pk: quantity for pk, quantity in left.items() if quantity}
    wanted: dict[Product, Decimal] = {}
    for product, quantity in items:
        quantity_check(product, quantity, "quantity")
        wanted[product] = wanted.get(product, ZERO) + quantity
    coming: dict[int, Decimal] = {}
    for product, quantity in wanted.items():
        own = [line for line in lines if line.product_id == product.pk]
        _check_returnable(order, lines, product, quantity, sum((left[line.pk] for line in own), ZERO))
        for line in own:
            if (taken := min(quantity, left[line.pk])) > 0:
                coming[line.pk] = taken
                quantity -= taken
    return coming


def _check_returnable(
    order: Order, lines: Sequence[OrderLine], product: Product, quantity: Decimal, free: Decimal
) -> None:
    sold = sum((line.quantity for line in lines if line.product_id == product.pk), ZERO)
    if not sold:
        raise NotFound(
            f"{product.sku} is not part of order {order.reference}.",
            order=order.reference,
            sku=product.sku,
            available_skus=sorted({line.product.sku for line in lines}),
        )
    if quantity > free:
        raise Conflict(
            f"Only {json_number(free)} of {product.sku} can still be returned.",
            order=order.reference,
            sku=product.sku,
            requested=json_number(quantity),
            returnable=json_number(free),
            sold=json_number(sold),
        )


def _refunds(
    order: Order,
    lines: Sequence[OrderLine],
    returned: dict[int, ReturnedQuantity],
    coming: dict[int, Decimal],
) -> list[OrderReturnLine]:
    """The return's lines, not stored yet."""
    unit = minor_unit(order.currency)
    paid = allocate(order.total, [line.total for line in lines], unit)
    made = []
    for line, amount in zip(lines, paid, strict=True):
        if now := coming.get(line.pk):
            before = returned[line.pk].quantity
            total = part(amount, sold=line.quantity, before=before, now=now, unit=unit)
            tax = part(line.tax, sold=line.quantity, before=before, now=now, unit=unit)
            made.append(OrderReturnLine(line=line, quantity=now, total=total, tax=tax))
    return made
