"""The statement of a period: what each product's stock was worth, what it brought in, and what it all comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import F, Q, QuerySet

from inventory.models import OrderLineComponent, Product, StockValueMonth
from inventory.valuation import Lines, Method, sold_costs, summed
from shop_assistant.money import minor_unit, round_money
from shop_assistant.sql import snapshot

from .sales import day_start
from .valuation import Products, revenues, valued

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Margin:
    """In whole minor units of the currency."""

    revenue: Decimal
    """without tax, less what was refunded"""
    cost: Decimal
    """of what was sold; a kit's is its components'"""

    @property
    def margin(self) -> Decimal:
        return self.revenue - self.cost

    @property
    def percent(self) -> Decimal | None:
        """Of the revenue; None without any."""
        return round(self.margin / self.revenue * 100, 1) if self.revenue > 0 else None


@dataclass(frozen=True, slots=True)
class Row:
    """A product; `lines` are told, in whole minor units."""

    key: int
    sku: str
    name: str
    category: str
    """empty: none"""
    lines: Lines
    margin: Margin


@dataclass(frozen=True, slots=True)
class Statement:
    """The totals are the sums of the rows as they are told, so that both add up to the cent."""

    first: date
    last: date
    method: Method
    rows: Sequence[Row]
    """in the order of their SKU"""

    @property
    def lines(self) -> Lines:
        return summed(row.lines for row in self.rows)

    @property
    def margin(self) -> Margin:
        return margin_of(row.margin for row in self.rows)

    @property
    def categories(self) -> dict[str, tuple[Decimal, Margin]]:
        """Closing value and margin by category, the largest revenue first."""
        rows: dict[str, list[Row]] = {}
        for row in self.rows:
            rows.setdefault(row.category, []).append(row)
        found = {
            name: (sum((row.lines.closing for row in within), ZERO), margin_of(row.margin for row in within))
            for name, within in rows.items()
        }
        return dict(sorted(found.items(), key=lambda pair: (-pair[1][1].revenue, pair[0])))


def margin_of(margins: Iterable[Margin]) -> Margin:
    all_of = list(margins)
    return Margin(sum((m.revenue for m in all_of), ZERO), sum((m.cost for m in all_of), ZERO))


def statement(*, first: date, last: date, method: Method | None = None, products: Products = None) -> Statement:
    """Of the days from `first` to `last`, of products with movements up to then or sales in these days; some twelve
    queries, however many products.

    :param method: left out: VALUATION_METHOD.
    :param products: left out: all.
    """
    method = method or settings.VALUATION_METHOD
    since, until = day_start(first), day_start(last + timedelta(days=1))
    unit = minor_unit(settings.SHOP_CURRENCY)
    with snapshot(DEFAULT_DB_ALIAS):
        within = None if products is None else with_parts(products)
        lines = {key: made for key, (made,) in valued(bounds=[since, until], method=method, products=within)}
        earned = revenues(since=since, until=until, products=products)
        costs = sold_costs(lines, unit)
        asked = Product.objects.all() if products is None else products
        columns = asked.order_by("sku").values_list("pk", "sku", "name", F("category__name"))
        named = [found for found in columns if found[0] in lines or found[0] in earned or found[0] in costs]
    rows = [
        Row(key, sku, name, category or "", lines.get(key, Lines()).told(unit), margin_told(earned, costs, key))
        for key, sku, name, category in named
    ]
    return Statement(first, last, method, rows)


def margin_told(earned: dict[int, Decimal], costs: dict[int, Decimal], key: int) -> Margin:
    currency = settings.SHOP_CURRENCY
    return Margin(round_money(earned.get(key, ZERO), currency), costs.get(key, ZERO))


def with_parts(products: QuerySet[Product]) -> QuerySet[Product]:
    """Also what the kits among them were made of when they were sold."""
    parts = OrderLineComponent.objects.filter(line__product__in=products.values("pk"))
    found: QuerySet[Product] = Product.objects.filter(
        Q(pk__in=products.values("pk")) | Q(pk__in=parts.values("product"))
    )
    return found


def value_months(*, most: int) -> list[Any]:
    """The stored months, the newest `most` of them, in order; one query."""
    return list(StockValueMonth.objects.order_by("-month")[:most])[::-1]
