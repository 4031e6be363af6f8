"""A file of products, read whole before anything is changed. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from shop_assistant.tables.headers import Columns, MappingError, guess
from shop_assistant.tables.reading import Row, Table, TableError, open_table
from shop_assistant.tables.table import Cell
from shop_assistant.tables.values import comma_of, decimal_of

from .presets import FIELDS, GENERIC, Preset, Raw, plain
from .presets_shopify import SHOPIFY
from .presets_square import SQUARE
from .presets_woocommerce import WOOCOMMERCE
from .products_fields import Habits, ProductRow, gtin_of, is_status, product_row, without_percent
from .products_notes import Notes

PRESETS = {preset.name: preset for preset in (SHOPIFY, WOOCOMMERCE, SQUARE, GENERIC)}
NUMBERS = ("list_price", "cost", "stock", "tax_rate")
KEYS = {"sku", "name", "barcode", "id"}
TELLING = {"sku", "barcode", "list_price", "cost", "stock"}
"""A list without any of these is one of categories, suppliers, customers …"""
KEYS_TOLD = "column for a SKU, or for a name with a price, cost, stock or barcode,"
SAMPLE = 5000
MOST_ROWS = 500_000
"""They are held in memory, at about 1.3 kB each."""
Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, out of how much."""


@dataclass
class Reading:
    preset: Preset
    header: list[str]
    fields: set[str]
    """Those that the file has a column for."""
    products: list[ProductRow] = field(default_factory=list)
    refused: list[tuple[Row, str]] = field(default_factory=list)
    read: int = 0
    notes: Notes = field(default_factory=Notes)


def products_read(
    path: Path,
    *,
    currency: str,
    preset: str | None = None,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Progress,
) -> Reading:
    """Every product of a file, and the rows that are none.

    :raises TableError: when the file can't be read.
    :raises MappingError: for an unknown preset, field or column, or when the columns needed aren't found.
    """
    if preset is not None and preset not in PRESETS:
        raise MappingError(f"There is no preset {preset}; there are {', '.join(PRESETS)}.")
    with open_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet) as table:
        chosen = PRESETS[preset] if preset else next((p for p in PRESETS.values() if p.fits(table.header)), GENERIC)
        columns = guess(table.header, chosen.aliases, mapping)
        _check_columns(columns, table.header, chosen)
        reading = Reading(chosen, table.header, set())
        reading.notes.plain.extend([*table.notes, *(columns.notes if chosen is GENERIC else [])])
        raws = list(chosen.read(_usable(table, reading, progress), columns, table.header, reading.notes))
    if not reading.read:
        raise TableError("The file has a header and nothing below it: export it again.")
    reading.fields = set(columns.places) | ({"stock"} if any(raw.stocks for raw in raws) else set())
    _drop_misfits(raws, mapping or {}, reading)
    _barcodes_from_skus(raws, reading)
    _interpret(raws, table.delimiter, currency, reading)
    return reading


def _check_columns(columns: Columns, header: Sequence[str], preset: Preset) -> None:
    if not KEYS & columns.places.keys() or not TELLING & columns.places.keys():
        shown = ", ".join(name for name in header if name)[:500]
        raise MappingError(
            f"This does not look like a list of products: no {KEYS_TOLD} was found. The columns are {shown}. Say which "
            f"is which, such as --map sku=… --map name=… (fields: {', '.join(FIELDS)})."
        )
    if preset is not GENERIC and "name" not in columns.places:
        raise MappingError(f"This is no {preset.name} export: it lacks the columns of one. Try --preset generic.")


def _usable(table: Table, reading: Reading, progress: Progress) -> Iterator[Row]:
    for row in table:
        reading.read += 1
        if reading.read > MOST_ROWS:
            raise TableError(f"The file has more than {MOST_ROWS:,} rows: cut it into several, each with the header.")
        if reading.read % 1000 == 0:
            progress("reading", row.number, table.size)
        if row.problem:
            reading.refused.append((row, row.problem))
        else:
            yield row
    progress("reading", table.size, table.size)


def _drop_misfits(raws: list[Raw], told: dict[str, str], reading: Reading) -> None:
    """A guessed column that holds something else than its name promises is not used."""

    def cells(name: str) -> Iterator[Cell]:
        for raw in raws:
            yield from raw.stocks.values() if name == "stock" else (raw.cells.get(name),)

    for name in (*NUMBERS, "category", "supplier", "active"):
        sample = [c for c in islice(cells(name), SAMPLE) if plain(c)]
        if name in told or not sample:
            continue
        if name in NUMBERS:
            unfit = sum(1 for c in sample if not _is_number(c)) * 2 > len(sample)
            why = "does not hold numbers"
        elif name == "active":
            unfit = sum(1 for c in sample if not is_status(c)) * 2 > len(sample)
            why = "holds neither yes nor no"
        else:
            unfit = all(plain(c).replace(".0", "").isdigit() for c in sample)
            why = "holds numbers, not names"
        if unfit:
            reading.notes.say(f"the column for {name} {why} (such as {plain(sample[0])[:40]}): not used")
            reading.fields.discard(name)
            for raw in raws:
                raw.cells.pop(name, None)
                if name == "stock":
                    raw.stocks.clear()


def _barcodes_from_skus(raws: list[Raw], reading: Reading) -> None:
    """Shops that have no SKUs of their own use the barcode as one."""
    if "barcode" in reading.fields:
        return
    skus = [text for raw in raws if (text := plain(raw.cells.get("sku")))]
    if skus and sum(1 for sku in skus if gtin_of(sku)) * 5 >= len(skus) * 4:
        reading.notes.say("the SKUs are barcodes: they were taken as both")
        for raw in raws:
            raw.cells["barcode"] = raw.cells.get("sku")
        reading.fields.add("barcode")


def _interpret(raws: list[Raw], delimiter: str, currency: str, reading: Reading) -> None:
    habits = _habits(raws, delimiter, currency)
    known: dict[str, ProductRow] = {}
    for raw in raws:
        try:
            product = product_row(raw, habits, reading.notes)
            first = known.setdefault(product.sku.lower(), product)
            if first is product:
                reading.products.append(product)
            elif "name" in reading.fields and product == replace(first, row=product.row, sku=product.sku):
                reading.notes.skip("the same product in the same words again, skipped", raw.row.number)
            elif raw.stocks and "location" in reading.fields:
                _add_stock(first, product)
                reading.notes.skip("further stock of a product told before, added up", raw.row.number)
            else:
                raise ValueError(f"SKU {product.sku} is that of line {first.row.number} already: give each its own")
        except ValueError as error:
            reading.refused.append((raw.row, str(error)))
    reading.refused.sort(key=lambda refused: refused[0].number)
    if "list_price" not in reading.fields:
        reading.notes.say("no column for the price was found (--map list_price=…)")


def _add_stock(product: ProductRow, more: ProductRow) -> None:
    for place, stock in more.stocks.items():
        product.add_stock(place, stock)


def _habits(raws: list[Raw], delimiter: str, currency: str) -> Habits:
    samples: dict[str, list[Cell]] = {
        name: [raw.cells.get(name) for raw in raws[:SAMPLE]] for name in NUMBERS if name != "stock"
    }
    samples["stock"] = [stock for raw in raws[:SAMPLE] for stock in raw.stocks.values()]
    own = {name: comma_of(cells) for name, cells in samples.items()}
    anywhere = comma_of(cell for cells in samples.values() for cell in cells)
    usual = anywhere if anywhere is not None else True if delimiter == ";" else None
    return Habits(
        currency=currency,
        commas={name: usual if comma is None else comma for name, comma in own.items()},
        tax_as_fraction=_as_fraction(samples["tax_rate"], own["tax_rate"]),
        sku_from_id=not any(plain(raw.cells.get("sku")) for raw in raws),
    )


def _as_fraction(cells: Sequence[Cell], comma: bool | None) -> bool:
    told = [rate for cell in cells if _is_number(cell) and (rate := decimal_of(without_percent(cell), comma=comma))]
    return bool(told) and all(0 < rate < 1 for rate in told)


def _is_number(cell: Cell) -> bool:
    for comma in (None, True, False):
        try:
            decimal_of(without_percent(cell), comma=comma)
        except ValueError:
            continue
        return True
    return False
