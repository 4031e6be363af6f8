"""The figures of the dashboard. Each function costs one or two queries, however much there is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, FloatField, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Cast, TruncDate
from django.utils import timezone

from audit.models import Finding
from customers.models import Ticket
from inventory.models import Forecast, Order, OrderReturn, Product
from inventory.selectors import HORIZON_DAYS, low_only
from inventory.selectors.sales import day_start
from inventory.selectors.stock import ZERO
from orchestrator.models import TaskState
from pricing.models import PriceChange, PriceRecommendation

DAYS = 30
WEEK = timedelta(days=7)
SHOWN = 5
LOW_SHOWN = 10
OUR_FAULT = ("INTERNAL_ERROR", "EXTERNAL_SERVICE_ERROR", "TEMPORARILY_UNAVAILABLE")
"""Codes of failures that no other request would have avoided."""


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    sold: Decimal
    orders: int
    returned: Decimal


@dataclass(frozen=True, slots=True)
class Today:
    sold: Decimal
    orders: int
    sold_then: Decimal
    """on the same weekday last week, up to this time of day"""
    orders_then: int
    whole_then: Decimal
    """on all of that day"""

    @property
    def change(self) -> Decimal | None:
        """In percent; None where there is nothing to compare with."""
        return (self.sold / self.sold_then - 1) * 100 if self.sold_then else None


def today_sales(now: datetime) -> Today:
    """One query over eight days."""
    then = now - WEEK
    begin, last_week = day_start(timezone.localdate(now)), day_start(timezone.localdate(then))
    is_today, was_then = Q(occurred_at__gte=begin), Q(occurred_at__gte=last_week, occurred_at__lt=then)
    whole = Q(occurred_at__gte=last_week, occurred_at__lt=last_week + timedelta(days=1))
    found = (
        _orders()
        .filter(occurred_at__gte=last_week)
        .aggregate(
            sold=Sum("total", filter=is_today),
            orders=Count("pk", filter=is_today),
            sold_then=Sum("total", filter=was_then),
            orders_then=Count("pk", filter=was_then),
            whole_then=Sum("total", filter=whole),
        )
    )
    return Today(
        sold=found["sold"] or ZERO,
        orders=found["orders"],
        sold_then=found["sold_then"] or ZERO,
        orders_then=found["orders_then"],
        whole_then=found["whole_then"] or ZERO,
    )


def sales_days(today: date) -> list[Day]:
    """The last 30 days, those without sales too; two queries."""
    first = today - timedelta(days=DAYS - 1)
    since = day_start(first)
    sold = _by_day(_orders().filter(occurred_at__gte=since))
    returned = _by_day(OrderReturn.objects.filter(occurred_at__gte=since))
    days = [first + timedelta(days=number) for number in range(DAYS)]
    nothing = (ZERO, 0)
    return [Day(day, *sold.get(day, nothing), returned.get(day, nothing)[0]) for day in days]


def _by_day(rows: QuerySet[Any]) -> dict[date, tuple[Decimal, int]]:
    found = rows.order_by().annotate(day=TruncDate("occurred_at")).values("day").annotate(Sum("total"), Count("pk"))
    return {row["day"]: (row["total__sum"], row["pk__count"]) for row in found}


def _orders() -> QuerySet[Any]:
    return Order.objects.filter(currency=settings.SHOP_CURRENCY)


def low_stock() -> tuple[int, list[Any]]:
    """How many active products are at or below their reorder point, and the ten that run out first; two queries."""
    low = low_only(Product.objects.all())
    forecast = Forecast.objects.filter(product=OuterRef("pk"), expected__gt=0)
    daily = Cast(Subquery(forecast.values("expected")[:1]), FloatField()) / float(HORIZON_DAYS)
    urgent = low.annotate(daily=daily).annotate(cover=Cast("available", FloatField()) / F("daily"))
    soonest = (F("cover").asc(nulls_last=True), F("daily").desc(nulls_last=True), "available", "sku")
    return low.count(), list(urgent.order_by(*soonest)[:LOW_SHOWN])


def tickets_waiting() -> tuple[dict[str, tuple[int, datetime]], list[Ticket]]:
    """Count and oldest of each priority, and the most urgent ones, the oldest first; two queries."""
    waiting = Ticket.objects.filter(status__in=[Ticket.Status.OPEN, Ticket.Status.PENDING])
    rows = waiting.order_by().values_list("priority").annotate(Count("pk"), Min("created_at"))
    by_priority = {priority: (count, oldest) for priority, count, oldest in rows}
    ranks = (When(priority=name, then=Value(rank)) for rank, name in enumerate(Ticket.Priority.values))
    order = Case(*ranks, default=Value(0)).desc()
    ordered = {p: by_priority[p] for p in reversed(Ticket.Priority.values) if p in by_priority}
    return ordered, list(waiting.select_related("customer").order_by(order, "created_at")[:SHOWN])


def tasks_failed(now: datetime) -> tuple[int, int, list[Any]]:
    """Of the last 24 hours: how many the shop failed at, how many requests it refused, and the newest of them, its own
    failures first; two queries.
    """
    failed = TaskState.objects.filter(status=TaskState.Status.FAILED, finished_at__gte=now - timedelta(days=1))
    ours = Q(error_code__in=OUR_FAULT)
    counted = failed.aggregate(ours=Count("pk", filter=ours), every=Count("pk"))
    shown = failed.annotate(ours=Case(When(ours, then=Value(1)), default=Value(0)))
    newest = shown.order_by("-ours", "-finished_at").defer("inputs", "outputs", "agent_calls")[:SHOWN]
    return counted["ours"], counted["every"] - counted["ours"], list(newest)


def findings_open() -> dict[str, int]:
    """Open findings by severity; one query."""
    rows = Finding.objects.filter(status=Finding.Status.OPEN).order_by().values_list("rule__severity")
    return dict(rows.annotate(Count("pk")))


def prices_coming() -> tuple[int, list[PriceChange]]:
    """Recommendations to decide on, and the changes that come next, those to be approved first; two queries."""
    coming = PriceChange.objects.filter(status__in=[PriceChange.Status.PROPOSED, PriceChange.Status.SCHEDULED])
    shown = coming.select_related("product").order_by("status", "effective_at", "pk")[:SHOWN]
    advised = PriceRecommendation.objects.filter(status=PriceRecommendation.Status.PROPOSED).count()
    return advised, list(shown)


def is_new() -> bool:
    """Whether nothing was ever sold here; one query."""
    return not Order.objects.exists()
