"""Demand as the ledger shows it: what was sold and kept, by day, and on which days nothing could be sold."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, DecimalField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce, Round, TruncDate

from inventory.models import Location, Order, OrderLineComponent, OrderReturn, Product, StockLevel, StockMovement
from inventory.stock_reasons import FITTED

from .sales import NET, day_start, sold_between

ZERO = Decimal(0)
Products = QuerySet[Any] | Collection[int]
Rows = QuerySet[Any, tuple[int, date, Decimal]]
"""product's key, day, units"""
STORAGE = Location.Kind.STORAGE
"""Only what lies there can be sold."""
COUNTED = (StockMovement.Kind.RECEIPT, StockMovement.Kind.COUNT)
"""Movements by which the shop itself says what is there."""


@dataclass(frozen=True, slots=True)
class StockHistory:
    """Of one product."""

    on_hand: Decimal
    """now"""
    moved: dict[date, Decimal]
    """net quantity by day with movements"""
    known_from: date | None
    """From this day on the ledger is the shop's own, not fitted to an import's sales; None: it never was."""


def daily_demand(*, product: Product, since: date, until: date) -> dict[date, Decimal]:
    """Units by day of sale, net of what came back later, never below zero; days without a sale are left out;
    three queries. See `demand_rows`.
    """
    return {day: units for _, day, units in demand_rows([product.pk], since=since, until=until)}


def demand_rows(products: Products, *, since: date, until: date) -> Iterator[tuple[int, date, Decimal]]:
    """(product's key, day, units) of many products, by product and day; three queries.

    What was sold in a kit is demand of its components, too. What came back is taken off the day of its sale, or, where
    that isn't known, off the day it came back, never below zero.
    """
    span = products, since, until
    found = {(key, day): units for key, day, units in _sold(*span)}
    for key, day, units in _sold_in_kits(*span):
        found[key, day] = found.get((key, day), ZERO) + units
    for key, day, units in _returned_unsold(*span):
        if (key, day) in found:
            found[key, day] = max(ZERO, found[key, day] - units)
    for (key, day), units in sorted(found.items()):
        yield key, day, units


def open_days(*, since: date, until: date) -> set[date]:
    """The days on which the shop sold anything at all; one query."""
    orders = Order.objects.filter(
        occurred_at__gte=day_start(since), occurred_at__lt=day_start(until + timedelta(days=1))
    )
    return set(orders.annotate(day=TruncDate("occurred_at")).values_list("day", flat=True).distinct())


def stock_histories(products: Collection[int], *, since: date) -> dict[int, StockHistory]:
    """The stock of many products by day, from `since` to now, of those with movements then; two queries."""
    levels = StockLevel.objects.filter(product__in=products, location__kind=STORAGE).order_by().values("product_id")
    on_hand = dict(levels.annotate(whole=Sum("on_hand")).values_list("product_id", "whole"))
    fitted = Case(When(reason__in=FITTED, then=Value("fitted")), default=F("kind"))
    rows = (
        StockMovement.objects.filter(product__in=products, location__kind=STORAGE, occurred_at__gte=day_start(since))
        .annotate(day=TruncDate("occurred_at"), what=fitted)
        .order_by()
        .values("product_id", "day", "what")
        .annotate(moved=Sum("quantity"))
        .values_list("product_id", "day", "what", "moved")
    )
    moved: dict[int, dict[date, Decimal]] = {}
    counted: dict[int, list[date]] = {}
    imported: dict[int, date] = {}
    for key, day, what, quantity in rows:
        days = moved.setdefault(key, {})
        days[day] = days.get(day, ZERO) + quantity
        if what == "fitted":
            imported[key] = max(day, imported.get(key, day))
        elif what in COUNTED:
            counted.setdefault(key, []).append(day)
    return {
        key: StockHistory(
            on_hand=on_hand.get(key, ZERO),
            moved=days,
            known_from=min((day for day in counted.get(key, []) if day > imported.get(key, date.min)), default=None),
        )
        for key, days in moved.items()
    }


def _sold(products: Products, since: date, until: date) -> Rows:
    rows = sold_between(since, until).filter(product__in=products).order_by().values("product_id", "day")
    return rows.annotate(units=Sum(NET)).values_list("product_id", "day", "units")


def _sold_in_kits(products: Products, since: date, until: date) -> Rows:
    """The part of a kit's components that its customer kept."""
    kept = ExpressionWrapper(
        F("quantity") * (F("line__quantity") - Coalesce("line__returned__quantity", ZERO)) / F("line__quantity"),
        output_field=DecimalField(max_digits=20, decimal_places=6),
    )
    rows = OrderLineComponent.objects.filter(
        product__in=products,
        line__order__occurred_at__gte=day_start(since),
        line__order__occurred_at__lt=day_start(until + timedelta(days=1)),
    )
    by_day = rows.annotate(day=TruncDate("line__order__occurred_at")).order_by().values("product_id", "day")
    return by_day.annotate(units=Round(Sum(kept), precision=3)).values_list("product_id", "day", "units")


def _returned_unsold(products: Products, since: date, until: date) -> Rows:
    """What came back of sales that the shop has no record of: (product's key, day, units)."""
    known = OrderReturn.objects.filter(order=None, reference=OuterRef("reference"))
    rows: Rows = (
        StockMovement.objects.filter(
            Exists(known),
            product__in=products,
            kind=StockMovement.Kind.RETURN,
            occurred_at__gte=day_start(since),
            occurred_at__lt=day_start(until + timedelta(days=1)),
        )
        .annotate(day=TruncDate("occurred_at"))
        .order_by()
        .values("product_id", "day")
        .annotate(units=Sum("quantity"))
        .values_list("product_id", "day", "units")
    )
    return rows
