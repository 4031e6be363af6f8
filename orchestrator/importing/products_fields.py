"""One product of a file: its cells turned into values, and what to do about those that are wrong. Pure.

What the product can't be without or would be wrong with (SKU, name, price) refuses the row. What else is wrong is left
out and noted: a shop that moves in must not lose a product over its barcode.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from stdnum import ean, isbn

from shop_assistant.money import BOOKABLE, round_money
from shop_assistant.tables.reading import Row
from shop_assistant.tables.table import Cell
from shop_assistant.tables.values import code_of, decimal_of, text_of

from .presets import Raw, plain
from .products_notes import Notes
from .skus import sku_of_name

LONGEST_SKU, LONGEST_NAME, LONGEST_CATEGORY, LONGEST_SUPPLIER, LONGEST_LOCATION = 64, 200, 100, 200, 32
MOST_STOCK = Decimal("9999999999")
_YES = {"1", "true", "t", "yes", "y", "active", "on", "published", "x", "ja", "oui", "si", "enabled", "live", "1.0"}
_NO = {
    "0",
    "-1",
    "false",
    "f",
    "no",
    "n",
    "inactive",
    "off",
    "draft",
    "archived",
    "disabled",
    "unlisted",
    "nein",
    "0.0",
}
_UNITS = {
    "piece": "piece pieces pc pcs each ea unit units item items stk stück stuck st szt ud uds pz pièce",
    "kg": "kg kgs kilo kilos kilogram kilograms kilogramm",
    "l": "l lt ltr liter liters litre litres",
    "m": "m meter meters metre metres mtr",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_BARCODE_PARTS = re.compile(r"[,;/|\s]+")
_FLOAT = re.compile(r"^(\d+)\.0+$")
"""A whole number as programs write it that take every number for a fraction."""


@dataclass(slots=True)
class ProductRow:
    """What a file tells of a product; None is not told."""

    row: Row
    sku: str
    name: str | None = None
    barcode: str | None = None
    category: str | None = None
    supplier: str | None = None
    unit: str | None = None
    cost: Decimal | None = None
    list_price: Decimal | None = None
    tax_rate: Decimal | None = None
    active: bool | None = None
    stocks: dict[str, Decimal] = field(default_factory=dict)
    """By location; "" where the file names none."""

    def add_stock(self, place: str, stock: Decimal) -> None:
        """Locations are the same in any case."""
        known = next((own for own in self.stocks if own.lower() == place.lower()), place)
        self.stocks[known] = self.stocks.get(known, Decimal(0)) + stock


@dataclass(frozen=True, slots=True)
class Habits:
    """What the whole file says of its numbers."""

    currency: str
    commas: Mapping[str, bool | None]
    """By field: whether the decimal mark is a comma."""
    tax_as_fraction: bool = False
    """0.2 for 20 percent."""
    sku_from_id: bool = False
    """No column for the SKU: the other program's number is it."""


def product_row(raw: Raw, habits: Habits, notes: Notes) -> ProductRow:
    """:raises ValueError: why the row can't be taken."""
    if raw.row.problem:
        raise ValueError(raw.row.problem)
    line, cells = raw.row.number, raw.cells

    def optional(what: str, read: Callable[[], Decimal | None]) -> Decimal | None:
        try:
            return read()
        except ValueError as error:
            notes.add(f"{what} left out", line, str(error))
            return None

    barcode = _barcode(cells.get("barcode"), line, notes)
    name = _name(cells.get("name"), line, notes)
    product = ProductRow(
        row=raw.row,
        sku=_sku(raw, habits, barcode, name, notes),
        name=name,
        barcode=barcode,
        category=_short(cells.get("category"), LONGEST_CATEGORY, "category", line, notes),
        supplier=_short(cells.get("supplier"), LONGEST_SUPPLIER, "supplier", line, notes),
        unit=_unit(cells.get("unit"), line, notes),
        cost=optional("cost", lambda: _cost(cells.get("cost"), habits)),
        list_price=_price(cells.get("list_price"), habits, line, notes),
        tax_rate=optional("tax rate", lambda: _tax_rate(cells.get("tax_rate"), habits)),
        active=_active(cells.get("active"), line, notes),
    )
    for place, stock in _stocks(raw, habits, notes):
        product.add_stock(place, stock)
    return product


def gtin_of(text: str) -> str | None:
    """The GTIN in a text, without spaces and hyphens; an ISBN-10 as its ISBN-13, and with the zero that a spreadsheet
    took from the front of a UPC. None when there is none that is valid.
    """
    code = re.sub(r"[\s\-]", "", text).upper()
    if len(code) == 10 and isbn.is_valid(code):
        return str(isbn.to_isbn13(code))
    for digits in (code, code.zfill(12)) if len(code) == 11 else (code,):
        if digits.isascii() and digits.isdigit() and len(digits) in (8, 12, 13, 14) and ean.is_valid(digits):
            return digits if int(digits) else None
    return None


def without_percent(cell: Cell) -> Cell:
    return cell.replace("%", "") if isinstance(cell, str) else cell


def is_status(cell: Cell) -> bool:
    """Whether it says of a product that it is for sale, or that it is not."""
    return plain(cell).lower() in _YES | _NO


def _sku(raw: Raw, habits: Habits, barcode: str | None, name: str | None, notes: Notes) -> str:
    try:
        sku = code_of(raw.cells.get("sku"))
        own = code_of(raw.cells.get("id"))
    except ValueError as error:
        raise ValueError(f"SKU: {error}") from None
    if habits.sku_from_id:
        sku = own
    made = f"ID-{own}" if own else raw.fallback or barcode or (sku_of_name(name) if name else "")
    if not sku and made:
        sku = made if len(made) <= LONGEST_SKU else f"{made[: LONGEST_SKU - 9]}-{_digest(made)}"
        notes.add("has no SKU, was given one", raw.row.number, sku)
    if not sku:
        raise ValueError("has no SKU, barcode or name")
    if len(sku) > LONGEST_SKU:
        raise ValueError(f"SKU has {len(sku)} characters, {LONGEST_SKU} at most: shorten it")
    return sku


def _digest(text: str) -> str:
    return hashlib.sha256(text.casefold().encode()).hexdigest()[:8]


def _name(cell: Cell, line: int, notes: Notes) -> str | None:
    try:
        name = text_of(cell)
    except ValueError as error:
        raise ValueError(f"name: {error}") from None
    if len(name) > LONGEST_NAME:
        notes.add(f"name cut to {LONGEST_NAME} letters", line, name)
        cut = name[: LONGEST_NAME - 1]
        name = f"{cut.rsplit(' ', 1)[0] if ' ' in cut[-40:] else cut}…"
    return name or None


def _barcode(cell: Cell, line: int, notes: Notes) -> str | None:
    try:
        text = code_of(cell)
    except ValueError as error:
        notes.add("barcode left out", line, str(error))
        return None
    if not text or text.lower() in ("n/a", "none", "0", "-", "null", "does not apply"):
        return None
    text = _FLOAT.sub(r"\1", text)
    if whole := gtin_of(text):
        return whole
    valid = [found for part in _BARCODE_PARTS.split(text) if (found := gtin_of(part))]
    if not valid:
        notes.add("barcode left out, no valid GTIN (8, 12, 13 or 14 digits with a right check digit)", line, text)
        return None
    if len(valid) > 1:
        notes.add("has several barcodes, the first was taken", line, text)
    return valid[0]


def _short(cell: Cell, longest: int, what: str, line: int, notes: Notes) -> str | None:
    try:
        text = text_of(cell)
    except ValueError as error:
        notes.add(f"{what} left out", line, str(error))
        return None
    if len(text) > longest:
        notes.add(f"{what} cut to {longest} letters", line, text)
        text = text[: longest - 1].rstrip() + "…"
    return text or None


def _unit(cell: Cell, line: int, notes: Notes) -> str | None:
    word = re.sub(r"[^\w].*", "", plain(cell).lower().lstrip(".")).strip("_")
    if not word or word in ("null", "nan"):
        return None
    if word not in _UNIT_OF:
        notes.add("unit unknown, taken as pieces", line, plain(cell))
        return "piece"
    return _UNIT_OF[word]


def _price(cell: Cell, habits: Habits, line: int, notes: Notes) -> Decimal | None:
    try:
        price = decimal_of(cell, comma=habits.commas.get("list_price"))
    except ValueError as error:
        raise ValueError(f"price: {error}") from None
    if price is None:
        return None
    if price < 0:
        raise ValueError(f"price {price} is negative")
    if price >= BOOKABLE:
        raise ValueError(f"price {price} is too large")
    rounded = round_money(price, habits.currency)
    if rounded != price:
        notes.add(f"price rounded to {habits.currency}", line, f"{price} to {rounded}")
    return rounded


def _cost(cell: Cell, habits: Habits) -> Decimal | None:
    """Four decimals; zero is how programs write that they don't know it."""
    cost = decimal_of(cell, comma=habits.commas.get("cost"))
    if cost is None or cost == 0:
        return None
    if not 0 < cost < BOOKABLE:
        raise ValueError(f"{cost} can't be a cost")
    return cost.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _tax_rate(cell: Cell, habits: Habits) -> Decimal | None:
    rate = decimal_of(without_percent(cell), comma=habits.commas.get("tax_rate"))
    if rate is None:
        return None
    rate = rate * 100 if habits.tax_as_fraction else rate
    if not 0 <= rate <= 100:
        raise ValueError(f"{rate} is no percentage")
    return rate.quantize(Decimal("0.001"), ROUND_HALF_UP)


def _active(cell: Cell, line: int, notes: Notes) -> bool | None:
    text = plain(cell).lower()
    if text and not is_status(text):
        notes.add("status unknown, left out", line, text)
    return True if text in _YES else False if text in _NO else None


def _stocks(raw: Raw, habits: Habits, notes: Notes) -> Iterator[tuple[str, Decimal]]:
    for place, cell in raw.stocks.items():
        try:
            stock = decimal_of(cell, comma=habits.commas.get("stock"))
            if stock is not None and stock > MOST_STOCK:
                raise ValueError(f"{stock} is too large")
        except ValueError as error:
            notes.add("stock left out", raw.row.number, str(error))
            continue
        if stock is None:
            continue
        if stock < 0:
            notes.add("negative stock, taken as 0", raw.row.number, str(stock))
            stock = Decimal(0)
        yield _FLOAT.sub(r"\1", place)[:LONGEST_LOCATION].strip(), stock.quantize(Decimal("0.001"), ROUND_HALF_UP)
