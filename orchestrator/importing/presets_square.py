"""Square's item export (Items > Actions > Export Library). Pure.

Each row is a variation; each of the shop's locations has columns of its own, such as `Current Quantity High Street`.
https://squareup.com/help/us/en/article/5153-get-started-importing-items
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from shop_assistant.tables.headers import Columns
from shop_assistant.tables.reading import Row

from .presets import Preset, Raw, cell, known_cells, plain
from .products_notes import Notes

_ALIASES = {
    "sku": ("SKU",),
    "name": ("Item Name",),
    "barcode": ("GTIN",),
    "category": ("Category", "Categories", "Reporting Category"),
    "supplier": ("Default Vendor Name",),
    "unit": ("Unit and Precision",),
    "cost": ("Default Unit Cost",),
    "list_price": ("Price",),
    "tax_rate": (),
    "active": (),
    "stock": (),
    "location": (),
    "id": ("Token",),
    "variation": ("Variation Name",),
    "archived": ("Archived",),
}
_QUANTITY = re.compile(r"Current Quantity (.+)")
_ENABLED = re.compile(r"Enabled (.+)")
_TAX = re.compile(r"Tax - .*\((\d+(?:[.,]\d+)?)\s*%\).*")
_TOKEN = re.compile(r"\s*\(#\w+\)")
_USUAL = ("", "regular", "default")
_YES = ("y", "yes", "true", "1")


def _read(rows: Iterable[Row], columns: Columns, header: Sequence[str], notes: Notes) -> Iterator[Raw]:
    quantities = {match[1].strip(): at for at, name in enumerate(header) if (match := _QUANTITY.fullmatch(name))}
    enabled = [at for at, name in enumerate(header) if _ENABLED.fullmatch(name)]
    taxes = {at: match[1] for at, name in enumerate(header) if (match := _TAX.fullmatch(name))}
    for row in rows:
        cells = known_cells(row, columns)
        variation = plain(cell(row, columns, "variation"))
        if variation.lower() not in _USUAL and plain(cells.get("name")):
            cells["name"] = f"{plain(cells['name'])} - {variation}"
        if plain(cells.get("list_price")).lower() == "variable":
            cells["list_price"] = None
        cells["category"] = _TOKEN.sub("", plain(cells.get("category")).split(",")[0])
        if enabled:
            cells["active"] = "yes" if any(_yes(row, at) for at in enabled) else "no"
        if plain(cell(row, columns, "archived")).lower() in _YES:
            cells["active"] = "no"
        if taxes:
            cells["tax_rate"] = sum(
                (Decimal(p.replace(",", ".")) for at, p in taxes.items() if _yes(row, at)), Decimal(0)
            )
        stocks = {place: row.cells[at] for place, at in quantities.items()}
        if "stock" in cells:
            stocks[plain(cells.pop("location", None))] = cells.pop("stock")
        yield Raw(row, cells, stocks, plain(cells.pop("id", None)))


def _yes(row: Row, at: int) -> bool:
    return plain(row.cells[at]).lower() in _YES


SQUARE = Preset("square", _ALIASES, _read, (frozenset({"token", "itemname"}), frozenset({"itemname", "variationname"})))
