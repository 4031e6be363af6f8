"""Shopify's product export (Products > Export), in its column names of before and since 2024. Pure.

A product's further rows repeat the handle alone: each is a variant, or a further picture.
https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from collections.abc import Iterable, Iterator, Sequence

from shop_assistant.tables.headers import Columns
from shop_assistant.tables.reading import Row

from .presets import Preset, Raw, cell, known_cells, plain, slug
from .products_notes import Notes

_ALIASES = {
    "sku": ("Variant SKU", "SKU"),
    "name": ("Title",),
    "barcode": ("Variant Barcode", "Barcode"),
    "category": (
        "Type",
        "Product Category",
        "Custom Product Type",
        "Standard Product Type",
        "Standardized Product Type",
    ),
    "supplier": ("Vendor",),
    "unit": (),
    "cost": ("Cost per item", "Variant Cost"),
    "list_price": ("Variant Price", "Price"),
    "tax_rate": (),
    "active": ("Status",),
    "stock": ("Variant Inventory Qty", "Inventory quantity"),
    "location": (),
    "id": (),
    "handle": ("Handle", "URL handle"),
    "product_category": ("Product Category", "Standard Product Type"),
    "published": ("Published", "Published on online store"),
    "taxable": ("Variant Taxable", "Charge tax"),
    "tracker": ("Variant Inventory Tracker", "Inventory tracker"),
    "option1": ("Option1 Value",),
    "option2": ("Option2 Value",),
    "option3": ("Option3 Value",),
}
_OF_THE_PRODUCT = ("name", "category", "supplier", "active", "product_category", "published")
"""Told in its first row alone."""
_OPTIONS = ("option1", "option2", "option3")
_NO_OPTION = "default title"


def _read(rows: Iterable[Row], columns: Columns, header: Sequence[str], notes: Notes) -> Iterator[Raw]:
    handle, first = "", None
    told_once = [columns.places[name] for name in _OF_THE_PRODUCT if name in columns.places]
    counts = "tracker" in columns.places
    for row in rows:
        own = plain(cell(row, columns, "handle"))
        options = [text for name in _OPTIONS if (text := plain(cell(row, columns, name)))]
        if first is None or own != handle or plain(cell(row, columns, "name")):
            handle, first = own, row
        elif not options and not any(plain(cell(row, columns, name)) for name in ("sku", "list_price")):
            notes.skip("rows with only a picture, skipped", row.number)
            continue
        for at in told_once:  # a row that is rejected can then be imported without those above it
            row.cells[at] = first.cells[at]
        cells = known_cells(row, columns)
        if not plain(cells.get("category")):
            cells["category"] = cell(row, columns, "product_category")
        if "active" not in columns.places:
            cells["active"] = cell(row, columns, "published")
        if not handle:
            row.problem = "has no handle, so it can't be told which product it belongs to"
        named = [option for option in options if option.lower() != _NO_OPTION]
        if named and plain(cells.get("name")):
            cells["name"] = f"{plain(cells['name'])} - {' / '.join(named)}"
        if plain(cell(row, columns, "taxable")).lower() in ("false", "no"):
            cells["tax_rate"] = 0
        stock = cells.pop("stock", None)
        untracked = counts and not plain(cell(row, columns, "tracker"))
        fallback = "-".join(filter(None, (handle, *map(slug, named))))
        yield Raw(row, cells, {} if untracked else {"": stock}, fallback)


SHOPIFY = Preset(
    "shopify",
    _ALIASES,
    _read,
    (
        frozenset({"handle", "title", "variantprice"}),
        frozenset({"handle", "title", "variantsku"}),
        frozenset({"urlhandle", "title"}),
    ),
)
