"""Makes products.csv and invoices.csv.gz beside this file from the "Online Retail II" data, the year 2009-2010.

Only needed to change the extract. The shop doesn't need pyarrow, so it isn't in requirements; from the project's
folder, with the sheet "Year 2009-2010" of UCI data set 502 (doi 10.24432/C5CG6D) saved as a parquet file whose
columns are invoice, stock_code, description, quantity, invoice_ts, unit_price and customer_id:

    python3.11 -m venv /tmp/extract && /tmp/extract/bin/pip install pyarrow
    /tmp/extract/bin/python -m shop_assistant.demo.make_extract SOURCE.parquet

The same source gives the same rows. ATTRIBUTION.md says in words what is done here.
"""

import csv
import gzip
import hashlib
import io
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

FOLDER = Path(__file__).parent
PRODUCT = re.compile(r"\d{5}[A-Z]{0,2}")
"""Stock codes of goods; the others are postage, fees, vouchers and corrections."""

WHOLESALE = 500
"""Lines of more pieces than this are left out: they are the trade of a wholesaler, not of a shop."""

PRICE_RANGE = 4
"""Lines at more than this many times a product's median price, or less than its fraction, are keying errors."""

COST_SHARE = Decimal("0.55")
"""Assumed cost of one piece as a share of its list price; the source has no costs."""

ON_SALE_BY, ON_SALE_AFTER = date(2010, 6, 1), date(2010, 9, 9)
"""A product is eligible if it was sold both before the first and after the second."""

AUTUMN = (9, 10, 11, 12)
WANTED = {"fast": 40, "seasonal": 50, "regular": 100, "intermittent": 110}

CATEGORIES = (
    ("Christmas", r"CHRISTMAS|XMAS|REINDEER|SNOW|TREE DECORATION|ADVENT|BAUBLE|WREATH|TINSEL|SLEIGH|HOLLY"),
    ("Children", r"TOY|DOLL|GAME|CHILD|BABY|PLAY|PUZZLE|JIGSAW|CIRCUS|SPACEBOY|DINOSAUR|SKIPPING|GLIDER|PARTY|LUDO"),
    ("Children", r"BALLOON|CRAYON|DRAWING|MODELLING|FLYING DISC|PONY|HELICOPTER|FARMYARD|TIARA|PIGGY"),
    ("Bags and Purses", r"BAGS?\b|SHOPPER|PURSE|RUCKSACK|CASES|UMBRELLA"),
    ("Lights and Candles", r"T-LIGHT|CANDLE|LANTERN|LIGHTS\b|LAMP|INCENSE"),
    (
        "Kitchen",
        r"NAPKIN|MUG|CUP|BOWL|PLATE|\bTEA\b|COFFEE|CAKE|BAKE|BAKING|JAR\b|SPOON|FORK|KITCHEN|LUNCH|DISH|\bPAN\b",
    ),
    (
        "Kitchen",
        r"JUG|OVEN|APRON|RECIPE|EGG|TRAY|COASTER|BREAD|CUTLERY|COOK|TUMBLER|DOILEY|TOASTRACK|PLACEMAT|MILKSHAKE",
    ),
    ("Stationery", r"CARD|WRAP|PAPER|RIBBON|PENCIL|\bPENS?\b|BOOK|JOURNAL|STICKER|ERASER|TAPE\b|CHALK|STAMP|ENVELOPE"),
    ("Jewellery", r"NECKLACE|BRACELET|EARRING|\bRING\b|BROOCH|SCARF|HAIR"),
    ("Garden", r"GARDEN|PLANT|WATERING|BIRD|FLOWER ?POT|GROW YOUR|HAMMOCK|PARASOL|BUNTING|BARBECUE"),
    ("Home", r"CUSHION|CLOCK|FRAME|MIRROR|DOOR|HOOK|DRAWER|KNOB|SIGN\b|CABINET|BASKET|\bBOX|HOLDER|HOT WATER|HANGER"),
    ("Home", r"RACK\b|TOWEL|THROW|FILLER PAD|SOAP|LAUNDRY|WASHING|ORGANISER|CHEST|HOTTIE|\bTINS?\b"),
)
KEEP_UPPER = {"DIY", "TV", "UK", "USA", "WC"}


@dataclass(frozen=True, slots=True)
class Line:
    invoice: str
    sku: str
    time: datetime
    quantity: int
    price: Decimal
    customer: int | None
    returns: str = ""


def main(source: Path) -> None:
    sold, cancelled, descriptions = source_lines(source)
    chosen = choose(sold)
    sales = merged(line for line in sold if line.sku in chosen)
    returns = merged(matched([line for line in cancelled if line.sku in chosen], sales))
    write_products(chosen, [line for line in sold if line.sku in chosen], descriptions)
    write_invoices(sales + returns)
    invoices = {line.invoice for line in sales}
    print(f"{len(chosen)} products, {len(invoices)} invoices, {len(sales)} lines, {len(returns)} return lines")


def source_lines(source: Path) -> tuple[list[Line], list[Line], dict[str, Counter[str]]]:
    """The goods sold, the goods cancelled (quantities positive), and each product's descriptions."""
    import pyarrow.parquet  # here, so that the shop's own tools can look at this file without it

    columns = ["invoice", "stock_code", "description", "quantity", "invoice_ts", "unit_price", "customer_id"]
    table = pyarrow.parquet.read_table(source, columns=columns).to_pydict()
    sold: list[Line] = []
    cancelled: list[Line] = []
    descriptions: dict[str, Counter[str]] = defaultdict(Counter)
    for invoice, code, text, quantity, time, price, customer in zip(*(table[c] for c in columns), strict=True):
        sku, is_return = code.upper(), invoice.startswith("C")
        if not PRODUCT.fullmatch(sku) or price <= 0 or quantity == 0 or is_return != (quantity < 0):
            continue
        if abs(quantity) > WHOLESALE:
            continue
        line = Line(invoice, sku, time, abs(quantity), Decimal(str(price)), customer)
        (cancelled if is_return else sold).append(line)
        if text and not is_return:
            descriptions[sku][" ".join(text.split())] += 1
    return plausible(sold), cancelled, descriptions


def plausible(lines: list[Line]) -> list[Line]:
    prices = defaultdict(list)
    for line in lines:
        prices[line.sku].append(line.price)
    median = {sku: statistics.median(found) for sku, found in prices.items()}
    return [line for line in lines if median[line.sku] / PRICE_RANGE <= line.price <= median[line.sku] * PRICE_RANGE]


def choose(lines: list[Line]) -> dict[str, str]:
    """The chosen products and their kind of demand."""
    by_sku = defaultdict(list)
    for line in lines:
        by_sku[line.sku].append(line)
    kinds: dict[str, list[str]] = defaultdict(list)
    for sku, found in by_sku.items():
        days = {line.time.date() for line in found}
        if min(days) < ON_SALE_BY and max(days) > ON_SALE_AFTER:
            kinds[kind(found, len(days))].append(sku)
    fast = sorted(kinds["fast"], key=lambda sku: (-len(by_sku[sku]), sku))
    chosen = fast[:: len(fast) // WANTED["fast"]][: WANTED["fast"]]  # evenly from the best seller down
    picked = dict.fromkeys(chosen, "fast")
    for name in ("seasonal", "regular", "intermittent"):
        shuffled = sorted(kinds[name], key=lambda sku: hashlib.sha256(sku.encode()).digest())
        picked |= dict.fromkeys(shuffled[: WANTED[name]], name)
    return picked


def kind(lines: list[Line], days: int) -> str:
    autumn = sum(line.time.month in AUTUMN for line in lines) / len(lines)
    if days >= 25 and autumn >= 0.8:
        return "seasonal"
    return "fast" if days >= 200 else "regular" if days >= 80 else "intermittent" if days >= 20 else "rare"


def merged(lines: Iterable[Line]) -> list[Line]:
    """One line for each invoice, product, price and invoice returned; an invoice has its first line's time."""
    pieces: Counter[tuple[str, str, Decimal, str]] = Counter()
    times: dict[str, datetime] = {}
    customers: dict[str, int | None] = {}
    for line in lines:
        pieces[line.invoice, line.sku, line.price, line.returns] += line.quantity
        times[line.invoice] = min(line.time, times.get(line.invoice, line.time))
        customers[line.invoice] = line.customer
    return [
        Line(invoice, sku, times[invoice], quantity, price, customers[invoice], returns)
        for (invoice, sku, price, returns), quantity in pieces.items()
    ]


def matched(cancelled: list[Line], sales: list[Line]) -> Iterator[Line]:
    """The cancellations that fit into the latest earlier sale of the product to this customer at this price."""
    bought = defaultdict(list)
    left: dict[Line, int] = {}
    for sale in sorted(sales, key=lambda sale: (sale.time, sale.invoice), reverse=True):
        bought[sale.customer, sale.sku, sale.price].append(sale)
        left[sale] = sale.quantity
    for line in sorted(cancelled, key=lambda line: (line.time, line.invoice, line.sku)):
        candidates = bought.get((line.customer, line.sku, line.price), []) if line.customer is not None else []
        for sale in candidates:
            if sale.time <= line.time and left[sale] >= line.quantity:
                left[sale] -= line.quantity
                yield replace(line, returns=sale.invoice)
                break


def write_products(chosen: dict[str, str], lines: list[Line], descriptions: dict[str, Counter[str]]) -> None:
    prices = defaultdict(list)
    for line in lines:
        prices[line.sku].append(line.price)
    with (FOLDER / "products.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sku", "name", "category", "demand", "list_price", "assumed_cost"])
        for sku in sorted(chosen):
            description = min(descriptions[sku].items(), key=lambda found: (-found[1], found[0]))[0]
            list_price = min(Counter(prices[sku]).items(), key=lambda found: (-found[1], -found[0]))[0]
            cost = (list_price * COST_SHARE).quantize(Decimal("0.01"), ROUND_HALF_UP)
            row = [sku, title(description), category(description.upper()), chosen[sku]]
            writer.writerow([*row, f"{list_price:.2f}", cost])


def title(description: str) -> str:
    words = (word if word in KEEP_UPPER else word.capitalize() for word in description.strip(" .,").split(" "))
    return re.sub(r"(?<=[-/.(,&\"])[a-z]", lambda letter: letter[0].upper(), " ".join(words))


def category(description: str) -> str:
    return next((name for name, words in CATEGORIES if re.search(words, description)), "Gifts and Decoration")


def write_invoices(lines: list[Line]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["invoice", "sku", "time", "quantity", "unit_price", "customer_id", "returns_invoice"])
    for line in sorted(lines, key=lambda line: (line.time, line.returns, line.invoice, line.sku, line.price)):
        time = f"{line.time:%Y-%m-%dT%H:%M}"
        writer.writerow([line.invoice, line.sku, time, line.quantity, f"{line.price:.2f}", line.customer, line.returns])
    packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    (FOLDER / "invoices.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m shop_assistant.demo.make_extract SOURCE.parquet")
    main(Path(sys.argv[1]))
