"""What the shop has already of what a sales file speaks of."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Exists, Min, OuterRef, Sum

from inventory.models import (
    KitComponent,
    Order,
    OrderLine,
    OrderReturn,
    Product,
    ReferenceCounter,
    StockLevel,
    StockMovement,
    Tracking,
    Unit,
)
from inventory.stock_reasons import CLOSING
from orchestrator.models import ImportedDocument

from .sales_model import MARK_BYTES, ZERO, Item, SaleLine
from .sales_returns import ByBuyer, ByInvoice, Sales, Sold
from .sales_stock import JUST, StockKnown

AT_ONCE = 900
"""So many values go into one IN: SQLite takes 999 in its older builds."""
T = TypeVar("T")


@dataclass(slots=True)
class Document:
    """What earlier imports took from an invoice."""

    lines: Counter[bytes] = field(default_factory=Counter)
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Barred:
    """A product whose stock an import can't change: a kit has none, and of lots nobody knows which one was taken."""

    sku: str
    apart: str = ""
    """by what its units are told apart; empty: it is a kit"""
    until: datetime | None = None
    """what happened up to here is history, and leaves today's stock as it is"""

    def told(self, moment: datetime) -> str:
        """Why a line of that moment can't be taken; empty: it can."""
        if not self.apart:
            return (
                f"is of {self.sku}, a kit, which has no stock of its own: name what it is made of, line by line, or "
                "bring these sales in before it is made a kit"
            )
        if self.until is None or moment <= self.until:
            return ""
        return (
            f"is of {self.sku}, told apart {self.apart}, and later than its first stock here: nobody knows which was "
            "taken, so sell it here, or book it out"
        )


def products_barred() -> dict[str, Barred]:
    """By SKU in lower case."""
    kits = Product.objects.filter(Exists(KitComponent.objects.filter(kit=OuterRef("pk")))).values_list("sku", flat=True)
    rows = Product.objects.exclude(tracking=Tracking.NONE).values_list("pk", "sku", "tracking")
    apart = {pk: (sku, Tracking(tracking).label) for pk, sku, tracking in rows}
    history = _history(apart)
    found = [Barred(sku, how, history[pk][1]) for pk, (sku, how) in apart.items() if pk in history]
    return {barred.sku.casefold(): barred for barred in [*found, *map(Barred, kits)]}


def products_known() -> dict[str, Item]:
    """Every product, by its SKU in lower case."""
    rows = Product.objects.order_by("pk").values_list("pk", "sku", "unit", "cost", "tax_rate", "name")
    return {
        sku.casefold(): Item(sku, pk, unit == Unit.PIECE, cost, tax_rate, name)
        for pk, sku, unit, cost, tax_rate, name in rows.iterator(chunk_size=5000)
    }


def batches_so_far() -> int:
    """How many batches all imports have stored; who stores the next one makes sure that this is still so."""
    return ReferenceCounter.objects.filter(prefix="I").values_list("last", flat=True).first() or 0


def documents_known(numbers: Collection[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for some in _some(numbers):
        rows = ImportedDocument.objects.filter(number__in=some).order_by("pk")
        for number, lines, parts in rows.values_list("number", "lines", "parts"):
            document = found.setdefault(number, Document())
            document.lines.update(bytes(lines[at : at + MARK_BYTES]) for at in range(0, len(lines), MARK_BYTES))
            document.parts += parts
    return found


def references_known(numbers: Collection[str]) -> set[str]:
    """Those of the numbers that an order or return here has."""
    found: set[str] = set()
    for some in _some(numbers):
        for model in (Order, OrderReturn):
            found.update(model.objects.filter(reference__in=some).values_list("reference", flat=True))
    return found


def stock_known(first_lines: dict[int, datetime]) -> dict[int, StockKnown]:
    """The stock of these products, given by primary key with the moment of the first new line of each.

    Products without movements are left out.
    """
    found = {pk: StockKnown(first=first, until=until) for pk, (first, until) in _history(first_lines).items()}
    _place(found)
    if found:
        _book(found, first_lines)
    return found


def locations_of(products: Collection[int]) -> dict[int, int]:
    """Where most of each product lies."""
    places: dict[int, tuple[Decimal, int]] = {}
    for some in _some(products):
        levels = StockLevel.objects.filter(product__in=some).order_by("pk")
        for product, location, on_hand in levels.values_list("product_id", "location_id", "on_hand"):
            if product not in places or on_hand > places[product][0]:
                places[product] = (on_hand, location)
    return {product: location for product, (_, location) in places.items()}


def sales_known(
    sales: Sales, asked: Iterable[tuple[ByInvoice, ByBuyer]], items: dict[str, Item], customers: dict[int, int]
) -> None:
    """Add the stored sales that some return may belong to. Orders paid with points are left out: what is refunded of
    them is the counter's to say.

    :param customers: primary keys by the plan's number for a customer.
    """
    wanted: dict[int, list[tuple[ByInvoice, ByBuyer]]] = {}
    for invoice, buyer in asked:
        if (item := items.get(invoice[1])) and item.pk is not None:
            wanted.setdefault(item.pk, []).append((invoice, buyer))
    numbers = {invoice[0] for keys in wanted.values() for invoice, _ in keys}
    buyers = {pk: number for number, pk in customers.items()}
    columns = (
        "pk", "product_id", "quantity", "unit_price", "total", "tax", "location_id", "unit_cost", "order_id",
        "order__reference", "order__occurred_at", "order__customer_order__customer_id", "returned__quantity",
        "returned__refunded",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    keys = {pk: items_key for items_key, item in items.items() if (pk := item.pk) in wanted}
    for some in _some(wanted):
        lines = OrderLine.objects.filter(product__in=some, order__points_value=0)
        for row in lines.values_list(*columns).iterator(chunk_size=5000):
            if row[9] in numbers or row[11] in buyers:
                rows.append(row)
    rows.sort(key=lambda row: (row[10], row[0]))
    for (
        pk,
        product,
        quantity,
        price,
        total,
        tax,
        location,
        cost,
        order,
        reference,
        moment,
        customer,
        back,
        paid,
    ) in rows:
        key = keys[product]
        by_invoice, by_buyer = (reference, key, price), (buyers.get(customer, -1), key, price)
        if sales.wants(by_invoice, by_buyer):
            sold = Sold(
                order, moment, quantity, quantity - (back or ZERO), pk, key, total, tax, location, cost,
                back or ZERO, paid or ZERO, back is not None,
            )  # fmt: skip
            sales.add(by_invoice, by_buyer, sold)


def is_known(line: SaleLine, document: Counter[bytes]) -> bool:
    """Whether the line was taken before; each line taken stands for one."""
    if document[line.digest] > 0:
        document[line.digest] -= 1
        return True
    return False


def _history(products: Iterable[int]) -> dict[int, tuple[datetime, datetime]]:
    """Of those with movements: the first one's time, and up to when what happened is history."""
    found: dict[int, tuple[datetime, datetime]] = {}
    for some in _some(products):
        firsts = StockMovement.objects.filter(product__in=some).order_by().values_list("product")
        for pk, first in firsts.annotate(first=Min("occurred_at")):
            found[pk] = first, first - JUST
        for pk, closed in firsts.filter(reason=CLOSING).annotate(first=Min("occurred_at")):
            found[pk] = found[pk][0], closed
    return found


def _place(found: dict[int, StockKnown]) -> None:
    for pk, location in locations_of(found).items():
        found[pk].location = location
    for some in _some(found):
        levels = StockLevel.objects.filter(product__in=some)
        for product, location, reserved in levels.values_list("product_id", "location_id", "reserved"):
            if found[product].location == location:
                found[product].reserved = reserved


def _book(found: dict[int, StockKnown], first_lines: dict[int, datetime]) -> None:
    """What was on hand before the first new line, and what happened since."""
    since = min(first_lines[pk] for pk in found) - timedelta(seconds=1)
    for some in _some(found):
        rows = StockMovement.objects.filter(product__in=some).order_by()
        before = rows.filter(occurred_at__lt=since).values_list("product_id", "location_id")
        for product, location, moved in before.annotate(moved=Sum("quantity")):
            if found[product].location == location:
                found[product].base = Decimal(moved).quantize(Decimal("0.001"))
        after = rows.filter(occurred_at__gte=since).order_by("occurred_at", "pk")
        for product, location, moment, moved in after.values_list(
            "product_id", "location_id", "occurred_at", "quantity"
        ).iterator(chunk_size=5000):
            if found[product].location == location:
                found[product].booked.append((moment, moved))


def _some(values: Iterable[T]) -> Iterator[Sequence[T]]:
    listed = list(values)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]
