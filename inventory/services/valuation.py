"""The stored months of the stock's value."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from inventory.models import Product, StockMovement, StockValueMonth
from inventory.selectors.sales import day_start
from inventory.selectors.statements import Margin, margin_of, margin_told
from inventory.selectors.valuation import revenues, valued
from inventory.valuation import Lines, sold_costs
from shop_assistant.money import minor_unit
from shop_assistant.sql import snapshot

ZERO = Decimal(0)
KEPT = 36
"""Months that are told; those before are in the first one's opening."""
NOTHING = Margin(ZERO, ZERO)
AMOUNTS = ("opening", "purchases", "cogs", "write_offs", "counts", "adjustments", "closing", "estimated")


def value_months_refresh(*, now: datetime) -> int:
    """Compute every month from the ledger anew, as of now; how many there are. Two at once store the same."""
    with snapshot(DEFAULT_DB_ALIAS):
        first = StockMovement.objects.order_by("occurred_at").values_list("occurred_at", flat=True).first()
        if first is None:
            return 0
        months = [_Month(day) for day in _months(timezone.localdate(first), timezone.localdate(now))]
        bounds = [*(day_start(month.day) for month in months), now]
        categories = dict(Product.objects.values_list("pk", "category__name"))
        for key, found in valued(bounds=bounds, method=settings.VALUATION_METHOD):
            for month, lines in zip(months, found, strict=True):
                month.take(key, lines, categories[key] or "")
        made = [
            month.row(begin, end, categories) for month, begin, end in zip(months, bounds[:-1], bounds[1:], strict=True)
        ]
    columns = [field.name for field in StockValueMonth._meta.concrete_fields if not field.primary_key]
    with transaction.atomic():
        StockValueMonth.objects.filter(month__lt=months[0].day).delete()
        StockValueMonth.objects.bulk_create(made, update_conflicts=True, unique_fields=["month"], update_fields=columns)
    return len(made)


def _months(first: date, last: date) -> list[date]:
    begin, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(max(begin, end - KEPT + 1), end + 1)]


class _Month:
    """A month as it is added up, from what is told of each product, as a statement is."""

    def __init__(self, day: date) -> None:
        self.day = day
        self._unit = minor_unit(settings.SHOP_CURRENCY)
        self._lines = Lines()
        self._costs: dict[int, Decimal] = {}
        self._closing: dict[str, Decimal] = {}

    def take(self, key: int, lines: Lines, category: str) -> None:
        if not lines:
            return
        told = lines.told(self._unit)
        self._lines.include(told)
        self._closing[category] = self._closing.get(category, ZERO) + told.closing
        if lines.cogs or lines.kits:
            for sold, cost in sold_costs({key: lines}, self._unit).items():
                self._costs[sold] = self._costs.get(sold, ZERO) + cost

    def row(self, begin: datetime, end: datetime, categories: dict[int, Any]) -> StockValueMonth:
        earned = revenues(since=begin, until=end)
        margins: dict[str, Margin] = {}
        for key in earned.keys() | self._costs.keys():
            name = categories[key] or ""
            margins[name] = margin_of([margins.get(name, NOTHING), margin_told(earned, self._costs, key)])
        whole = margin_of(margins.values())
        told = {
            name: {
                "closing": str(self._closing.get(name, ZERO)),
                "revenue": str(margins.get(name, NOTHING).revenue),
                "cost": str(margins.get(name, NOTHING).cost),
            }
            for name in sorted(margins.keys() | {name for name, value in self._closing.items() if value})
        }
        amounts = {name: getattr(self._lines, name) for name in AMOUNTS}
        return StockValueMonth(
            month=self.day, method=settings.VALUATION_METHOD, revenue=whole.revenue, categories=told, **amounts
        )
