"""What must not happen with prices."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from pydantic import Field

from audit.rulebook import Case, Parameters, Percent, Period, Proposal, Rule, register
from inventory.models import OrderLine, Product
from shop_assistant.agents.fields import iso_utc, json_number
from shop_assistant.money import HUNDRED, minor_unit, round_money

from .approved import Approved
from .compliance_people import RULES
from .proposals import BASKETS, Priced, priced
from .reductions import Wrong, reductions_wrong

MOMENT = timedelta(seconds=5)


class DiscountParameters(Parameters):
    percent: Percent = Field(Decimal(50), description="off the list price; more needs an approval of its price rules")


class MarginParameters(Parameters):
    margin_percent: Percent = Field(
        Decimal(0), lt=100, description="least share of the price without tax that is left above cost; 0: below cost"
    )


def _sold(period: Period) -> QuerySet[Any]:
    lines = OrderLine.objects.filter(order__occurred_at__gte=period.begin, order__occurred_at__lt=period.end)
    return lines.select_related("order", "product").order_by("pk")


def _of_order(line: OrderLine, message: str) -> Case:
    order = line.order
    return Case(
        "order",
        order.reference,
        message,
        (order.reference, line.rules) if line.rules else (order.reference,),
        at=order.occurred_at,
        caused_by=order.user_id,
        tasks=(order.task_id,) if order.task_id else (),
        about=(("product", line.product.sku),),
    )


def _of_line(line: Priced, message: str, proposal: Proposal) -> Case:
    return Case("product", line.product.sku, message, line.rules, caused_by=proposal.user_id)


def _limit_price(base_price: Decimal, percent: Decimal) -> Decimal:
    """The lowest price that is within the limit, rounded as the price rules round."""
    return round_money(base_price * (HUNDRED - percent) / HUNDRED, settings.SHOP_CURRENCY)


def _deep_discounts(period: Period, parameters: DiscountParameters) -> Iterator[Case]:
    kept = (HUNDRED - parameters.percent) / HUNDRED
    approved = Approved()
    lines = _sold(period).filter(unit_price__lte=F("base_price") * kept + minor_unit(settings.SHOP_CURRENCY))
    for line in lines.iterator(chunk_size=500):
        rules = line.rules.split(",") if line.rules else []
        if _too_deep(line, rules, parameters, approved, line.order.occurred_at):
            percent = json_number(round(HUNDRED - line.unit_price / line.base_price * HUNDRED, 1))
            yield _of_order(line, f"{line.product.sku} sold with {percent} % off, approved by nobody")


def _deep_proposal(proposal: Proposal, parameters: DiscountParameters) -> Iterator[Case]:
    approved, now = Approved(), timezone.now()
    for line in priced(proposal):
        if _too_deep(line, line.rules, parameters, approved, now):
            percent = json_number(line.discount_percent)
            told = f"{line.product.sku} would be sold with {percent} % off, approved by nobody"
            yield _of_line(line, told, proposal)


def _too_deep(
    line: OrderLine | Priced, rules: Sequence[str], parameters: DiscountParameters, approved: Approved, at: datetime
) -> bool:
    """Below the limit, and below what was approved for the rules that took part."""
    if line.unit_price >= _limit_price(line.base_price, parameters.percent):
        return False
    return line.unit_price < _limit_price(line.base_price, approved.percent(rules, at))


def _below_cost(period: Period, parameters: MarginParameters) -> Iterator[Case]:
    """Tax is not the shop's: what counts is what is left of the line without it."""
    share = (HUNDRED - parameters.margin_percent) / HUNDRED
    near = minor_unit(settings.SHOP_CURRENCY)
    lines = _sold(period).filter(unit_cost__gt=0)
    lines = lines.filter(Q(total__lt=F("tax") + F("quantity") * F("unit_cost") / share + near))
    for line in lines.iterator(chunk_size=500):
        cost = line.quantity * (line.unit_cost or Decimal(0))
        if (line.total - line.tax) * share < cost:
            yield _of_order(line, _margin_told(line.product, (line.total - line.tax) / line.quantity, line.unit_cost))


def _below_cost_proposal(proposal: Proposal, parameters: MarginParameters) -> Iterator[Case]:
    share = (HUNDRED - parameters.margin_percent) / HUNDRED
    for line in priced(proposal):
        cost = line.product.cost
        if cost and line.net * share < line.quantity * cost:
            yield _of_line(line, _margin_told(line.product, line.net / line.quantity, cost), proposal)


def _margin_told(product: Product, net: Decimal, cost: Decimal | None) -> str:
    cost = cost or Decimal(0)
    amount = json_number(round_money(net, settings.SHOP_CURRENCY))
    if net < cost:
        return f"{product.sku} at {amount} without tax, below its cost of {json_number(cost)}"
    return f"{product.sku} at {amount} without tax, a margin of {json_number(round((1 - cost / net) * 100, 1))} %"


def _announced(period: Period, parameters: Parameters) -> Iterator[Case]:
    for wrong in reductions_wrong(period.begin, period.end):
        yield Case(
            "reduction",
            f"{wrong.code} {wrong.product.sku}",
            _reduction_told(wrong),
            (wrong.code,),
            at=wrong.since,
            about=(("product", wrong.product.sku), ("price_rule", wrong.code)),
        )


def _announced_proposal(proposal: Proposal, parameters: Parameters) -> Iterator[Case]:
    lines = {line.product.pk: line for line in priced(proposal) if line.rules}
    if not lines:
        return
    now = timezone.now()
    for wrong in reductions_wrong(now, now + MOMENT, products=[line.product for line in lines.values()]):
        if wrong.code in lines[wrong.product.pk].rules:
            yield _of_line(lines[wrong.product.pk], _reduction_told(wrong), proposal)


def _reduction_told(wrong: Wrong) -> str:
    return (
        f"{wrong.code} is taken off {json_number(wrong.reference)} for {wrong.product.sku}, whose lowest price in the "
        f"30 days before {iso_utc(wrong.since)[:10]} was {json_number(wrong.lowest)}"
    )


register(
    Rule(
        key="deep-discount",
        title="No discount beyond the limit without approval",
        explanation="Large discounts eat the margin and invite abuse. Let another person approve the price rule "
        "(pricing.approve_discount), or make it smaller.",
        severity="warning",
        weight=15,
        parameters=DiscountParameters,
        past=_deep_discounts,
        proposed=_deep_proposal,
        operations=BASKETS,
    ),
    Rule(
        key="sale-below-cost",
        title="Nothing sold below cost or the margin floor",
        explanation="Each such sale loses money. Check the cost, the list price and the price rules of the product.",
        severity="warning",
        weight=15,
        parameters=MarginParameters,
        past=_below_cost,
        proposed=_below_cost_proposal,
        operations=BASKETS,
    ),
    Rule(
        key="reduction-announced",
        title="Reductions are taken off the lowest price of the past 30 days",
        explanation="Who announces a reduction to consumers has to take it off the lowest price of the 30 days before "
        "(Directive 98/6/EC, article 6a). End the reduction, or lower the list price to that price.",
        severity="critical",
        weight=20,
        past=_announced,
        proposed=_announced_proposal,
        operations=BASKETS,
    ),
    *RULES,
)
