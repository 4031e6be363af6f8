"""Work that spans agents, each in one transaction: a sale (price, stock, order, tax, points) and its return."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.db.models import Sum
from pydantic import ConfigDict, Field

from customers.loyalty import points_earn, points_for, points_redeem, points_refund, value_of
from customers.models import Customer, Interaction, LoyaltyEntry
from customers.schemas import CustomerId
from customers.selectors import customer_serve, order_of, owner_of
from customers.services import interaction_record, order_link
from inventory.models import Order, OrderLine, OrderReturn, Product
from inventory.selectors import location_get, products_get
from inventory.services import SoldLine, order_create, return_create
from pricing.services import Quote, coupon_redeem, quote
from shop_assistant.agents import Agent, Context, Effect, Input, Output, operation
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, ValidationFailed
from shop_assistant.agents.fields import PERSONAL, Code, Money, Number, PersonalText, Quantity, Sku, UtcTime
from shop_assistant.agents.roles import COUNTER

Payment = Literal["cash", "card", "transfer", "invoice", "other"]


class Item(Input):
    sku: Sku
    quantity: Quantity


Items = Annotated[tuple[Item, ...], Field(min_length=1, max_length=200)]


class Sell(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"sku": "SKU001", "quantity": 2}], "customer_id": "CUST001"}]}
    )
    subject_field = "customer_id"

    lines: Items
    customer_id: CustomerId | None = Field(None, description="left out: a walk-in sale")
    coupon: Code | None = None
    redeem_points: int | None = Field(None, ge=1, le=1_000_000_000, description="pay so many points' worth")
    location: Code | None = Field(None, description="take everything from there; left out: from wherever it lies")
    payment: Payment = "cash"


class SoldItem(Output):
    sku: str
    product_name: str
    quantity: Number
    base_price: Money
    unit_price: Money = Field(description="after price rules")
    tax_rate: Number = Field(description="percent")
    tax: Money
    total: Money
    applicable_rules: list[str]


class Sold(Output):
    subject_field = "customer_id"

    order: str = Field(description="the order's reference")
    occurred_at: UtcTime
    customer_id: str | None
    currency: str
    lines: list[SoldItem]
    subtotal: Money
    discount: Money
    points_redeemed: int
    points_value: Money
    tax: Money
    total: Money = Field(description="what the customer pays")
    payment: str
    points_earned: int
    loyalty_points: int | None = Field(description="the customer's balance afterwards")


class Return(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"order": "S-000001", "reason": "too small"}]})

    order: Code
    lines: Items | None = Field(None, description="what comes back; left out: everything still out")
    reason: PersonalText | None = None
    restock: bool = Field(True, description="false: the goods can't be sold again")

    @property
    def subject(self) -> str | None:
        """Whose key seals the reason: that of the order's customer; one query."""
        return owner_of(reference=self.order) if self.reason else None


class ReturnedItem(Output):
    sku: str
    quantity: Number
    refund: Money


class Returned(Output):
    subject_field = "customer_id"

    reference: str
    order: str
    occurred_at: UtcTime
    customer_id: str | None
    currency: str
    lines: list[ReturnedItem]
    refund: Money = Field(description="money back to the customer")
    tax: Money = Field(description="of that")
    restocked: bool
    points_returned: int = Field(description="redeemed points given back")
    points_taken_back: int = Field(description="earned points taken back")
    reason: Annotated[str, PERSONAL] | None = None


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
        _refuse_inactive(products.values())
        items = [(products[line.sku], line.quantity) for line in data.lines]
        with context.step("pricing", "calculate"):
            quoted = quote(items=items, customer=customer, coupon=data.coupon)
        points_value = _points_value(data, quoted)
        with context.step("inventory", "sell"):
            order = order_create(
                lines=_sold_lines(quoted),
                subtotal=quoted.subtotal,
                discount=quoted.discount,
                points_value=points_value,
                location=location_get(code=data.location) if data.location else None,
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
        return _sold(order, quoted, customer, data.redeem_points or 0, earned, balance)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="sales/return",
        audit="took back {reference} of {order}: {refund} {currency}",
    )
    def return_(self, context: Context, data: Return) -> Returned:
        """Take goods of an order back: refund them, put them back on the shelf, correct the customer's points."""
        order, customer = order_of(reference=data.order, customer=None, walk_in=True)
        items = None
        if data.lines is not None:
            products = products_get(skus=[line.sku for line in data.lines])
            items = [(products[line.sku], line.quantity) for line in data.lines]
        with context.step("inventory", "return"):
            made = return_create(
                order=order,
                items=items,
                restock=data.restock,
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


def _refuse_inactive(products: Iterable[Product]) -> None:
    if gone := sorted({product.sku for product in products if not product.active}):
        raise Conflict(f"Not sold any more: {', '.join(gone)}.", skus=gone)


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


def _sold(
    order: Order, quoted: Quote, customer: Customer | None, redeemed: int, earned: int, balance: int | None
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
            )
            for line in quoted.lines
        ],
        subtotal=order.subtotal,
        discount=order.discount,
        points_redeemed=redeemed,
        points_value=order.points_value,
        tax=order.tax,
        total=order.total,
        payment=order.payment,
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
        points_returned=given,
        points_taken_back=taken,
        reason=reason,
    )
