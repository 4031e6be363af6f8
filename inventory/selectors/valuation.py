"""What the stock is worth and what sales brought in: the ledger, streamed through the pure module."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db.models import Case, DecimalField, Exists, F, OuterRef, Q, QuerySet, Sum, When
from django.db.models.functions import Round

from inventory.models import OrderLine, OrderLineComponent, OrderReturn, OrderReturnLine, Product, StockMovement
from inventory.valuation import Lines, Method, Movement, periods
from shop_assistant.money import tax_of

ZERO = Decimal(0)
Kind = StockMovement.Kind
Products = QuerySet[Product] | None
"""None: all of them."""
KitParts = dict[tuple[str, int], list[tuple[int, Decimal]]]
"""By reference of an order or return, and component: the kits it was part of, and how much of it each had."""
_AMOUNT: Any = DecimalField(max_digits=30, decimal_places=6)


@dataclass(frozen=True, slots=True)
class Costs:
    """A product's known costs by the time from which they counted."""

    known: Sequence[tuple[datetime, Decimal]]

    def at(self, moment: datetime) -> Decimal | None:
        """The one of that time; before the first known one, that one."""
        found = None
        for since, cost in self.known:
            if found is not None and since > moment:
                break
            found = cost
        return found


NO_COSTS = Costs(())


def valued(
    *, bounds: Sequence[datetime], method: Method, products: Products = None
) -> Iterator[tuple[int, list[Lines]]]:
    """By the product's primary key, ascending: the periods between these moments (see `valuation.periods`). However
    much there is, it is streamed: five queries, of which the last three are for those with returns and kits.
    """
    costs = _costs(products)
    sales = dict(_returned_orders(products))
    returned = set(sales.values())
    kits = _kits(bounds[0], bounds[-1], products)
    rows = _of(StockMovement.objects.filter(occurred_at__lt=bounds[-1]), products).exclude(kind=Kind.TRANSFER)
    columns = ("product_id", "occurred_at", "kind", "quantity", "unit_cost", "reference")
    ordered = rows.order_by("product_id", "occurred_at", "pk").values_list(*columns)
    for key, found in groupby(ordered.iterator(chunk_size=5000), key=itemgetter(0)):
        yield (
            key,
            periods(_movements(found, costs.get(key, NO_COSTS), sales, returned, kits), method=method, bounds=bounds),
        )


def _movements(
    rows: Iterator[Any], costs: Costs, sales: dict[str, str], returned: set[str], kits: KitParts
) -> Iterator[Movement]:
    for key, moment, kind, quantity, unit_cost, reference in rows:
        standing, origin = None, ""
        parts: Sequence[tuple[int, Decimal]] = ()
        if kind in (Kind.SALE, Kind.RETURN):
            origin = sales.get(reference, "") if kind == Kind.RETURN else reference if reference in returned else ""
            parts = kits.get((reference, key), ()) if kits else ()
        if unit_cost is None:
            standing = costs.at(moment)
        yield Movement(moment, kind, quantity, unit_cost, standing, origin, parts)


def _costs(products: Products) -> dict[int, Costs]:
    """Of products that have one; one query over their histories."""
    history: Any = Product.history.model.objects.exclude(cost=None)
    if products is not None:
        history = history.filter(id__in=products.values("pk"))
    rows = history.order_by("id", "history_date", "history_id").values_list("id", "history_date", "cost")
    found = {}
    for key, changes in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0)):
        known: list[tuple[datetime, Decimal]] = []
        for _, moment, cost in changes:
            if not known or known[-1][1] != cost:
                known.append((moment, cost))
        found[key] = Costs(known)
    return found


def _returned_orders(products: Products) -> QuerySet[Any, Any]:
    """The order whose goods came back, by the return's reference; one query."""
    rows = OrderReturn.objects.exclude(order=None)
    if products is not None:
        back = StockMovement.objects.filter(kind=Kind.RETURN, product__in=products)
        rows = rows.filter(reference__in=back.values("reference"))
    return rows.values_list("reference", "order__reference")


def _kits(since: datetime, until: datetime, products: Products) -> KitParts:
    """What each kit had of what moved; one query where there is no kit, else four."""
    if not OrderLineComponent.objects.exists():
        return {}
    sold = OrderLineComponent.objects.filter(line__order__occurred_at__gte=since, line__order__occurred_at__lt=until)
    part = F("quantity") * F("line__components__quantity") / F("line__quantity")
    back = OrderReturnLine.objects.filter(
        line__components__isnull=False, order_return__occurred_at__gte=since, order_return__occurred_at__lt=until
    )
    rows = [
        *_of(sold, products).values_list("line__order__reference", "product_id", "line__product_id", "quantity"),
        *back.annotate(part=Round(part, precision=3, output_field=_AMOUNT)).values_list(
            "order_return__reference", "line__components__product_id", "line__product_id", "part"
        ),
    ]
    parts: dict[tuple[str, int], dict[int, Decimal]] = {}
    for reference, component, kit, quantity in rows:
        of = parts.setdefault((reference, component), {})
        of[kit] = of.get(kit, ZERO) + quantity
    moved = StockMovement.objects.filter(
        kind__in=(Kind.SALE, Kind.RETURN), occurred_at__gte=since, occurred_at__lt=until,
        product__in=OrderLineComponent.objects.values("product"),
    )  # fmt: skip
    sums = _of(moved, products).order_by().values("reference", "product_id").annotate(whole=Sum("quantity"))
    whole = {(row["reference"], row["product_id"]): abs(row["whole"]) for row in sums.iterator(chunk_size=5000)}
    return {
        key: [(kit, min(quantity / whole[key], Decimal(1))) for kit, quantity in of.items()]
        for key, of in parts.items()
        if whole.get(key)
    }


def revenues(*, since: datetime, until: datetime, products: Products = None) -> dict[int, Decimal]:
    """What customers paid for each product sold in this time, less tax and less what was refunded then, in the shop's
    currency and not rounded; three queries. What points paid is no revenue.
    """
    earned: dict[int, Decimal] = {}
    for rows, sign in ((_sold(since, until), 1), (_refunded(since, until), -1)):
        found = _of(rows, products, "product_id" if sign > 0 else "line__product_id")
        key = "product_id" if sign > 0 else "line__product_id"
        for product, amount in found.order_by().values(key).annotate(whole=Sum("net")).values_list(key, "whole"):
            earned[product] = earned.get(product, ZERO) + sign * round(amount, 6)
    for product, rate, gross in _refunded_unsold(since, until, products):
        tax = tax_of(gross, rate, included=True) if settings.PRICES_INCLUDE_TAX else ZERO
        earned[product] = earned.get(product, ZERO) - round(gross - tax, 6)
    return earned


def _sold(since: datetime, until: datetime) -> QuerySet[Any]:
    order_total, points = F("order__total"), F("order__points_value")
    paid = Case(
        When(order__points_value=0, then=F("total")),
        default=F("total") * order_total / (order_total + points),
        output_field=_AMOUNT,
    )
    rows: QuerySet[Any] = OrderLine.objects.filter(
        order__occurred_at__gte=since, order__occurred_at__lt=until, order__currency=settings.SHOP_CURRENCY
    )
    return rows.annotate(net=paid - F("tax"))


def _refunded(since: datetime, until: datetime) -> QuerySet[Any]:
    rows: QuerySet[Any] = OrderReturnLine.objects.filter(
        order_return__occurred_at__gte=since,
        order_return__occurred_at__lt=until,
        line__order__currency=settings.SHOP_CURRENCY,
    )
    return rows.annotate(net=F("total") - F("tax"))


def _refunded_unsold(since: datetime, until: datetime, products: Products) -> QuerySet[Any, Any]:
    """Of sales before the shop's records began: (product, tax rate, what the goods had cost the customer)."""
    known = OrderReturn.objects.filter(order=None, reference=OuterRef("reference"))
    rows = StockMovement.objects.filter(
        Exists(known), kind=Kind.RETURN, occurred_at__gte=since, occurred_at__lt=until, unit_price__isnull=False
    )
    gross = Sum(F("quantity") * F("unit_price"), output_field=_AMOUNT)
    sums = _of(rows, products).order_by().values("product_id", "product__tax_rate").annotate(gross=gross)
    return sums.values_list("product_id", "product__tax_rate", "gross")


def traded(*, since: datetime, until: datetime, products: QuerySet[Product]) -> QuerySet[Product]:
    """Those that something can be said of: with movements before `until`, or sold (as kits are) in the period."""
    moved = StockMovement.objects.filter(product=OuterRef("pk"), occurred_at__lt=until)
    sold = OrderLine.objects.filter(product=OuterRef("pk"), order__occurred_at__gte=since, order__occurred_at__lt=until)
    return products.filter(Q(Exists(moved)) | Q(Exists(sold)))


def _of(rows: QuerySet[Any], products: Products, column: str = "product_id") -> QuerySet[Any]:
    return rows if products is None else rows.filter(**{f"{column}__in": products.values("pk")})
