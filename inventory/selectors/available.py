"""What is available, asked of many products at once; and which of them are low."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Floor, Round
from django.utils import timezone

from inventory.models import Category, KitComponent, Location, Lot, Product, ReservationLine, StockLevel

from .catalog import IS_KIT
from .stock import ZERO, Stock, stocks_of

QUANTITY: Any = DecimalField(max_digits=13, decimal_places=3)


def _reorder_point(product: str = "") -> Any:
    """:param product: how the rows lead to their product, such as `product__`"""
    names = (f"{product}reorder_policy__reorder_point", f"{product}reorder_target__reorder_point")
    return Coalesce(*names, ZERO, output_field=QUANTITY)


REORDER_POINT = _reorder_point()
"""A product's reorder point in a query: fixed by hand, else computed last, else nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    products: list[Product]
    stocks: dict[int, Stock]
    """By the product's primary key."""
    next_cursor: str | None


def levels_sellable() -> QuerySet[Any]:
    """The levels that can be sold from: in storage, of no lot that has expired or is blocked."""
    return _sellable(StockLevel.objects.order_by(), "")


def _sellable(rows: QuerySet[Any], level: str) -> QuerySet[Any]:
    """:param level: how the rows lead to their level, such as `level__`"""
    places = Location.objects.exclude(kind=Location.Kind.STORAGE)
    lots = Lot.objects.filter(Q(blocked=True) | Q(expires_on__lt=timezone.localdate()))
    return rows.exclude(**{f"{level}location__in": places}).exclude(**{f"{level}lot__in": lots})


def with_free(levels: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate levels with what is `free` of each: on hand less what is reserved and has not run out."""
    lines = ReservationLine.objects.filter(level=OuterRef("pk"), counted=True)
    gone = lines.filter(reservation__expires_at__lte=timezone.now()).order_by().values("level")
    run_out = Coalesce(Subquery(gone.annotate(sum=Sum("quantity")).values("sum")), ZERO, output_field=QUANTITY)
    return levels.annotate(free=F("on_hand") - F("reserved") + run_out)


def with_available(products: QuerySet[Product]) -> QuerySet[Any]:
    """Annotate `available`: what can be sold, over all locations; of a kit, what its components make."""
    made = Floor(Round(_free_of("component") / F("quantity"), precision=6))  # SQLite divides as floats
    parts = KitComponent.objects.filter(kit=OuterRef("pk")).order_by().values("kit")
    kits = Subquery(parts.annotate(made=Min(made)).values("made"), output_field=QUANTITY)
    return products.annotate(available=Coalesce(kits, _free_of("pk"), output_field=QUANTITY))


def _free_of(product: str) -> Any:
    """What is free of one product: on hand less reserved, but for what has run out and is still counted."""
    now = timezone.now()
    levels = levels_sellable().filter(product=OuterRef(product)).values("product")
    free = levels.annotate(sum=Round(Sum(F("on_hand") - F("reserved")), precision=3)).values("sum")  # as SQLite adds
    lines = _sellable(ReservationLine.objects.filter(level__product=OuterRef(product), counted=True), "level__")
    gone = lines.filter(level__next_expiry__lte=now, reservation__expires_at__lte=now).order_by().values("counted")
    run_out = gone.annotate(sum=Sum("quantity")).values("sum")
    return Coalesce(Subquery(free), ZERO, output_field=QUANTITY) + Coalesce(
        Subquery(run_out), ZERO, output_field=QUANTITY
    )


def reorder_point_of(product: Product) -> Decimal | None:
    """The one fixed by hand, else the one computed last; None where there is neither."""
    policy = getattr(product, "reorder_policy", None)
    if policy is not None and policy.reorder_point is not None:
        return policy.reorder_point
    target = getattr(product, "reorder_target", None)
    return target.reorder_point if target is not None else None


def is_low(product: Product, stock: Stock) -> bool:
    """An active product whose available stock is not above its reorder point (nothing, where there is none)."""
    return product.active and stock.available <= (reorder_point_of(product) or ZERO)


def low_only(products: QuerySet[Product]) -> QuerySet[Any]:
    """The active products whose `available` stock is not above their reorder `point` (nothing, where there is none);
    both are annotated.
    """
    return with_available(products).annotate(point=REORDER_POINT).filter(active=True, available__lte=F("point"))


def low_counted(products: QuerySet[Any]) -> QuerySet[Any]:
    """As `low_only`, of products that are annotated already, where all of them are to be counted: one look at all
    levels tells who has enough, and only of what it can't tell each is asked for by itself.
    """
    kits = KitComponent.objects.values("kit")
    run_out = StockLevel.objects.filter(next_expiry__lte=timezone.now()).values("product")
    by_itself = Q(pk__in=kits) | Q(pk__in=run_out)
    low = products.filter(active=True).exclude(~Q(pk__in=kits), pk__in=_enough())
    return low.exclude(by_itself, available__gt=F("point"))


def _enough() -> QuerySet[Any]:
    """Products whose levels are above their reorder point even if no reservation has run out."""
    free, point = Round(Sum(F("on_hand") - F("reserved")), precision=3), Max(_reorder_point("product__"))
    sums = levels_sellable().values("product").annotate(free=free, point=point)
    return sums.filter(free__gt=F("point")).values("product")


def oversold_only(products: QuerySet[Product]) -> QuerySet[Any]:
    """The products of which more was sold than there was."""
    return products.filter(Exists(StockLevel.objects.filter(product=OuterRef("pk"), oversold=True)))


def stock_list(
    *,
    search: str | None = None,
    category: Category | None = None,
    low_stock: bool = False,
    oversold: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of products in the order of their SKU, after the one that `cursor` names; two queries, and one more where
    kits are among them.

    :param search: part of the SKU, name or barcode, in any case.
    :param low_stock: only active products at or below their reorder point.
    :param oversold: only products of which more was sold than there was.
    """
    rows: QuerySet[Any] = Product.objects.select_related("category", "reorder_policy", "reorder_target")
    rows = rows.annotate(is_kit=IS_KIT)
    if search:
        rows = rows.filter(Q(sku__icontains=search) | Q(name__icontains=search) | Q(barcode__icontains=search))
    if category is not None:
        rows = rows.filter(category=category)
    if low_stock:
        rows = low_only(rows)
    if oversold:
        rows = oversold_only(rows)
    if cursor:
        rows = rows.filter(sku__gt=cursor)
    found: list[Product] = list(rows.order_by("sku")[: limit + 1])
    page = found[:limit]
    return Page(page, stocks_of(page), page[-1].sku if len(found) > limit else None)
