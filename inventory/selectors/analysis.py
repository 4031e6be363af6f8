"""How healthy the stock is: what matters (ABC), what swings (XYZ), what lies dead, too much or too little of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from django.conf import settings
from django.db import connection
from django.db.models import Exists, Max, OuterRef, Sum
from django.utils import timezone

from inventory.analysis import abc_classes, days_of_cover, stock_out_day, variation, xyz_class
from inventory.models import Forecast, KitComponent, Product, StockLevel, StockMovement
from shop_assistant.money import round_money, tax_of

from .forecasts import HORIZON_DAYS
from .free import free_of_all
from .sales import day_start

ZERO = Decimal(0)
By: TypeAlias = Literal["revenue", "cogs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what the stock is judged."""

    by: By = "revenue"
    weeks: int = 26
    """of demand that classes and cover rest on"""
    dead_days: int = 90
    """Stock of which nothing was sold for so long is dead."""
    cover_days: int = 180
    """What lasts longer is too much."""
    expiring_days: int = 30


DEFAULT = Terms()


@dataclass(slots=True, kw_only=True)
class Look:
    """A product looked at; quantities over all places."""

    key: int
    sku: str
    name: str
    category: str
    active: bool
    on_hand: Decimal
    available: Decimal
    """what can be sold"""
    unit_cost: Decimal
    """the product's; nothing where it has none"""
    units: Decimal
    """sold in the weeks looked at, less what came back"""
    revenue: Decimal
    """of them, without tax; of kits, the part's share"""
    daily: Decimal
    """units expected a day: of the stored forecast, else the mean of the weeks"""
    swing: float | None
    cover: float | None
    """days; None: no end is in sight"""
    dead: bool
    excess: Decimal
    """units that are too many; dead stock is told apart"""
    abc: str = "C"
    xyz: str = "Z"
    expiring: Decimal = ZERO
    """units whose lot has expired or will within the terms' days"""
    stock_out: date | None = None
    """see `details`"""
    last_sale: date | None = None

    @property
    def value(self) -> Decimal:
        """Of what is on hand, in whole minor units."""
        return worth(self.on_hand, self.unit_cost)

    @property
    def excess_value(self) -> Decimal:
        return worth(self.excess, self.unit_cost)


def worth(quantity: Decimal, unit_cost: Decimal) -> Decimal:
    return round_money(max(quantity, ZERO) * unit_cost, settings.SHOP_CURRENCY)


def stock_looks(*, terms: Terms = DEFAULT, today: date) -> list[Look]:
    """Every product that is for sale or in stock (kits have none of their own), in the order of its SKU; seven queries,
    however many there are.
    """
    demand, free = _demand(terms, today), free_of_all(now=timezone.now())
    for key, paid in _paid_in_kits(terms, today).items():
        sold = demand.get(key, NOTHING)
        demand[key] = replace(sold, paid=sold.paid + paid)
    on_hand, expiring = _on_hand(), _expiring(terms, today)
    made = []
    for row in _products(terms, today):
        key, active = row[0], row[4]
        if active or on_hand.get(key):
            made.append(_look(row, terms, demand.get(key, NOTHING), on_hand.get(key, ZERO), free.get(key, ZERO)))
            made[-1].expiring = expiring.get(key, ZERO)
    classes = abc_classes(
        {look.key: look.revenue if terms.by == "revenue" else look.units * look.unit_cost for look in made}
    )
    for look in made:
        look.abc, look.xyz = classes[look.key], xyz_class(look.swing)
    return made


def details(looks: Sequence[Look], *, today: date) -> None:
    """Fill in when these run out and were sold last; two queries."""
    keys = [look.key for look in looks]
    daily = dict(Forecast.objects.filter(product__in=keys).values_list("product_id", "daily"))
    sales = StockMovement.objects.filter(product__in=keys, kind=StockMovement.Kind.SALE).order_by()
    last = dict(sales.values_list("product_id").annotate(last=Max("occurred_at")))
    for look in looks:
        expected = [max(float(units), 0.0) for units in daily.get(look.key) or []] or [float(look.daily)]
        day = stock_out_day(float(look.available), expected)
        look.stock_out = None if day is None else today + timedelta(days=day)
        look.last_sale = timezone.localdate(last[look.key]) if look.key in last else None


@dataclass(frozen=True, slots=True)
class _Sold:
    units: Decimal
    squares: float
    paid: Decimal
    lately: bool
    """within the days after which stock is dead"""


NOTHING = _Sold(ZERO, 0.0, ZERO, False)


def _look(row: Sequence[Any], terms: Terms, sold: _Sold, on_hand: Decimal, free: Decimal) -> Look:
    key, sku, name, category, active, cost, tax_rate, expected, most, aged = row
    days = terms.weeks * 7
    daily = max(sold.units / days if expected is None else expected / HORIZON_DAYS, ZERO)
    cover = days_of_cover(float(free), float(daily))
    dead = bool(aged) and on_hand > 0 and not sold.lately
    excess = ZERO
    if not dead and free > 0 and daily:
        too_long = free - daily * terms.cover_days
        too_many = ZERO if most is None else free - most
        excess = max(too_long, too_many, ZERO)
    tax = tax_of(sold.paid, tax_rate, included=True) if settings.PRICES_INCLUDE_TAX else ZERO
    return Look(
        key=key, sku=sku, name=name, category=category or "", active=active, on_hand=on_hand, available=free,
        unit_cost=cost or ZERO, units=sold.units, revenue=sold.paid - tax, daily=daily,
        swing=variation(float(sold.units), sold.squares, terms.weeks), cover=cover, dead=dead, excess=excess,
    )  # fmt: skip


def _products(terms: Terms, today: date) -> Iterable[Sequence[Any]]:
    """Kits left out; `aged` says whether it was in stock (or at least moved) before stock is called dead."""
    before = day_start(today - timedelta(days=terms.dead_days))
    moved = StockMovement.objects.filter(product=OuterRef("pk"), occurred_at__lt=before)
    rows = Product.objects.exclude(Exists(KitComponent.objects.filter(kit=OuterRef("pk")))).order_by("sku")
    return rows.annotate(aged=Exists(moved)).values_list(
        "pk", "sku", "name", "category__name", "active", "cost", "tax_rate", "forecast__expected",
        "reorder_target__order_up_to", "aged",
    )  # fmt: skip


def _on_hand() -> dict[int, Decimal]:
    rows = StockLevel.objects.exclude(on_hand=0).order_by().values_list("product_id")
    return {key: round(whole, 3) for key, whole in rows.annotate(whole=Sum("on_hand"))}


def _expiring(terms: Terms, today: date) -> dict[int, Decimal]:
    levels = StockLevel.objects.filter(lot__expires_on__lte=today + timedelta(days=terms.expiring_days), on_hand__gt=0)
    rows = levels.order_by().values_list("product_id").annotate(whole=Sum("on_hand"))
    return {key: round(whole, 3) for key, whole in rows}


_DEMAND = """
    WITH weekly AS (
        SELECT product_id, {week} AS week, -SUM(quantity) AS units, -SUM(quantity * COALESCE(unit_price, 0)) AS paid,
            MAX(CASE WHEN kind = 'sale' AND occurred_at >= %(lately)s THEN 1 ELSE 0 END) AS lately
        FROM inventory_stockmovement
        WHERE kind IN ('sale', 'return') AND occurred_at >= %(since)s AND occurred_at < %(until)s
        GROUP BY 1, 2
    )
    SELECT product_id, SUM(CASE WHEN week < %(weeks)s THEN units ELSE 0 END),
        SUM(CASE WHEN week < %(weeks)s THEN units * units ELSE 0 END),
        SUM(CASE WHEN week < %(weeks)s THEN paid ELSE 0 END), MAX(lately)
    FROM weekly GROUP BY product_id
"""
_WEEK = {
    "postgresql": "CAST(FLOOR(EXTRACT(EPOCH FROM (%(until)s - occurred_at)) / 604800) AS INTEGER)",
    "sqlite": "CAST((julianday(%(until)s) - julianday(occurred_at)) / 7 AS INTEGER)",
}
"""Whole weeks before the end."""


def _demand(terms: Terms, today: date) -> dict[int, _Sold]:
    """Of the weeks that end with today, from the movements, so that parts of kits count; what came back is taken
    off the week it came back in.
    """
    until = day_start(today + timedelta(days=1))
    lately = day_start(today - timedelta(days=terms.dead_days))
    since = min(until - timedelta(weeks=terms.weeks), lately)
    moments = {"since": since, "until": until, "lately": lately}
    values: dict[str, Any] = {
        name: connection.ops.adapt_datetimefield_value(moment) for name, moment in moments.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(_DEMAND.format(week=_WEEK[connection.vendor]), {**values, "weeks": terms.weeks})
        return {
            key: _Sold(_decimal(units), float(squares), _decimal(paid), bool(late))
            for key, units, squares, paid, late in cursor.fetchall()
        }


_IN_KITS = """
    SELECT product_id, SUM(kept * 1.0 * weight / whole)
    FROM (
        SELECT part.product_id, line.unit_price * (line.quantity - COALESCE(back.quantity, 0)) AS kept,
            part.quantity * product.list_price AS weight,
            SUM(part.quantity * product.list_price) OVER (PARTITION BY part.line_id) AS whole
        FROM inventory_orderlinecomponent part
        JOIN inventory_product product ON product.id = part.product_id
        JOIN inventory_orderline line ON line.id = part.line_id
        JOIN inventory_order sold ON sold.id = line.order_id
        LEFT JOIN inventory_returnedquantity back ON back.line_id = line.id
        WHERE sold.occurred_at >= %(since)s AND sold.occurred_at < %(until)s
    ) shares
    WHERE whole > 0 GROUP BY product_id
"""


def _paid_in_kits(terms: Terms, today: date) -> dict[int, Decimal]:
    """What customers paid for parts within the kits of these weeks that they kept: the kit's price, shared out by what
    its parts cost by themselves (their list prices; IFRS 15, 76 to 80, allocates a bundle's price so).
    """
    until = day_start(today + timedelta(days=1))
    moments = {"since": until - timedelta(weeks=terms.weeks), "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_IN_KITS, {name: connection.ops.adapt_datetimefield_value(at) for name, at in moments.items()})
        return {key: _decimal(paid) for key, paid in cursor.fetchall()}


def _decimal(value: Any) -> Decimal:
    """SQLite adds decimals as floats."""
    return round(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), 6)
