"""What a file of products would change: each product beside what the shop has. Reads only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from inventory.models import Barcode, Location, Product, StockMovement, Tracking, Unit
from inventory.selectors import Stock, stocks_of

from .products_fields import ProductRow
from .products_notes import Notes
from .products_reading import Reading

CHUNK = 2000
"""So many are asked for in one query: PostgreSQL takes 65,535 parameters."""
PLAIN = ("name", "barcode", "unit", "cost", "list_price", "tax_rate", "active")
NO_PRICE = "no price: kept, but not for sale until it has one"
ZERO = Decimal(0)


@dataclass(slots=True)
class Change:
    """A product to be made (`product` is None) or changed."""

    told: ProductRow
    product: Product | None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """What it is and what it will be; category and supplier by name."""
    stocks: dict[str, Decimal] = field(default_factory=dict)
    """What will be on hand; "" is where the product mainly lies."""
    was: Decimal = ZERO
    """On hand now, in all."""

    @property
    def sku(self) -> str:
        return self.product.sku if self.product else self.told.sku

    def __str__(self) -> str:
        parts = [f"{name} {_shown(old)} → {_shown(new)}" for name, (old, new) in self.fields.items()]
        if self.product is None:
            price = self.fields.get("list_price", (None, ZERO))[1]
            parts = [f"new: {self.told.name}, price {_shown(price)}"]
        if self.stocks:
            parts.append(f"stock {_shown(self.was)} → {_shown(sum(self.stocks.values(), ZERO))}")
        return f"{self.sku}  {', '.join(parts)}"


@dataclass
class Plan:
    new: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: int = 0

    @property
    def changes(self) -> Iterator[Change]:
        yield from self.new
        yield from self.changed


def plan_made(reading: Reading, *, set_stock: bool) -> Plan:
    """Compare a file with the shop; rows that can't be used after all are added to `reading.refused`.

    :param set_stock: take the file's stock also for products that have moved since.
    """
    known, plan = _known(reading.products), Plan()
    owners: dict[str, str] = {_whole(code): sku.lower() for code, sku in _barcodes()}
    further = {_whole(code): sku for code, sku in _further_barcodes()}
    for told in reading.products:
        product = known.get(told.sku.lower())
        if product is None and not told.name:
            reading.refused.append(
                (told.row, f"has no name, and there is no product {told.sku} yet that it could change")
            )
            continue
        _check_barcode(told, owners, further, reading.notes)
        change = Change(told, product, _fields(told, product, reading.notes))
        (plan.changed if product else plan.new).append(change)
    _plan_stock(plan, set_stock=set_stock, notes=reading.notes)
    before = len(plan.changed)
    plan.changed = [change for change in plan.changed if change.fields or change.stocks]
    plan.unchanged = before - len(plan.changed)
    return plan


def differences(told: ProductRow, product: Product) -> dict[str, tuple[Any, Any]]:
    """What the file tells otherwise than the product has it. What the file leaves empty stays as it is."""
    found = {
        name: (getattr(product, name), value)
        for name in PLAIN
        if (value := getattr(told, name)) is not None and value != getattr(product, name)
    }
    category = product.category.name if product.category else None
    if told.category and told.category.lower() != (category or "").lower():
        found["category"] = (category, told.category)
    supplier = product.supplier
    if told.supplier and told.supplier.lower() not in (
        (supplier.name.lower(), supplier.code.lower()) if supplier else ()
    ):
        found["supplier"] = (supplier.name if supplier else None, told.supplier)
    if product.needs_review and told.list_price is not None and told.name:
        found["needs_review"] = (True, False)
        if told.active is None and not product.active and product.list_price == 0:
            found["active"] = (False, True)
    if product.needs_review and told.list_price is None and product.list_price == 0:
        found.pop("active", None)  # still waiting for a price
    return found


def _fields(told: ProductRow, product: Product | None, notes: Notes) -> dict[str, tuple[Any, Any]]:
    if product is not None:
        return differences(told, product)
    if told.list_price is None:
        notes.add(NO_PRICE, told.row.number)
    found = {name: (None, getattr(told, name)) for name in (*PLAIN, "category", "supplier")}
    return {name: pair for name, pair in found.items() if pair[1] is not None}


def _check_barcode(told: ProductRow, owners: dict[str, str], further: dict[str, str], notes: Notes) -> None:
    if not told.barcode:
        return
    code = _whole(told.barcode)
    if owner := further.get(code):
        where = f"{told.barcode} is that of {owner}, beside its own one"
        notes.add("barcode left out, it is a further one of a product", told.row.number, where)
        told.barcode = None
    elif owners.setdefault(code, told.sku.lower()) != told.sku.lower():
        other = owners[code].upper()
        notes.add("barcode left out, another product has it", told.row.number, f"{told.barcode} is that of {other}")
        told.barcode = None


def _plan_stock(plan: Plan, *, set_stock: bool, notes: Notes) -> None:
    pieces, home = Unit.PIECE.value, Location.objects.order_by("pk").values_list("code", flat=True).first()
    for change in plan.changes:
        if home and "" in change.told.stocks and len(change.told.stocks) > 1:
            change.told.add_stock(home, change.told.stocks.pop(""))
        unit = change.told.unit or (change.product.unit if change.product else pieces)
        if unit == pieces and any(stock % 1 for stock in change.told.stocks.values()):
            notes.add("stock left out: parts of a piece (say its unit, such as kg)", change.told.row.number)
            change.told.stocks = {}
    for change in plan.new:
        change.stocks = {place: stock for place, stock in change.told.stocks.items() if stock}
    asked = [change for change in plan.changed if change.told.stocks]
    for chunk in chunks(asked):
        products = [change.product for change in chunk if change.product]
        stocks, moved = stocks_of(products), moved_of(products)
        for change in chunk:
            if change.product:
                pk = change.product.pk
                _plan_stock_of(change, change.product, stocks[pk], pk in moved, set_stock, notes)


def _plan_stock_of(change: Change, product: Product, stock: Stock, moved: bool, set_stock: bool, notes: Notes) -> None:
    if stock.parts:
        notes.add(
            "stock left out: a kit has none of its own, what it is made of has", change.told.row.number, change.sku
        )
        return
    change.was = stock.on_hand
    wanted = {place: told for place, told in change.told.stocks.items() if told != on_hand_at(stock, place)}
    if not wanted:
        return
    line = change.told.row.number
    if moved and not set_stock:
        detail = f"{change.sku} has {_shown(change.was)}"
        notes.add("stock left as it is, it has moved since (--set-stock takes the file's)", line, detail)
    elif "" in wanted and sum(1 for level in stock.levels if level.on_hand) > 1:
        notes.add("stock left as it is, it lies in several locations: name them in a column", line, change.sku)
    elif product.tracking != Tracking.NONE:
        notes.add("stock left as it is, its units are told apart: enter it by lot on a count sheet", line, change.sku)
    elif any(told < reserved_at(stock, place) for place, told in wanted.items()):
        notes.add("stock left as it is, more is reserved for orders", line, change.sku)
    else:
        change.stocks = wanted


def on_hand_at(stock: Stock, place: str) -> Decimal:
    """At the location with this code; in all, where none is named."""
    return stock.on_hand if not place else sum((v.on_hand for v in stock.levels if _is_at(v, place)), ZERO)


def reserved_at(stock: Stock, place: str) -> Decimal:
    return stock.reserved if not place else sum((v.reserved for v in stock.levels if _is_at(v, place)), ZERO)


def moved_of(products: Iterable[Product]) -> set[int]:
    """Primary keys of those that have a movement."""
    pks = [product.pk for product in products]
    return set(StockMovement.objects.filter(product__in=pks).values_list("product_id", flat=True).distinct())


def chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _is_at(level: Any, place: str) -> bool:
    return bool(level.location.code.lower() == place.lower())


def _known(told: list[ProductRow]) -> dict[str, Product]:
    wanted = {row.sku.lower() for row in told}
    rows = Product.objects.prefetch_related("category", "supplier").order_by("pk")  # shared, not one a product
    return {key: p for p in rows.iterator(chunk_size=CHUNK) if (key := p.sku.lower()) in wanted}


def _barcodes() -> Iterable[tuple[Any, str]]:
    return Product.objects.exclude(barcode=None).order_by("pk").values_list("barcode", "sku").iterator(CHUNK)


def _further_barcodes() -> Iterable[tuple[Any, str]]:
    return Barcode.objects.order_by("pk").values_list("code", "product__sku").iterator(CHUNK)


def _whole(code: str) -> str:
    """All spellings of a GTIN are one number."""
    return code.zfill(14)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
