"""The rule engine: what one unit costs, which rules made it so, and why the others did not. Pure.

A rule for another product or category is not considered at all, unless its coupon was named. Of the rules
that fit, an exclusive one stands alone: the highest priority, then the lowest price, then the code decides
which. Otherwise all of them apply, highest priority first, save that of several quantity breaks only the best
does. The price is rounded half-up to the currency's minor unit after every rule, so each step can be retraced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from shop_assistant.agents.fields import iso_utc
from shop_assistant.money import HUNDRED

ZERO = Decimal(0)


class Kind(StrEnum):
    """In the order in which rules of equal priority apply."""

    FIXED_PRICE = "fixed_price"
    QUANTITY_BREAK = "quantity_break"
    PERCENT = "percent"
    FIXED = "fixed"


ORDER = {kind: place for place, kind in enumerate(Kind)}
PERCENTAGES = frozenset({Kind.QUANTITY_BREAK, Kind.PERCENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    sku: str
    quantity: Decimal
    base_price: Decimal
    """of one unit, before any rule"""
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    code: str
    kind: Kind
    value: Decimal
    """percent for the percentages; else an amount of money for one unit"""
    min_quantity: Decimal = ZERO
    sku: str | None = None
    category: str | None = None
    tier: str = ""
    channel: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """the first moment at which it no longer applies"""
    priority: int = 0
    exclusive: bool = False
    coupon: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a price depends on beside the line itself."""

    at: datetime
    minor_unit: Decimal
    tier: str = ""
    channel: str = ""
    coupon: str | None = None
    automatic: bool = True
    """whether rules apply without having been asked for"""
    named: str | None = None
    """code of a rule that was asked for"""


@dataclass(frozen=True, slots=True)
class Explanation:
    rule: str
    applied: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    line: Line
    base_price: Decimal
    """rounded"""
    unit_price: Decimal
    discount_percent: Decimal
    """as the rules say it where all of them are percentages, else what their amounts come to; two decimals"""
    applied: tuple[str, ...]
    """in the order in which they applied"""
    reasons: tuple[Explanation, ...]


def price_lines(lines: Sequence[Line], rules: Iterable[Rule], situation: Situation) -> list[PricedLine]:
    """Price every line. The quantities of lines with the same SKU count together for minimum quantities."""
    quantities: dict[str, Decimal] = {}
    for line in lines:
        quantities[line.sku] = quantities.get(line.sku, ZERO) + line.quantity
    ordered = sorted(rules, key=lambda rule: (-rule.priority, ORDER[rule.kind], rule.code))
    return [
        _price(line, [r for r in ordered if _concerns(r, line, situation)], quantities[line.sku], situation)
        for line in lines
    ]


def _asked_for(rule: Rule, situation: Situation) -> bool:
    return rule.code == situation.named or (rule.coupon is not None and rule.coupon == situation.coupon)


def _concerns(rule: Rule, line: Line, situation: Situation) -> bool:
    return (rule.sku in (None, line.sku) and rule.category in (None, line.category)) or _asked_for(rule, situation)


def _price(line: Line, rules: Sequence[Rule], quantity: Decimal, situation: Situation) -> PricedLine:
    base = _rounded(line.base_price, situation.minor_unit)
    against = {rule.code: _reason_against(rule, line, quantity, situation) for rule in rules}
    fitting = [rule for rule in rules if against[rule.code] is None]
    chosen = _choose(fitting, base, against, situation.minor_unit)
    price, applied = base, []
    for rule in chosen:
        lowered = _after(rule, price, situation.minor_unit)
        if lowered < price:
            price = lowered
            applied.append(rule)
        else:
            against[rule.code] = f"it would not lower the price of {price}"
    return PricedLine(
        line=line,
        base_price=base,
        unit_price=price,
        discount_percent=_discount_percent(base, price, applied),
        applied=tuple(rule.code for rule in applied),
        reasons=tuple(
            Explanation(rule.code, (why := against[rule.code]) is None, why or described(rule)) for rule in rules
        ),
    )


def _reason_against(rule: Rule, line: Line, quantity: Decimal, situation: Situation) -> str | None:
    """Why the rule does not fit this line; None if it does."""
    if not rule.active:
        return "it is switched off"
    if rule.coupon is not None and rule.coupon != situation.coupon:
        return "it needs its coupon"
    if not situation.automatic and not _asked_for(rule, situation):
        return "automatic rules are switched off in this shop"
    if rule.starts_at is not None and situation.at < rule.starts_at:
        return f"it begins at {iso_utc(rule.starts_at)}"
    if rule.ends_at is not None and situation.at >= rule.ends_at:
        return f"it ended at {iso_utc(rule.ends_at)}"
    if rule.sku is not None and rule.sku != line.sku:
        return f"it is for {rule.sku} only"
    if rule.category is not None and rule.category != line.category:
        return f"it is for the category {rule.category} only"
    if rule.tier and rule.tier != situation.tier:
        return f"it is for {rule.tier} customers only"
    if rule.channel and rule.channel != situation.channel:
        return f"it is for the channel {rule.channel} only"
    if quantity < rule.min_quantity:
        return f"it begins at a quantity of {rule.min_quantity.normalize():f}, this is {quantity.normalize():f}"
    return None


def _choose(fitting: list[Rule], base: Decimal, against: dict[str, str | None], unit: Decimal) -> list[Rule]:
    """The fitting rules that may apply together; the others get their reason."""
    lowering = [rule for rule in fitting if _after(rule, base, unit) < base]
    exclusive = [rule for rule in lowering if rule.exclusive]
    if exclusive:
        winner = min(exclusive, key=lambda rule: (-rule.priority, _after(rule, base, unit), rule.code))
        against |= {rule.code: f"{winner.code} excludes other rules" for rule in lowering if rule is not winner}
        chosen = [winner]
    else:
        chosen = lowering
        breaks = [rule for rule in lowering if rule.kind is Kind.QUANTITY_BREAK]
        if breaks:
            best = max(breaks, key=lambda rule: (rule.value, rule.min_quantity, rule.priority, rule.code))
            against |= {rule.code: f"{best.code} is the better break" for rule in breaks if rule is not best}
            chosen = [rule for rule in lowering if rule is best or rule not in breaks]
    against |= {rule.code: f"it would not lower the price of {base}" for rule in fitting if rule not in lowering}
    return chosen


def _after(rule: Rule, price: Decimal, unit: Decimal) -> Decimal:
    """The price of one unit after this rule, never below 0."""
    if rule.kind is Kind.FIXED_PRICE:
        return _rounded(rule.value, unit)
    if rule.kind is Kind.FIXED:
        return _rounded(max(price - rule.value, ZERO), unit)
    return _rounded(price * (HUNDRED - rule.value) / HUNDRED, unit)


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, ROUND_HALF_UP)


def _discount_percent(base: Decimal, price: Decimal, applied: Sequence[Rule]) -> Decimal:
    if all(rule.kind in PERCENTAGES for rule in applied):
        left = HUNDRED
        for rule in applied:
            left = left * (HUNDRED - rule.value) / HUNDRED
        return _rounded(HUNDRED - left, Decimal("0.01"))
    return _rounded((base - price) * HUNDRED / base, Decimal("0.01"))


def described(rule: Rule) -> str:
    """What a rule does, in words."""
    value = f"{rule.value.normalize():f}"
    if rule.kind is Kind.FIXED_PRICE:
        return f"each for {value}"
    if rule.kind is Kind.FIXED:
        return f"{value} off each"
    if rule.min_quantity:
        return f"{value} % off from {rule.min_quantity.normalize():f}"
    return f"{value} % off"
