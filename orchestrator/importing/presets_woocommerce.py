"""WooCommerce's product export (Products > Export). Pure.

Rows of the type `variation` name their parent by SKU or as `id:123`; the parent itself can't be bought.
https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from shop_assistant.tables.headers import Columns
from shop_assistant.tables.reading import Row
from shop_assistant.tables.table import Cell

from .presets import Preset, Raw, cell, known_cells, plain
from .products_notes import Notes

_ALIASES = {
    "sku": ("SKU",),
    "name": ("Name",),
    "barcode": ("GTIN, UPC, EAN, or ISBN", "Meta: _alg_ean", "Meta: _wpm_gtin_code", "EAN", "GTIN", "Barcode"),
    "category": ("Categories",),
    "supplier": ("Brands", "Supplier"),
    "unit": (),
    "cost": ("Cost of goods", "Meta: _wc_cog_cost", "Cost", "Cost price"),
    "list_price": ("Regular price",),
    "tax_rate": (),
    "active": ("Published",),
    "stock": ("Stock",),
    "location": (),
    "id": ("ID",),
    "type": ("Type",),
    "parent": ("Parent",),
    "sale_price": ("Sale price",),
    "tax_status": ("Tax status",),
}
_ATTRIBUTE = re.compile(r"Attribute (\d+) value\(s\)", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_SEPARATOR = re.compile(r"(?<!\\),")
_FROM_PARENT = ("category", "supplier")


def _read(rows: Iterable[Row], columns: Columns, header: Sequence[str], notes: Notes) -> Iterator[Raw]:
    attributes = [at for at, name in enumerate(header) if _ATTRIBUTE.fullmatch(name)]
    found = list(rows)
    parents: dict[str, Row] = {}
    for row in found:
        if "variable" in _types(row, columns):
            parents[f"id:{plain(cell(row, columns, 'id'))}"] = row
            parents[plain(cell(row, columns, "sku")).lower()] = row
    for row in found:
        types = _types(row, columns)
        if "variable" in types:
            notes.skip("parents of variations, skipped: the variations are the products", row.number)
            if plain(cell(row, columns, "stock")):
                notes.add("stock kept for all variations together, left out: count it by variation", row.number)
            continue
        if "grouped" in types:
            notes.skip("groups of products, skipped: their members are the products", row.number)
            continue
        parent = parents.get(plain(cell(row, columns, "parent")).lower()) if "variation" in types else None
        yield _product(row, parent, columns, attributes, notes)


def _product(row: Row, parent: Row | None, columns: Columns, attributes: Sequence[int], notes: Notes) -> Raw:
    cells = known_cells(row, columns)
    if parent is not None:
        for name in _FROM_PARENT:
            if not plain(cells.get(name)):
                cells[name] = cell(parent, columns, name)
        if not plain(cells.get("name")):
            values = [text for at in attributes if (text := plain(row.cells[at]))]
            cells["name"] = " - ".join(filter(None, (plain(cell(parent, columns, "name")), ", ".join(values))))
    cells["name"] = _readable(cells.get("name"))
    cells["category"] = _readable(_SEPARATOR.split(plain(cells.get("category")))[0])
    if plain(cell(row, columns, "tax_status")).lower() == "none":
        cells["tax_rate"] = 0
    if plain(cell(row, columns, "sale_price")):
        notes.add("sale prices, left out: the regular price was taken; make a price rule for a sale", row.number)
    return Raw(row, cells, {"": cells.pop("stock", None)}, f"id-{plain(cells.pop('id', None))}")


def _types(row: Row, columns: Columns) -> set[str]:
    return {part.strip() for part in plain(cell(row, columns, "type")).lower().split(",")}


def _readable(value: Cell) -> str:
    """Without HTML, and with its escapes (`&amp;`, backslash and n, backslash and comma) undone."""
    text = html.unescape(_TAG.sub(" ", plain(value))).replace("\\n", " ").replace("\\,", ",")
    return " ".join(text.split())


WOOCOMMERCE = Preset(
    "woocommerce",
    _ALIASES,
    _read,
    (frozenset({"type", "sku", "name", "regularprice"}), frozenset({"type", "name", "parent", "regularprice"})),
)
