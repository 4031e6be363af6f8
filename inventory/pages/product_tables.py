"""The tables of a product's page: where it lies, what is under way, what moved, who offers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join

from audit.admin_columns import COLOUR_OF, EMPTY, badge, link, linked, list_of, may_view, moment, neat, person
from inventory.models import (
    Location,
    Lot,
    Product,
    StockLevel,
    StockMovement,
    Warehouse,
)
from inventory.places_presenting import lot_state
from inventory.selectors import Stock, is_sellable
from inventory.selectors.history import movements_page

MOST = 50
"""rows of a table; its list has them all"""
MOVEMENTS = 20
NAME = "text-left"
"""It may take several lines; the others don't."""
LEFT, RIGHT = "text-left whitespace-nowrap", "text-right whitespace-nowrap"
WIDE, WIDE_RIGHT = f"hidden {LEFT} lg:table-cell", f"hidden {RIGHT} lg:table-cell"
"""not on a phone"""
THIS_YEAR = timedelta(days=300)
PAGES = {
    "sale": ("inventory.order", ""),
    "return": ("inventory.orderreturn", ""),
    "count": ("inventory.countsheet", ""),
    "transfer": ("inventory.transfer", "TR-"),
    "receipt": ("inventory.receipt", "GR-"),
    "sent_back": ("inventory.supplierreturn", "SR-"),
}
"""Where a movement's reference leads, if it begins so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    heads: Sequence[tuple[str, str]]
    """name and classes of each column"""
    found: Sequence[Sequence[Any]]
    empty: str
    more: tuple[str, str] | None = None
    """name and address of the list that has them all"""

    @property
    def rows(self) -> list[list[tuple[str, Any]]]:
        return [[(css, cell) for (_, css), cell in zip(self.heads, row, strict=True)] for row in self.found]


def places(request: HttpRequest, product: Product, stock: Stock) -> Table:
    """One query."""
    levels = [level for level in stock.levels if level.on_hand or level.reserved]
    warehouses = Warehouse.objects.in_bulk({level.location.warehouse_id for level in levels})
    levels.sort(key=lambda level: (level.location.kind != Location.Kind.STORAGE, level.location.code, _expiry(level)))
    lots = any(level.lot for level in levels)
    heads = [("Bin", LEFT), ("Warehouse", WIDE), ("On hand", RIGHT), ("Available", RIGHT), ("Reserved", RIGHT)]
    return Table(
        title="Where it lies",
        heads=[*heads[:2], ("Lot", LEFT), *heads[2:], ("Expires", LEFT)] if lots else heads,
        found=[_place(request, level, warehouses[level.location.warehouse_id], lots=lots) for level in levels[:MOST]],
        empty="It lies nowhere.",
        more=("All levels", list_of("inventory.stocklevel", q=product.sku)),
    )


def _expiry(level: StockLevel) -> tuple[date, int]:
    expires_on = level.lot.expires_on if level.lot else None
    return expires_on or date.max, level.pk


def _place(request: HttpRequest, level: StockLevel, warehouse: Warehouse, *, lots: bool) -> list[Any]:
    location = level.location
    kind = "" if location.kind == Location.Kind.STORAGE else badge(location.get_kind_display().split(" (")[0])
    row = [
        beside(location.code, kind),
        warehouse.name,
        badge(neat(level.on_hand, 3), "danger") if level.oversold else neat(level.on_hand, 3),
        neat(level.on_hand - level.reserved, 3) if is_sellable(level) else EMPTY,
        neat(level.reserved, 3) if level.reserved else EMPTY,
    ]
    if not lots:
        return row
    lot, expires = _lot(request, level.lot)
    return [*row[:2], lot, *row[2:], expires]


def _lot(request: HttpRequest, lot: Lot | None) -> tuple[Any, Any]:
    """Its code, and until when it may be sold."""
    if lot is None:
        return EMPTY, EMPTY
    state = lot_state(lot)
    expires = EMPTY if lot.expires_on is None else day_told(lot.expires_on)
    return linked(request, lot, lot.code), expires if state == "for sale" else beside(expires, badge(state, "danger"))


def components(request: HttpRequest, stock: Stock) -> Table:
    made = stock.available
    return Table(
        title="Made of",
        heads=[
            ("Component", NAME),
            ("In one kit", RIGHT),
            ("On hand", WIDE_RIGHT),
            ("Available", RIGHT),
            ("Kits", RIGHT),
        ],
        found=[
            (
                linked(request, part.component),
                neat(part.quantity, 3),
                neat(within.on_hand, 3),
                neat(within.available, 3),
                badge(neat(kits, 3), "warning") if kits == made else neat(kits, 3),
            )
            for part, within in stock.parts
            for kits in [within.available // part.quantity]
        ],
        empty="",
    )


def movements(request: HttpRequest, product: Product) -> Table:
    """Four queries, however many there are."""
    found, _ = movements_page(product=product, limit=MOVEMENTS)
    return Table(
        title="Last movements",
        heads=[
            ("When", LEFT), ("What", LEFT), ("Quantity", RIGHT), ("Balance", RIGHT), ("Where", LEFT),
            ("Reference", LEFT), ("Why", LEFT), ("Who", LEFT),
        ],
        found=[
            (
                lately(row.occurred_at),
                badge(row.get_kind_display().split(" ")[0], COLOUR_OF.get(row.kind, "")),
                f"{'+' if row.quantity > 0 else ''}{neat(row.quantity, 3)}",
                neat(each.balance, 3),
                row.location.code + (f", {row.lot.code}" if row.lot else ""),
                _reference(request, row),
                row.reason or EMPTY,
                person(request, row.user_id),
            )
            for each in found
            for row in [each.movement]
        ],
        empty="Nothing has moved yet.",
        more=("All movements", list_of("inventory.stockmovement", product__id__exact=product.pk)),
    )  # fmt: skip


def _reference(request: HttpRequest, movement: StockMovement) -> Any:
    model, begins = PAGES.get(movement.kind, ("", ""))
    found = movement.reference
    if not model or not found or not found.startswith(begins) or not may_view(request, model):
        return found or EMPTY
    return link(list_of(model, q=found), found)


def beside(*parts: Any) -> Any:
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


def lately(when: datetime) -> str:
    """Without the year, where it goes without saying."""
    return moment(when) if timezone.now() - when > THIS_YEAR else date_format(timezone.localtime(when), "j M, H:i")


def day_told(day: date) -> str:
    return date_format(day, "j M Y")
