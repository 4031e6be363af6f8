"""What must not happen with prices."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import F

from audit.compliance import Case, Period, Proposal, Rule, register
from inventory.models import OrderLine, Product
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import json_number

from .models import PriceRule
from .services import quote

HUNDRED = Decimal(100)


def _deep_discounts(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    kept = 1 - Decimal(str(parameters["percent"])) / HUNDRED
    lines = OrderLine.objects.filter(
        order__occurred_at__gte=period.begin,
        order__occurred_at__lt=period.end,
        unit_price__lt=F("base_price") * kept,
    ).select_related("order", "product")
    for line in lines.order_by("pk").iterator(chunk_size=500):
        percent = HUNDRED - line.unit_price / line.base_price * HUNDRED
        yield Case(
            "order",
            line.order.reference,
            f"{line.product.sku} sold with {json_number(round(percent, 1))} % off",
            [line.order.reference, line.rules],
        )


def _deep_proposal(proposal: Proposal, parameters: dict[str, Any]) -> Iterator[Case]:
    """A discount or sale as it would be priced now; one that can't be priced is not for us to judge."""
    if proposal.operation not in ("pricing.apply_discount", "pricing.calculate", "sales.sell"):
        return
    try:
        items, only = _asked(proposal.payload)
        quoted = quote(items=items, coupon=proposal.payload.get("coupon"), only=only)
    except (AgentError, ArithmeticError, TypeError, ValueError, AttributeError):
        return
    for line in quoted.lines:
        if line.discount_percent > Decimal(str(parameters["percent"])):
            message = f"{line.product.sku} would be sold with {json_number(line.discount_percent)} % off"
            yield Case("product", line.product.sku, message, list(line.rules))


def _asked(payload: dict[str, Any]) -> tuple[list[tuple[Product, Decimal]], PriceRule | None]:
    lines = payload.get("lines") or [payload]
    wanted = {str(line.get("sku")): Decimal(str(line.get("quantity"))) for line in lines}
    products = Product.objects.filter(sku__in=wanted)
    rule = PriceRule.objects.filter(code=str(payload["rule_id"])).first() if payload.get("rule_id") else None
    return [(product, wanted[product.sku]) for product in products], rule


register(
    Rule(
        key="deep-discount",
        title="No discount beyond the limit",
        explanation="Large discounts eat the margin and invite abuse. Check the price rule; ask who granted it.",
        severity="warning",
        weight=15,
        parameters={"percent": 50},
        past=_deep_discounts,
        proposed=_deep_proposal,
    ),
)
