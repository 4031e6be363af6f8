"""What about the stock wants somebody's attention: counts that cost a few queries, however much there is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone

from inventory.models import Product, PurchaseOrder, StockLevel, StockMovement, Transfer

from .analysis import DEFAULT, worth
from .available import REORDER_POINT, oversold_only
from .free import free_of_all, free_of_kits
from .sales import day_start

TRANSFER_DAYS = 7
"""A transfer that is longer on its way is late."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Alert:
    key: str
    text: str
    """what so many of them are"""
    count: int
    value: Decimal | None = None
    """tied up, at the products' cost, in whole minor units"""


def stock_alerts(*, now: datetime) -> list[Alert]:
    """Those with something to tell, what stops sales first; nine queries."""
    found: list[Alert] = []
    looks: tuple[Callable[[datetime], list[Alert]], ...] = (_low, _oversold, _expiring, _purchases, _transfers, _dead)
    for look in looks:
        found += [alert for alert in look(now) if alert.count]
    return found


def _low(now: datetime) -> list[Alert]:
    """As `low_only` has it."""
    free = free_of_all(now=now)
    free |= free_of_kits(free)
    points = Product.objects.filter(active=True).annotate(point=REORDER_POINT).order_by().values_list("pk", "point")
    low = [left for key, point in points if (left := free.get(key, ZERO)) <= point]
    out = sum(left <= 0 for left in low)
    return [
        Alert("out_of_stock", "out of stock", out),
        Alert("low", "at or below the reorder point", len(low) - out),
    ]


def _oversold(now: datetime) -> list[Alert]:
    return [Alert("oversold", "oversold: more was sold than there was", oversold_only(Product.objects.all()).count())]


def _expiring(now: datetime) -> list[Alert]:
    until = timezone.localdate(now) + timedelta(days=DEFAULT.expiring_days)
    levels = StockLevel.objects.filter(lot__expires_on__lte=until, on_hand__gt=0)
    text = f"lots expired or expiring within {DEFAULT.expiring_days} days"
    return [_tied_up("expiring", text, levels, "lot")]


def _purchases(now: datetime) -> list[Alert]:
    Status = PurchaseOrder.Status
    open_ = PurchaseOrder.objects.filter(status__in=[Status.SENT, Status.PARTLY_RECEIVED])
    late = open_.filter(expected_on__lt=timezone.localdate(now))
    return [Alert("purchases", "purchase orders late", late.count())]


def _transfers(now: datetime) -> list[Alert]:
    late = Transfer.objects.filter(closed_at=None, sent_at__lt=now - timedelta(days=TRANSFER_DAYS))
    return [Alert("transfers", f"transfers on their way for more than {TRANSFER_DAYS} days", late.count())]


def _dead(now: datetime) -> list[Alert]:
    """As `stock_looks` has it."""
    before = day_start(timezone.localdate(now) - timedelta(days=DEFAULT.dead_days))
    moved = StockMovement.objects.filter(product=OuterRef("product"))
    sold = moved.filter(kind=StockMovement.Kind.SALE, occurred_at__gte=before)
    levels = StockLevel.objects.filter(~Exists(sold), Exists(moved.filter(occurred_at__lt=before)), on_hand__gt=0)
    return [_tied_up("dead", f"products of which nothing was sold for {DEFAULT.dead_days} days", levels, "product")]


def _tied_up(key: str, text: str, levels: Any, what: str) -> Alert:
    """So many of `what`, and what they cost, each rounded as `stock_looks` rounds it."""
    rows = levels.order_by().values_list(what, "product__cost").annotate(whole=Sum("on_hand"))
    found = [worth(round(whole, 3), cost or ZERO) for _, cost, whole in rows]
    return Alert(key, text, len(found), sum(found, ZERO))
