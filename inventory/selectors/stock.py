"""What lies where."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum, Value
from django.db.models.functions import Lower
from django.utils import timezone

from inventory.models import KitComponent, Location, Lot, Product, ReservationLine, StockLevel
from shop_assistant.compiled import Compiled

from .catalog import COMPANIONS, product_get
from .kits import kits_of

ZERO = Decimal(0)
GRAIN = Decimal("0.001")
Kind = Location.Kind


@dataclass(frozen=True, slots=True)
class Stock:
    """A product's levels, in primary-key order, with their location and lot; or those of what a kit is made of, and
    then all quantities are whole kits.
    """

    levels: tuple[StockLevel, ...]
    parts: tuple[tuple[KitComponent, "Stock"], ...] = ()

    @property
    def on_hand(self) -> Decimal:
        """On a shelf, quarantine included; what is in transit is told apart."""
        if self.parts:
            return min(stock.on_hand // part.quantity for part, stock in self.parts)
        return self._in(Kind.STORAGE, Kind.QUARANTINE)

    @property
    def quarantined(self) -> Decimal:
        return self._in(Kind.QUARANTINE)

    @property
    def in_transit(self) -> Decimal:
        return self._in(Kind.TRANSIT)

    @property
    def reserved(self) -> Decimal:
        return sum((level.reserved for level in self.levels), ZERO)

    @property
    def available(self) -> Decimal:
        """What can be sold."""
        if self.parts:
            return min(stock.available // part.quantity for part, stock in self.parts)
        return sum((level.on_hand - level.reserved for level in self.levels if is_sellable(level)), ZERO)

    @property
    def main(self) -> StockLevel | None:
        """The first level in storage with something on hand, else the first: goods are taken from here, and come back
        here.
        """
        stored = [level for level in self.levels if level.location.kind == Kind.STORAGE]
        return next((level for level in stored if level.on_hand), stored[0] if stored else None)

    @property
    def location(self) -> str | None:
        """Code of the main location."""
        return self.main.location.code if self.main else None

    def _in(self, *kinds: str) -> Decimal:
        return sum((level.on_hand for level in self.levels if level.location.kind in kinds), ZERO)


def is_sellable(level: StockLevel) -> bool:
    """In storage, and of no lot that has expired or is blocked."""
    return level.location.kind == Kind.STORAGE and (level.lot is None or lot_is_sellable(level.lot))


def lot_is_sellable(lot: Lot) -> bool:
    return not lot.blocked and (lot.expires_on is None or lot.expires_on >= timezone.localdate())


def product_with_stock(*, sku: str) -> tuple[Product, Stock]:
    """The product with this SKU, in any case, and its stock; one query where it lies somewhere.

    :raises NotFound: with the nearest existing SKUs.
    """
    levels = _STOCKED.all(sku=sku.strip())
    if levels and not levels[0].of_kit:  # type: ignore[attr-defined]  # annotated
        return levels[0].product, Stock(tuple(as_of_now(levels)))
    product = product_get(sku=sku)
    return product, stocks_of([product])[product.pk] if getattr(product, "is_kit", False) else Stock(())


def stock_of(product: Product) -> Stock:
    """One query; of a kit, one more."""
    levels = _LEVELS.all(product=product.pk)
    if (levels and levels[0].of_kit) or (not levels and getattr(product, "is_kit", True)):  # type: ignore[attr-defined]
        return stocks_of([product])[product.pk]
    return Stock(tuple(as_of_now(levels)))


def levels_by_sku(sku: str) -> QuerySet[Any]:
    """A product's levels with all that comes along with it, found by its SKU in any case."""
    rows = _levels().alias(folded=Lower("product__sku")).filter(folded=Lower(Value(sku)))
    return rows.select_related("location", "lot", *(f"product__{name}" for name in COMPANIONS))


def _levels() -> QuerySet[Any]:
    """In primary-key order, with location and lot, saying whether they are `of_kit`: a kit's own are of no account."""
    return StockLevel.objects.select_related("location", "lot").annotate(of_kit=OF_KIT).order_by("pk")


OF_KIT = Exists(KitComponent.objects.filter(kit=OuterRef("product")))
_STOCKED: Compiled[StockLevel] = Compiled(levels_by_sku, sku=str)
_LEVELS: Compiled[StockLevel] = Compiled(lambda product: _levels().filter(product=product), product=int)


def stocks_of(products: Iterable[Product]) -> dict[int, Stock]:
    """Stock by the product's primary key; one query, and one more where kits may be among them."""
    asked = list(products)
    kits = kits_of(asked)
    keys = {product.pk for product in asked} | {part.component_id for parts in kits.values() for part in parts}
    levels: dict[int, list[StockLevel]] = {key: [] for key in keys}
    rows = StockLevel.objects.filter(product__in=keys).select_related("location", "lot").order_by("pk")
    for level in as_of_now(list(rows)):
        levels[level.product_id].append(level)
    whole = {key: Stock(tuple(found)) for key, found in levels.items()}
    made = {kit: Stock((), tuple((part, whole[part.component_id]) for part in parts)) for kit, parts in kits.items()}
    return {product.pk: made.get(product.pk) or whole[product.pk] for product in asked}


def as_of_now(levels: list[StockLevel]) -> list[StockLevel]:
    """The same levels, with what is `reserved` less what has run out since; one query, only where something has."""
    now = timezone.now()
    if due := {level.pk: level for level in levels if level.next_expiry and level.next_expiry <= now}:
        lines = ReservationLine.objects.filter(level__in=due, counted=True, reservation__expires_at__lte=now)
        for key, gone in lines.order_by().values_list("level").annotate(sum=Sum("quantity")):
            due[key].reserved -= gone.quantize(GRAIN)
    return levels
