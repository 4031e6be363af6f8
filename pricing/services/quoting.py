"""What a basket costs: the one calculation that a price request and a sale share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from customers.models import Customer
from inventory.models import Product
from pricing.models import PriceRule
from pricing.rules import Explanation, Kind, Line, PricedLine, Rule, Situation, price_lines
from pricing.selectors import list_prices, rules_for
from shop_assistant.agents.errors import ClarificationNeeded, NotFound
from shop_assistant.money import BOOKABLE, minor_unit, round_money, tax_of

from .coupons import coupon_check

DEFAULT_CHANNEL = "shop"
ZERO = Decimal(0)

Item = tuple[Product, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """Amounts are in `Quote.currency`, rounded to its minor unit."""

    product: Product
    quantity: Decimal
    base_price: Decimal
    """list price of one unit"""
    unit_price: Decimal
    """of one unit, after rules"""
    discount_percent: Decimal
    subtotal: Decimal
    """quantity x base price"""
    savings: Decimal
    tax_rate: Decimal
    """percent"""
    tax: Decimal
    """contained in the total"""
    total: Decimal
    """what the customer pays: quantity x unit price, plus tax where prices are without"""
    rules: tuple[str, ...]
    """codes of the rules that applied, in order"""
    reasons: tuple[Explanation, ...]
    """of every rule that was considered"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    lines: tuple[QuotedLine, ...]
    currency: str
    tax_included: bool
    """whether prices, subtotal and discount contain the tax"""
    subtotal: Decimal
    """before discounts"""
    discount: Decimal
    tax: Decimal
    """contained in the total"""
    total: Decimal
    """what the customer pays"""
    coupon_rule: PriceRule | None
    """the rule whose coupon lowered a price: a sale redeems it (coupon_redeem)"""


def quote(
    *,
    items: Sequence[Item],
    customer: Customer | None = None,
    coupon: str | None = None,
    channel: str = DEFAULT_CHANNEL,
    at: datetime | None = None,
    only: PriceRule | None = None,
) -> Quote:
    """Price a basket. The number of queries does not depend on how many items or rules there are.

    :param coupon: in any case; it has to lower at least one price.
    :param at: prices and rules of that moment; now, when left out.
    :param only: consider just this rule; it has to lower at least one price.
    :raises NotFound: when there is no such coupon.
    :raises ClarificationNeeded: when a coupon or `only` does not apply, when pieces are not whole, or when the
        total is too large to be booked.
    :raises Conflict: when the coupon is used up.
    """
    _check_whole(items)
    coupon = coupon.strip().upper() if coupon else None
    products = {product.pk: product for product, _ in items}.values()
    rules = rules_for(products=products, coupon=coupon) if only is None else [only]
    asked = only or _with_coupon(rules, coupon)
    prices = list_prices(products=products, at=at)
    categories = {rule.category_id: rule.category.name for rule in rules if rule.category}
    priced = price_lines(
        [
            Line(
                sku=product.sku,
                quantity=quantity,
                base_price=prices[product.pk],
                category=categories.get(product.category_id),
            )
            for product, quantity in items
        ],
        map(as_rule, rules),
        Situation(
            at=at or timezone.now(),
            minor_unit=minor_unit(settings.SHOP_CURRENCY),
            tier=customer.tier if customer else "",
            channel=channel.strip().casefold(),
            coupon=coupon,
            automatic=settings.ENABLE_DYNAMIC_PRICING,
            named=only.code if only else None,
        ),
    )
    if asked:
        _check_applied(asked, priced, f"coupon {coupon}" if coupon else f"price rule {asked.code}")
    coupon_rule = asked if asked and asked.coupon else None
    if coupon_rule:
        coupon_check(rule=coupon_rule, customer_id=customer.public_id if customer else None)
    return _total([_line(product, line) for (product, _), line in zip(items, priced, strict=True)], coupon_rule)


def _check_whole(items: Iterable[Item]) -> None:
    for product, quantity in items:
        if product.counted_in_pieces and quantity != quantity.to_integral_value():
            raise ClarificationNeeded(
                f"{product.sku} is sold by the piece: the quantity must be whole.", sku=product.sku
            )


def _with_coupon(rules: Iterable[PriceRule], coupon: str | None) -> PriceRule | None:
    found = next((rule for rule in rules if coupon and rule.coupon == coupon), None)
    if coupon and found is None:
        raise NotFound(f"There is no coupon {coupon}.", coupon=coupon)
    return found


def as_rule(rule: PriceRule) -> Rule:
    """A stored rule as the engine takes it; its product and category come along (select_related)."""
    return Rule(
        code=rule.code,
        kind=Kind(rule.kind),
        value=rule.value,
        min_quantity=rule.min_quantity,
        sku=rule.product.sku if rule.product else None,
        category=rule.category.name if rule.category else None,
        tier=rule.customer_tier,
        channel=rule.channel.casefold(),
        starts_at=rule.starts_at,
        ends_at=rule.ends_at,
        priority=rule.priority,
        exclusive=rule.exclusive,
        coupon=rule.coupon,
        active=rule.active,
    )


def _check_applied(asked: PriceRule, priced: Iterable[PricedLine], what: str) -> None:
    """:raises ClarificationNeeded: with the reason for each SKU, when the rule lowered no price."""
    why = {}
    for line in priced:
        if asked.code in line.applied:
            return
        why[line.line.sku] = next(e.reason for e in line.reasons if e.rule == asked.code)
    reasons = dict.fromkeys(why.values())
    raise ClarificationNeeded(f"The {what} does not apply: {'; '.join(reasons)}.", rule_id=asked.code, reasons=why)


def _line(product: Product, priced: PricedLine) -> QuotedLine:
    currency, included = settings.SHOP_CURRENCY, settings.PRICES_INCLUDE_TAX
    quantity = priced.line.quantity
    subtotal = round_money(quantity * priced.base_price, currency)
    charged = round_money(quantity * priced.unit_price, currency)
    tax = round_money(tax_of(charged, product.tax_rate, included=included), currency)
    return QuotedLine(
        product=product,
        quantity=quantity,
        base_price=priced.base_price,
        unit_price=priced.unit_price,
        discount_percent=priced.discount_percent,
        subtotal=subtotal,
        savings=subtotal - charged,
        tax_rate=product.tax_rate,
        tax=tax,
        total=charged if included else charged + tax,
        rules=priced.applied,
        reasons=priced.reasons,
    )


def _total(lines: Sequence[QuotedLine], coupon_rule: PriceRule | None) -> Quote:
    subtotal = sum((line.subtotal for line in lines), ZERO)
    total = sum((line.total for line in lines), ZERO)
    if max(subtotal, total) >= BOOKABLE:
        raise ClarificationNeeded("This is worth more than the shop can book: ask for less.", limit=BOOKABLE)
    return Quote(
        lines=tuple(lines),
        currency=settings.SHOP_CURRENCY,
        tax_included=settings.PRICES_INCLUDE_TAX,
        subtotal=subtotal,
        discount=sum((line.savings for line in lines), ZERO),
        tax=sum((line.tax for line in lines), ZERO),
        total=total,
        coupon_rule=coupon_rule,
    )
