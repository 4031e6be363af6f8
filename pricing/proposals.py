"""The lines of a proposed sale or quotation, priced as they would be."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from audit.rulebook import Proposal
from customers.selectors import customer_serve
from inventory.models import Product
from inventory.selectors import products_get
from shop_assistant.agents.errors import AgentError

from .selectors import rule_get
from .services import DEFAULT_CHANNEL, quote

SELL, CALCULATE, APPLY = "sales.sell", "pricing.calculate", "pricing.apply_discount"
BASKETS = frozenset({SELL, CALCULATE, APPLY})
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Priced:
    product: Product
    quantity: Decimal
    base_price: Decimal
    unit_price: Decimal
    discount_percent: Decimal
    net: Decimal
    """of the whole line, without tax"""
    rules: tuple[str, ...]


def priced(proposal: Proposal) -> Sequence[Priced]:
    """As the operation has priced them, where it has run; else as they would be priced now. Nothing, where they can't
    be: then the operation refuses, too.
    """
    if "priced" not in proposal.notes:
        data: Any = proposal.data
        try:
            if proposal.operation == SELL and proposal.output is not None:
                proposal.notes["priced"] = _sold(proposal.output)
            else:
                proposal.notes["priced"] = _quoted(proposal.operation, data)
        except AgentError:
            proposal.notes["priced"] = []
    lines: Sequence[Priced] = proposal.notes["priced"]
    return lines


def _sold(sold: Any) -> list[Priced]:
    products = products_get(skus=[line.sku for line in sold.lines])
    return [
        Priced(
            product=products[line.sku],
            quantity=line.quantity,
            base_price=line.base_price,
            unit_price=line.unit_price,
            discount_percent=round((1 - line.unit_price / line.base_price) * HUNDRED, 1)
            if line.base_price
            else HUNDRED,
            net=line.total - line.tax,
            rules=tuple(line.applicable_rules),
        )
        for line in sold.lines
    ]


def _quoted(operation: str, data: Any) -> list[Priced]:
    lines = [data] if operation == APPLY else data.basket if operation == CALCULATE else data.lines
    products = products_get(skus=[line.sku for line in lines])
    made = quote(
        items=[(products[line.sku], line.quantity) for line in lines],
        customer=customer_serve(customer_id=data.customer_id) if data.customer_id else None,
        coupon=data.coupon,
        channel=getattr(data, "channel", None) or DEFAULT_CHANNEL,
        at=getattr(data, "at", None),
        only=rule_get(rule_id=data.rule_id, coupon=data.coupon) if operation == APPLY else None,
    )
    return [
        Priced(
            product=line.product,
            quantity=line.quantity,
            base_price=line.base_price,
            unit_price=line.unit_price,
            discount_percent=line.discount_percent,
            net=line.total - line.tax,
            rules=line.rules,
        )
        for line in made.lines
    ]
