"""Files of suppliers, their offers and what to order from them: what the columns mean, and the rows as values. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shop_assistant.tables.headers import Columns
from shop_assistant.tables.reading import Row
from shop_assistant.tables.table import Cell
from shop_assistant.tables.values import code_of, comma_of, decimal_of, text_of

_SKU = ("SKU", "Product code", "Item code", "Article number", "Our number", "Internal reference", "Artikelnummer")
_SUPPLIER = ("Supplier", "Supplier code", "Vendor", "Vendor name", "Supplier name", "Lieferant", "Fournisseur")
_THEIRS = (
    "Supplier SKU",
    "Supplier's SKU",
    "Supplier part number",
    "Vendor SKU",
    "Vendor product code",
    "Their number",
)
_COST = ("Unit cost", "Cost", "Price", "Purchase price", "Unit price", "Einkaufspreis", "EK")
_LEAD = ("Lead time days", "Lead time", "Delivery lead time", "Lieferzeit")
_YES = {"1", "true", "yes", "y", "x", "ja", "oui", "si", "on"}
_NO = {"0", "false", "no", "n", "nein", "non", "off"}
Read = Callable[[Cell, bool | None], Any]
"""A cell and whether its column's decimal mark is a comma; raises ValueError."""


@dataclass(frozen=True, slots=True)
class Field:
    aliases: Sequence[str]
    read: Read
    needed: bool = False
    number: bool = False


@dataclass(frozen=True, slots=True)
class RowOf:
    """A row of the file as values; a field that the file leaves empty is None."""

    row: Row
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)


def _text(longest: int) -> Read:
    def read(cell: Cell, comma: bool | None) -> str | None:
        text = text_of(cell)
        if len(text) > longest:
            raise ValueError(f"has {len(text)} characters, {longest} at most")
        return text or None

    return read


def _code(longest: int) -> Read:
    def read(cell: Cell, comma: bool | None) -> str | None:
        code = code_of(cell)
        if len(code) > longest:
            raise ValueError(f"has {len(code)} characters, {longest} at most")
        return code or None

    return read


def _number(places: int, *, low: str = "0", high: str = "9999999999", above: bool = False) -> Read:
    def read(cell: Cell, comma: bool | None) -> Decimal | None:
        value = decimal_of(cell.replace("%", "") if isinstance(cell, str) else cell, comma=comma)
        if value is None:
            return None
        if not Decimal(low) <= value <= Decimal(high) or (above and value == Decimal(low)):
            raise ValueError(f"{value} must be {'above' if above else 'from'} {low} and up to {high}")
        if value != round(value, places):
            raise ValueError(f"{value} has more than {places} decimals")
        return value

    return read


def _whole(high: int) -> Read:
    number = _number(0, high=str(high))

    def read(cell: Cell, comma: bool | None) -> int | None:
        value = number(cell, comma)
        return None if value is None else int(value)

    return read


def _flag(cell: Cell, comma: bool | None) -> bool | None:
    text = text_of(cell).lower()
    if text and text not in _YES | _NO:
        raise ValueError(f"{text[:20]!r} is neither yes nor no")
    return (text in _YES) if text else None


def _day(cell: Cell, comma: bool | None) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    text = text_of(cell)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{text[:20]!r} is no day: write it as 2026-12-31") from None


SUPPLIERS: Mapping[str, Field] = {
    "code": Field(("Code", "Supplier code", "Number", "Vendor code"), _code(32)),
    "name": Field(("Name", "Supplier", "Supplier name", "Company", "Vendor", "Lieferant"), _text(200)),
    "email": Field(("Email", "E-mail", "Mail"), _text(254)),
    "phone": Field(("Phone", "Telephone", "Telefon", "Tel"), _text(40)),
    "lead_time_days": Field(_LEAD, _whole(3650), number=True),
    "lead_time_spread": Field(("Lead time spread", "Lead time deviation"), _number(2, high="999"), number=True),
    "over_delivery": Field(
        ("Over delivery", "Tolerance", "Over delivery percent"), _number(3, high="100"), number=True
    ),
    "active": Field(("Active", "Enabled"), _flag),
}
SUPPLIER_PRODUCTS: Mapping[str, Field] = {
    "supplier": Field(_SUPPLIER, _text(200), needed=True),
    "supplier_sku": Field(_THEIRS, _code(64)),
    "sku": Field(_SKU, _code(64), needed=True),
    "from_quantity": Field(("From quantity", "Break quantity", "From"), _number(3), number=True),
    "unit_cost": Field(_COST, _number(4), needed=True, number=True),
    "pack_size": Field(("Pack size", "Pack", "Units a pack"), _number(3, above=True), number=True),
    "minimum_order": Field(("Minimum order", "MOQ", "Minimum order quantity"), _number(3), number=True),
    "lead_time_days": Field(_LEAD, _whole(3650), number=True),
    "preferred": Field(("Preferred", "Default", "Main supplier"), _flag),
}
PURCHASE_ORDERS: Mapping[str, Field] = {
    "order": Field(("Order", "Purchase order", "Order number", "PO", "PO number"), _code(64), needed=True),
    "supplier": Field(_SUPPLIER, _text(200), needed=True),
    "sku": Field(_SKU, _code(64), needed=True),
    "quantity": Field(("Quantity", "Qty", "Ordered", "Menge"), _number(3, above=True), needed=True, number=True),
    "unit_cost": Field(_COST, _number(4), number=True),
    "expected_on": Field(("Expected on", "Expected", "Due", "Delivery date", "Date expected"), _day),
}
KINDS: Mapping[str, Mapping[str, Field]] = {
    "suppliers": SUPPLIERS,
    "supplier_products": SUPPLIER_PRODUCTS,
    "purchase_orders": PURCHASE_ORDERS,
}


def rows_read(
    rows: Sequence[Row], columns: Columns, fields: Mapping[str, Field], refused: list[tuple[Row, str]]
) -> Iterator[RowOf]:
    """Rows as values; those that can't be used are added to `refused` with the reason."""
    commas = {
        name: comma_of(row.cells[at] for row in rows) if fields[name].number else None
        for name, at in columns.places.items()
    }
    for row in rows:
        try:
            yield _read(row, columns, fields, commas)
        except ValueError as error:
            refused.append((row, str(error)))


def _read(row: Row, columns: Columns, fields: Mapping[str, Field], commas: Mapping[str, bool | None]) -> RowOf:
    if row.problem:
        raise ValueError(row.problem)
    values = {}
    for name, at in columns.places.items():
        try:
            values[name] = fields[name].read(row.cells[at], commas[name])
        except ValueError as error:
            raise ValueError(f"{name.replace('_', ' ')}: {error}") from None
    if missing := [name for name, field in fields.items() if field.needed and values.get(name) is None]:
        raise ValueError(f"has no {' and no '.join(missing).replace('_', ' ')}")
    return RowOf(row, values)
