"""Announced price reductions, and the lowest price of the 30 days before them.

Who announces a reduction has to state the lowest price of at least the 30 days before it as the price before
(Directive 98/6/EC, article 6a (1) and (2)); the reduction itself has to be computed from that price (Court of Justice
of the EU, C-330/23, Aldi Süd). Announced to everyone is a price rule that needs no coupon, tier or quantity: personal
reductions and quantity discounts are none (Commission guidance 2021/C 526/02). A rule that is deepened while it runs
stays one reduction (article 6a (5), where the member state has it); a product that is new has no price before.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import groupby
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from inventory.models import Product
from shop_assistant.money import minor_unit

from .models import PriceRule
from .rules import Line, Rule, Situation, price_lines
from .services import DEFAULT_CHANNEL, as_rule

WINDOW = timedelta(days=30)
ONE = Decimal(1)
PRODUCTS_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class State:
    """A price rule as it was for a while."""

    begin: datetime
    end: datetime | None
    product: int | None
    category: int | None
    rule: Rule

    def at(self, moment: datetime) -> bool:
        return self.begin <= moment and (self.end is None or moment < self.end)

    def within(self, begin: datetime, end: datetime) -> bool:
        return self.begin < end and (self.end is None or self.end > begin)

    def concerns(self, product: Product) -> bool:
        return self.product in (None, product.pk) and self.category in (None, product.category_id)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A reduction that was not computed from the lowest price."""

    code: str
    product: Product
    since: datetime
    reference: Decimal
    """the price it was taken off"""
    lowest: Decimal
    """of the 30 days before"""


def reductions_wrong(begin: datetime, end: datetime, *, products: Iterable[Product] = ()) -> Iterator[Wrong]:
    """Reductions in force within [begin, end) that were announced too large; a few queries for each 200 products.

    :param products: only these; all, when left out.
    """
    states = _states(end)
    only = {product.pk for product in products}
    for code, of_rule in groupby(states, key=lambda state: state.rule.code):
        for reduction in _uninterrupted(list(of_rule)):
            if any(state.within(begin, end) for state in reduction):
                yield from _wrong(code, reduction, states, min(end, timezone.now()), only)


def _states(until: datetime) -> list[State]:
    """Every state of a rule for everyone, before a moment, by rule and time; one query."""
    rows: Any = PriceRule.history.filter(history_date__lt=until).order_by("id", "history_id")
    found = []
    for _, of_rule in groupby(rows.select_related("product", "category"), key=lambda row: row.id):
        history = list(of_rule)
        ends: list[datetime | None] = [row.history_date for row in history[1:]]
        for row, replaced in zip(history, [*ends, None], strict=True):
            if row.history_type != "-" and (state := _state(row, replaced)):
                found.append(state)
    return found


def _state(row: Any, replaced: datetime | None) -> State | None:
    """None for a rule that was off, or not for everyone."""
    if not row.active or row.coupon or row.customer_tier or row.min_quantity > ONE:
        return None
    if row.channel not in ("", DEFAULT_CHANNEL):
        return None
    begin = max(row.history_date, row.starts_at) if row.starts_at else row.history_date
    ends = [moment for moment in (replaced, row.ends_at) if moment is not None]
    end = min(ends, default=None)
    if end is not None and end <= begin:
        return None
    return State(begin, end, row.product_id, row.category_id, as_rule(row))


def _uninterrupted(states: list[State]) -> Iterator[list[State]]:
    """States of one rule that follow each other without a gap are one reduction."""
    run: list[State] = []
    for state in states:
        if run and run[-1].end != state.begin:
            yield run
            run = []
        run.append(state)
    if run:
        yield run


def _wrong(code: str, reduction: list[State], states: list[State], now: datetime, only: set[int]) -> Iterator[Wrong]:
    since, until = reduction[0].begin, min(reduction[-1].end or now, now)
    before = [s for s in states if s.rule.code != code and s.within(since - WINDOW, since)]
    rows = Product.objects.filter(active=True).select_related("category").order_by("pk")
    if only:
        rows = rows.filter(pk__in=only)
    changed = Product.history.filter(history_date__gte=since - WINDOW, history_date__lt=until, history_type="~")
    rows = rows.filter(_concerned(reduction[0]))
    if all(state.product or state.category for state in before):  # else an earlier one was for every product
        rows = rows.filter(reduce(or_, map(_concerned, before), Q(pk__in=changed.values("id"))))
    chunk: list[Product] = []
    for product in rows.iterator(chunk_size=PRODUCTS_A_QUERY):
        chunk.append(product)
        if len(chunk) == PRODUCTS_A_QUERY:
            yield from _among(code, reduction, before, chunk, until)
            chunk = []
    if chunk:
        yield from _among(code, reduction, before, chunk, until)


def _concerned(state: State) -> Q:
    if state.product:
        return Q(pk=state.product)
    return Q(category=state.category) if state.category else Q()


def _among(
    code: str, reduction: list[State], before: list[State], products: list[Product], until: datetime
) -> Iterator[Wrong]:
    since = reduction[0].begin
    prices = _list_prices(products, since - WINDOW, until)
    for product in products:
        earlier = [(moment, price) for moment, price in prices[product.pk] if moment < since]
        if not earlier:
            continue
        own = [state for state in before if state.concerns(product)]
        lowest = _lowest(product, earlier, own, since)
        announced = max([earlier[-1][1], *(price for moment, price in prices[product.pk] if moment >= since)])
        if announced > lowest and _lowers(product, announced, reduction[-1], since):
            yield Wrong(code, product, since, announced, lowest)


def _list_prices(products: list[Product], begin: datetime, end: datetime) -> dict[int, list[tuple[datetime, Decimal]]]:
    """By product: the list price in force at `begin`, and each later one with its moment; two queries."""
    pks = [product.pk for product in products]
    found: dict[int, list[tuple[datetime, Decimal]]] = {pk: [] for pk in pks}
    first = Product.history.filter(id__in=pks, history_date__lt=begin).latest_of_each()
    for pk, price in first.order_by("history_id").values_list("id", "list_price"):
        found[pk] = [(begin, price)]
    later = Product.history.filter(id__in=pks, history_date__gte=begin, history_date__lt=end)
    later = later.order_by("history_date", "history_id")
    for pk, moment, price in later.values_list("id", "history_date", "list_price"):
        found[pk].append((moment, price))
    return found


def _lowest(product: Product, prices: list[tuple[datetime, Decimal]], states: list[State], since: datetime) -> Decimal:
    """What the product cost everyone at its cheapest within the 30 days before `since`."""
    begin = max(since - WINDOW, prices[0][0])
    moments = {moment for moment, _ in prices} | {begin}
    moments |= {state.begin for state in states if begin <= state.begin < since}
    moments |= {state.end for state in states if state.end is not None and begin <= state.end < since}
    lowest = prices[0][1]
    for moment in sorted(moments):
        price = [price for at, price in prices if at <= moment][-1]
        rules = [state.rule for state in states if state.at(moment)]
        lowest = min(lowest, _applied(product, price, rules, moment))
    return lowest


def _applied(product: Product, price: Decimal, rules: list[Rule], moment: datetime) -> Decimal:
    category = product.category.name if product.category else None
    line = Line(sku=product.sku, quantity=ONE, base_price=price, category=category)
    situation = Situation(at=moment, minor_unit=minor_unit(settings.SHOP_CURRENCY), channel=DEFAULT_CHANNEL)
    return price_lines([line], rules, situation)[0].unit_price


def _lowers(product: Product, price: Decimal, state: State, since: datetime) -> bool:
    return _applied(product, price, [state.rule], max(since, state.begin)) < price
