"""What lies where."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Lower, Round

from inventory.models import Category, Product, StockLevel
from shop_assistant.compiled import Compiled

from .catalog import COMPANIONS, product_get

ZERO = Decimal(0)
REORDER_POINT = Coalesce(
    "reorder_policy__reorder_point",
    "reorder_target__reorder_point",
    ZERO,
    output_field=DecimalField(max_digits=13, decimal_places=3),
)
"""A product's reorder point in a query: fixed by hand, else computed last, else nothing."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A product's levels, in primary-key order, with their location."""

    levels: tuple[StockLevel, ...]

    @property
    def on_hand(self) -> Decimal:
        return sum((level.on_hand for level in self.levels), ZERO)

    @property
    def reserved(self) -> Decimal:
        return sum((level.reserved for level in self.levels), ZERO)

    @property
    def available(self) -> Decimal:
        """What can be sold."""
        return self.on_hand - self.reserved

    @property
    def main(self) -> StockLevel | None:
        """The first level with something on hand, else the first: goods are taken from here, and come back here."""
        return next((level for level in self.levels if level.on_hand), self.levels[0] if self.levels else None)

    @property
    def location(self) -> str | None:
        """Code of the main location."""
        return self.main.location.code if self.main else None


@dataclass(frozen=True, slots=True)
class Page:
    products: list[Product]
    stocks: dict[int, Stock]
    """By the product's primary key."""
    next_cursor: str | None


def product_with_stock(*, sku: str) -> tuple[Product, Stock]:
    """The product with this SKU, in any case, and its stock; one query where it lies somewhere.

    :raises NotFound: with the nearest existing SKUs.
    """
    levels = _STOCKED.all(sku=sku.strip())
    return (levels[0].product, Stock(tuple(levels))) if levels else (product_get(sku=sku), Stock(()))


def stock_of(product: Product) -> Stock:
    """One query."""
    return Stock(tuple(_LEVELS.all(product=product.pk)))


_LEVELS: Compiled[StockLevel] = Compiled(
    lambda product: StockLevel.objects.filter(product=product).select_related("location").order_by("pk"), product=int
)


def levels_by_sku(sku: str) -> QuerySet[Any]:
    """A product's levels with all that comes along with it, found by its SKU in any case."""
    rows = StockLevel.objects.alias(folded=Lower("product__sku")).filter(folded=Lower(Value(sku)))
    return rows.select_related("location", *(f"product__{name}" for name in COMPANIONS)).order_by("pk")


_STOCKED: Compiled[StockLevel] = Compiled(levels_by_sku, sku=str)


def stocks_of(products: Iterable[Product]) -> dict[int, Stock]:
    """Stock by the product's primary key; one query."""
    levels: dict[int, list[StockLevel]] = {product.pk: [] for product in products}
    for level in StockLevel.objects.filter(product__in=levels).select_related("location").order_by("pk"):
        levels[level.product_id].append(level)
    return {pk: Stock(tuple(found)) for pk, found in levels.items()}


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


def with_available(products: QuerySet[Product]) -> QuerySet[Any]:
    """Annotate `available`: what can be sold, over all locations."""
    free = Round(Sum(F("on_hand") - F("reserved")), precision=3)  # SQLite adds decimals as floats
    levels = StockLevel.objects.filter(product=OuterRef("pk")).order_by().values("product")
    return products.annotate(
        available=Coalesce(Subquery(levels.values(free=free)), ZERO),
    )


def low_only(products: QuerySet[Product]) -> QuerySet[Any]:
    """The active products whose `available` stock is not above their reorder `point` (nothing, where there is none);
    both are annotated.
    """
    return with_available(products).annotate(point=REORDER_POINT).filter(active=True, available__lte=F("point"))


def stock_list(
    *,
    search: str | None = None,
    category: Category | None = None,
    low_stock: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of products in the order of their SKU, after the one that `cursor` names; two queries.

    :param search: part of the SKU, name or barcode, in any case.
    :param low_stock: only active products at or below their reorder point.
    """
    rows: QuerySet[Any] = Product.objects.select_related("category", "reorder_policy", "reorder_target")
    if search:
        rows = rows.filter(Q(sku__icontains=search) | Q(name__icontains=search) | Q(barcode__icontains=search))
    if category is not None:
        rows = rows.filter(category=category)
    if low_stock:
        rows = low_only(rows)
    if cursor:
        rows = rows.filter(sku__gt=cursor)
    found: list[Product] = list(rows.order_by("sku")[: limit + 1])
    page = found[:limit]
    return Page(page, stocks_of(page), page[-1].sku if len(found) > limit else None)
