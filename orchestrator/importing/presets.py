"""What the columns of a product file mean: the programs known by their exports, and any other table. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shop_assistant.tables.headers import Columns, folded
from shop_assistant.tables.reading import Row
from shop_assistant.tables.table import Cell

from .products_notes import Notes

FIELDS = (
    "sku", "name", "barcode", "category", "supplier", "unit", "cost", "list_price", "tax_rate", "active", "stock",
    "location", "id",
)  # fmt: skip
"""What a file can tell of a product. `id` is the other program's own number, taken where there is no SKU."""


@dataclass(slots=True)
class Raw:
    """One product of the file, its cells by field, not yet read."""

    row: Row
    cells: dict[str, Cell]
    stocks: dict[str, Cell] = field(default_factory=dict)
    """By location; "" where the file names none."""
    fallback: str = ""
    """What its SKU is made of where it has none."""


Reader = Callable[[Iterable[Row], Columns, Sequence[str], Notes], Iterator[Raw]]


@dataclass(frozen=True, slots=True)
class Preset:
    name: str
    aliases: Mapping[str, Sequence[str]]
    """Usual headers by field, best first; beside FIELDS the preset's own."""
    read: Reader
    signature: Sequence[frozenset[str]] = ()
    """Folded headers; a file that has all of one set is of this kind."""

    def fits(self, header: Sequence[str]) -> bool:
        names = {folded(name) for name in header}
        return any(wanted <= names for wanted in self.signature)


def cell(row: Row, columns: Columns, name: str) -> Cell:
    at = columns.places.get(name)
    return None if at is None else row.cells[at]


def plain(value: Cell) -> str:
    """A cell as trimmed text, only to look at what is in it."""
    return "" if value is None else " ".join(str(value).split())


def known_cells(row: Row, columns: Columns) -> dict[str, Cell]:
    """The cells of FIELDS that have a column."""
    return {name: row.cells[columns.places[name]] for name in FIELDS if name in columns.places}


def slug(text: str) -> str:
    """Letters and digits joined by hyphens."""
    return re.sub(r"[^\w]+", "-", text, flags=re.UNICODE).strip("-_")


GENERIC_ALIASES: dict[str, Sequence[str]] = {
    "sku": (
        "SKU", "Stock code", "Product code", "Item code", "Article code", "Article number", "Article no", "Item number",
        "Item no", "Part number", "Product number", "Style code", "IPN", "Variant SKU", "Article", "Artikelnummer",
        "Artikelnr", "Référence", "Referencia", "Codice", "Code", "Item SKU", "PLU", "Stock keeping unit", "Part",
    ),
    "name": (
        "Name", "Product name", "Item name", "Product title", "Title", "Product", "Item", "Part name", "Article name",
        "Short description", "Product description", "Item description", "Description", "Bezeichnung", "Artikelname",
        "Designation", "Nom", "Nombre", "Nome",
    ),
    "barcode": (
        "Barcode", "GTIN", "EAN", "EAN13", "EAN-13", "UPC", "GTIN, UPC, EAN, or ISBN", "EAN code", "UPC code", "ISBN",
        "Bar code", "Barcodes", "Strichcode", "Code barres", "Variant barcode",
    ),
    "category": (
        "Category", "Category name", "Product category", "Categories", "Product type", "Department", "Group",
        "Product group", "Warengruppe", "Kategorie", "Catégorie", "Categoría", "Categoria", "Type",
    ),
    "supplier": (
        "Supplier", "Supplier name", "Vendor", "Vendor name", "Default vendor name", "Lieferant", "Fournisseur",
        "Proveedor", "Fornitore",
    ),
    "unit": ("Unit", "Units", "UOM", "Unit of measure", "Einheit", "Unité", "Unidad"),
    "cost": (
        "Cost", "Cost price", "Unit cost", "Cost per item", "Purchase price", "Buying price", "Buy price",
        "Wholesale price", "Supply price", "Einkaufspreis", "EK", "Default unit cost", "Prix d'achat",
        "Precio de compra", "Landed cost", "Base cost", "EK-Preis", "EK netto", "Einkaufspreis netto",
    ),
    "list_price": (
        "List price", "Price", "Unit price", "Selling price", "Sales price", "Retail price", "Regular price",
        "Sell price", "RRP", "Gross price", "Verkaufspreis", "VK", "Preis", "Prix", "Prix de vente", "Precio",
        "Precio de venta", "Prezzo", "Variant price", "Price (incl. tax)", "Price (inc VAT)", "Price inc VAT",
        "VK-Preis", "VK brutto", "Verkaufspreis brutto", "Bruttopreis",
    ),
    "tax_rate": (
        "Tax rate", "Tax", "VAT", "VAT rate", "Tax %", "VAT %", "Tax percent", "GST", "MwSt", "Steuersatz", "TVA",
        "IVA", "Taux TVA",
    ),
    "active": ("Active", "Status", "Enabled", "Is active", "Published", "For sale", "Aktiv"),
    "stock": (
        "Stock", "Quantity", "Stock quantity", "Quantity on hand", "On hand", "Qty", "Qty on hand", "Units in stock",
        "In stock", "Stock on hand", "Current stock", "Stock level", "Inventory", "Available", "Bestand",
        "Lagerbestand", "Quantité", "Cantidad", "Existencias", "Giacenza", "Menge", "On hand (current)",
        "Current quantity",
    ),
    "location": ("Location", "Location code", "Shelf", "Bin", "Storage location", "Lagerplatz", "Emplacement"),
    "id": ("ID", "Product ID", "Item ID", "Variant ID", "PK", "Token"),
    "discontinued": ("Discontinued", "Archived", "Inactive", "Is discontinued"),
}  # fmt: skip


def read_generic(rows: Iterable[Row], columns: Columns, header: Sequence[str], notes: Notes) -> Iterator[Raw]:
    unused = [name for at, name in enumerate(header) if name and at not in columns.places.values()]
    if unused:
        notes.say(f"columns not used: {', '.join(unused)[:300]} (--map takes one for a field)")
    several = "category" in columns.places and folded(header[columns.places["category"]]) == "categories"
    for row in rows:
        cells = known_cells(row, columns)
        if several:
            cells["category"] = plain(cells["category"]).split(",")[0]
        if (gone := plain(cell(row, columns, "discontinued")).lower()) and "active" not in columns.places:
            cells["active"] = "no" if gone not in ("0", "no", "n", "false", "f", "0.0") else "yes"
        yield Raw(row, cells, {plain(cells.pop("location", None)): cells.pop("stock")} if "stock" in cells else {})


GENERIC = Preset("generic", GENERIC_ALIASES, read_generic)
