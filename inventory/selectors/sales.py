"""What was sold, and what of it came back. A day is one of the shop's (SHOP_TIMEZONE)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from inventory.models import Order, OrderLine, Product
from shop_assistant.agents.errors import NotFound

from .stock import OF_KIT

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class DaySales:
    """One product on one day on which it was sold."""

    day: date
    units: Decimal
    """sold and kept by the customers"""
    gross: Decimal
    """sold, whatever came back later"""
    revenue: Decimal
    """gross x the price charged for one unit"""

    @property
    def unit_price(self) -> Decimal:
        """Mean price charged for a unit that day."""
        return self.revenue / self.gross


def order_get(*, reference: str) -> Order:
    """The order with this reference, in any case; one query.

    :raises NotFound:
    """
    asked = reference.strip()
    found = {order.reference: order for order in Order.objects.filter(reference__in=[asked, asked.upper()])}
    if not found:
        raise NotFound(f"Order {reference} not found", order=reference)
    order: Order = found.get(asked) or found[asked.upper()]
    return order


def order_lines(order: Order) -> list[OrderLine]:
    """An order's lines in order, with product, location and what came back, saying whether they are `of_kit` as things
    are now; one query.
    """
    rows = order.lines.select_related("product", "location", "returned").order_by("number")
    return list(rows.annotate(of_kit=OF_KIT))


def returnable(order: Order) -> dict[str, Decimal]:
    """How much of each SKU of an order can still come back; one query."""
    left: dict[str, Decimal] = {}
    for line in order_lines(order):
        left[line.product.sku] = left.get(line.product.sku, ZERO) + line.quantity - returned_of(line)
    return left


def returned_of(line: OrderLine) -> Decimal:
    found = getattr(line, "returned", None)
    return found.quantity if found is not None else ZERO


def sales_by_day(*, product: Product, since: date, until: date) -> list[DaySales]:
    """A product's days with sales, both ends included, in order; one query."""
    rows = (
        sold_between(since, until)
        .filter(product=product)
        .values("day")
        .annotate(units=Sum(NET), gross=Sum("quantity"), revenue=Sum(F("quantity") * F("unit_price")))
        .order_by("day")
    )
    return [DaySales(row["day"], row["units"], row["gross"], row["revenue"]) for row in rows]


NET = F("quantity") - Coalesce("returned__quantity", ZERO)


def sold_between(since: date, until: date) -> QuerySet[Any]:
    """Order lines of these days, both included, annotated with their `day`."""
    rows: QuerySet[Any] = OrderLine.objects.filter(
        order__occurred_at__gte=day_start(since), order__occurred_at__lt=day_start(until + timedelta(days=1))
    )
    return rows.annotate(day=TruncDate("order__occurred_at"))


def day_start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
