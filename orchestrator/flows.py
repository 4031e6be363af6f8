"""Work that spans agents, each in one transaction: a sale (price, stock, order, tax, points) and its return."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum

from customers.loyalty import points_earn, points_for, points_redeem, points_refund, value_of
from customers.models import Customer, Interaction, LoyaltyEntry
from customers.selectors import customer_serve, order_of
from customers.services import interaction_record, order_link
from inventory.models import Lot, Order, OrderLine, OrderReturn, Product, Reservation
from inventory.selectors import location_get, products_get, reservation_get
from inventory.services import (
    Item,
    Pick,
    SoldLine,
    inactive_refuse,
    lots_get,
    order_create,
    return_create,
    stock_pick,
)
from pricing.services import Quote, coupon_redeem, quote
from shop_assistant.agents import Agent, Context, Effect, operation
from shop_assistant.agents.errors import ClarificationNeeded, ValidationFailed
from shop_assistant.agents.roles import COUNTER

from .sales_schemas import Line, Picked, Return, Returned, ReturnedItem, Sell, Sold, SoldItem


class SalesAgent(Agent):
    name = "sales"
    pages = ("sales",)

    @operation(
        roles=COUNTER, effect=Effect.WRITE, route="sales/sell", audit="sold {order} for {total} {currency} ({payment})"
    )
    def sell(self, context: Context, data: Sell) -> Sold:
        """Sell goods at the counter: price them, take them from stock, book the order and the customer's points."""
        customer = customer_serve(customer_id=data.customer_id) if data.customer_id else None
        products = products_get(skus=[line.sku for line in data.lines])
        inactive_refuse(products.values())
        items = [(products[line.sku], line.quantity) for line in data.lines]
        reservation = reservation_get(reference=data.reservation) if data.reservation else None
        with context.step("pricing", "calculate"):
            quoted = quote(items=items, customer=customer, coupon=data.coupon)
        points_value = _points_value(data, quoted)
        with context.step("inventory", "sell"):
            picks = stock_pick(
                items=_items(data.lines, products),
                location=location_get(code=data.location) if data.location else None,
                reservation=reservation,
                below_zero=settings.NEGATIVE_STOCK == "allow",
                expected={
                    products[v.sku]: v.expected_available for v in data.lines if v.expected_available is not None
                },
            )
            order = order_create(
                lines=_sold_lines(quoted),
                subtotal=quoted.subtotal,
                discount=quoted.discount,
                points_value=points_value,
                picks=picks,
                reservation=reservation,
                payment=data.payment,
                coupon=quoted.coupon_rule.coupon or "" if quoted.coupon_rule else "",
                user_id=context.user_id,
                task_id=context.task_id,
            )
        if quoted.coupon_rule:
            with context.step("pricing", "redeem_coupon"):
                coupon_redeem(rule=quoted.coupon_rule, order_reference=order.reference, customer_id=data.customer_id)
        earned, balance = 0, None
        if customer:
            with context.step("customers", "loyalty"):
                earned, balance = _book_customer(context, customer, order, data.redeem_points)
        return _sold(order, quoted, picks, reservation, customer, data.redeem_points or 0, earned, balance)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="sales/return",
        audit="took back {reference} of {order}: {refund} {currency}",
    )
    def return_(self, context: Context, data: Return) -> Returned:
        """Take goods of an order back: refund them, put them back on the shelf, correct the customer's points."""
        order, customer = order_of(reference=data.order, customer=None, walk_in=True)
        items, lots = None, None
        if data.lines is not None:
            products = products_get(skus=[line.sku for line in data.lines])
            items = [(products[line.sku], line.quantity) for line in data.lines]
            lots = _lots(_items(data.lines, products))
        with context.step("inventory", "return"):
            made = return_create(
                order=order,
                items=items,
                lots=lots,
                disposition=data.disposition or ("restock" if data.restock else "write_off"),
                user_id=context.user_id,
                task_id=context.task_id,
            )
        given, taken = 0, 0
        if customer:
            with context.step("customers", "loyalty"):
                given, taken = _correct_points(context, customer, order)
                if not customer.erased_at:
                    interaction_record(
                        customer=customer,
                        kind=Interaction.Kind.RETURN,
                        reference=made.reference,
                        summary=data.reason or "",
                    )
        return _returned(made, order, customer, data.reason, given, taken)


def _items(lines: Sequence[Line], products: dict[str, Product]) -> list[Item]:
    lots = lots_get((products[line.sku], line.lot) for line in lines if line.lot)
    return [
        Item(of, line.quantity, lots[of.pk, line.lot] if line.lot else None)
        for line in lines
        for of in [products[line.sku]]
    ]


def _lots(items: Iterable[Item]) -> dict[int, dict[Lot, Decimal]]:
    """How much comes back of the lots that are named, by the product's primary key."""
    named: dict[int, dict[Lot, Decimal]] = {}
    for item in items:
        if item.lot:
            own = named.setdefault(item.product.pk, {})
            own[item.lot] = own.get(item.lot, Decimal(0)) + item.quantity
    return named


def _points_value(data: Sell, quoted: Quote) -> Decimal:
    if not data.redeem_points:
        return Decimal(0)
    if not data.customer_id:
        raise ClarificationNeeded("Whose points? Name the customer.", missing="customer_id")
    value = value_of(data.redeem_points)
    if value > quoted.total:
        raise ValidationFailed(
            fields={"redeem_points": f"are worth {value}, more than the {quoted.total} to be paid"},
        )
    return value


def _sold_lines(quoted: Quote) -> list[SoldLine]:
    return [
        SoldLine(
            product=line.product,
            quantity=line.quantity,
            base_price=line.base_price,
            unit_price=line.unit_price,
            tax_rate=line.tax_rate,
            tax=line.tax,
            total=line.total,
            rules=",".join(line.rules),
        )
        for line in quoted.lines
    ]


def _book_customer(context: Context, customer: Customer, order: Order, redeem: int | None) -> tuple[int, int]:
    """Link the order, take the points it was paid with, add those it earns: (earned, balance)."""
    order_link(customer=customer, order=order)
    interaction_record(
        customer=customer, kind=Interaction.Kind.SALE, reference=order.reference, occurred_at=order.occurred_at
    )
    who: Any = {"customer": customer, "order": order, "user_id": context.user_id, "task_id": context.task_id}
    balance = customer.loyalty.balance
    if redeem:
        balance = points_redeem(points=redeem, **who).balance
    earned = points_for(order.total)
    if earned:
        balance = points_earn(points=earned, **who).balance
    return earned, balance


def _correct_points(context: Context, customer: Customer, order: Order) -> tuple[int, int]:
    """Of the points that the order earned and was paid with, undo the share that has come back by now, less what
    earlier returns undid: (given back, taken back).
    """
    share = _share_returned(order)
    entries = LoyaltyEntry.objects.filter(order=order)
    kinds = dict(entries.values_list("kind").annotate(points=Sum("points")))
    undone = entries.filter(kind=LoyaltyEntry.Kind.REFUND)
    given_before = undone.filter(points__gt=0).aggregate(sum=Sum("points"))["sum"] or 0
    taken_before = -(undone.filter(points__lt=0).aggregate(sum=Sum("points"))["sum"] or 0)
    give = int(-kinds.get(LoyaltyEntry.Kind.REDEEM, 0) * share) - given_before
    take = int(kinds.get(LoyaltyEntry.Kind.EARN, 0) * share) - taken_before
    who: Any = {"customer": customer, "order": order, "user_id": context.user_id, "task_id": context.task_id}
    given = points_refund(points=give, **who) if give > 0 else None
    taken = points_refund(points=-take, **who) if take > 0 else None
    return given.points if given else 0, -taken.points if taken else 0


def _share_returned(order: Order) -> Decimal:
    """How much of the order's worth has come back, 0 to 1."""
    lines = OrderLine.objects.filter(order=order).select_related("returned")
    worth = [(line.total, line.returned.quantity / line.quantity) for line in lines]
    total = sum((amount for amount, _ in worth), Decimal(0))
    if not total:
        return Decimal(0)
    return sum((amount * part for amount, part in worth), Decimal(0)) / total


def _picked(pick: Pick) -> list[Picked]:
    return [
        Picked(
            sku=need.product.sku,
            location=level.location.code,
            lot=level.lot.code if level.lot else None,
            quantity=quantity,
        )
        for need in pick.needs
        for level, quantity in need.taken.items()
    ]


def _sold(
    order: Order,
    quoted: Quote,
    picks: Sequence[Pick],
    reservation: Reservation | None,
    customer: Customer | None,
    redeemed: int,
    earned: int,
    balance: int | None,
) -> Sold:
    return Sold(
        order=order.reference,
        occurred_at=order.occurred_at,
        customer_id=customer.public_id if customer else None,
        currency=order.currency,
        lines=[
            SoldItem(
                sku=line.product.sku,
                product_name=line.product.name,
                quantity=line.quantity,
                base_price=line.base_price,
                unit_price=line.unit_price,
                tax_rate=line.tax_rate,
                tax=line.tax,
                total=line.total,
                applicable_rules=list(line.rules),
                picked=_picked(pick),
                oversold=pick.oversold,
            )
            for line, pick in zip(quoted.lines, picks, strict=True)
        ],
        subtotal=order.subtotal,
        discount=order.discount,
        points_redeemed=redeemed,
        points_value=order.points_value,
        tax=order.tax,
        total=order.total,
        payment=order.payment,
        reservation=reservation.reference if reservation else None,
        points_earned=earned,
        loyalty_points=balance,
    )


def _returned(
    made: OrderReturn, order: Order, customer: Customer | None, reason: str | None, given: int, taken: int
) -> Returned:
    occurred_at: datetime = made.occurred_at
    return Returned(
        reference=made.reference,
        order=order.reference,
        occurred_at=occurred_at,
        customer_id=customer.public_id if customer else None,
        currency=order.currency,
        lines=[
            ReturnedItem(sku=line.line.product.sku, quantity=line.quantity, refund=line.total)
            for line in made.lines.select_related("line__product").order_by("line__number")
        ],
        refund=made.total,
        tax=made.tax,
        restocked=made.restocked,
        disposition=made.disposition,
        points_returned=given,
        points_taken_back=taken,
        reason=reason,
    )
