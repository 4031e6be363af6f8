"""From the cells of a sales file to lines of sales, or the reason why not. Pure."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from shop_assistant.money import BOOKABLE, round_money
from shop_assistant.tables.moments import Order, moment_of
from shop_assistant.tables.table import Cell, Row
from shop_assistant.tables.values import code_of, decimal_of, text_of

from .sales_cells import CellReader, customer_code, four_places, word
from .sales_fields import NO_SALE, PARTLY, RETURNS, UNDONE
from .sales_model import NOBODY, ZERO, Buyer, Kind, Refused, SaleLine, Seen, mark_of, undone_mark
from .skus import sku_of_name

GRAIN, DUST = Decimal("0.001"), Decimal("0.000001")
MOST_UNITS = Decimal(100_000_000)
"""of one line; more is a keying error or another column"""
LONGEST_NUMBER, LONGEST_SKU, LONGEST_NAME = 56, 64, 200
CANCELLATION = re.compile(r"[Cc](?=\d)")
AHEAD = timedelta(days=1)


@dataclass(slots=True)
class _Head:
    """What the lines of one invoice share; its further lines may leave it out."""

    number: str = ""
    moment: datetime | None = None
    buyer: int = NOBODY
    status: str = ""
    cancelled: Cell = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the file and the shop write and count."""

    columns: Mapping[str, int]
    zone: tzinfo
    """of times in the file"""
    shop_zone: tzinfo
    currency: str
    order: Order
    commas: Mapping[str, bool | None]
    """by field: whether its decimal mark is a comma"""
    pieces: Collection[str]
    """SKUs, in lower case, of which there are no parts"""
    names: Mapping[str, str]
    """SKUs of known products by name, in lower case"""
    now: datetime
    number_of: Callable[[str, str, str], str]
    """a number for lines of sales without one: of day, time and the buyer's identity"""


class Interpreter:
    """Reads rows one after another; remembers buyers, products and the invoice's head."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.buyers: list[Buyer] = []
        self.products: dict[str, Seen] = {}
        self.negative = False
        """whether some quantity was"""
        self.partly_refunded = 0
        self._head = _Head()
        self._places = terms.columns
        reader = CellReader(terms.columns)
        self._cell, self._get, self._once = reader.cell, reader.get, reader.once
        self._buyers: dict[tuple[str, str, str], int] = {}
        self._days: dict[datetime, date] = {}

    def read(self, row: Row) -> Iterator[SaleLine]:
        """One line, and its return where the file says that it was undone later.

        :raises Refused: with the reason.
        """
        if row.problem:
            raise Refused(row.problem)
        cells = row.cells
        head = self._head_of(cells)
        if head.moment is None:
            raise Refused("has no date")
        if head.moment > self.terms.now + AHEAD:
            raise Refused(f"is dated {head.moment:%Y-%m-%d}, in the future")
        if head.currency and head.currency != self.terms.currency:
            raise Refused(f"is in {head.currency}; the shop books in {self.terms.currency}")
        if head.status in NO_SALE:
            raise Refused(f"is of an order that never came to a sale ({head.status})")
        line = self._line(row.number, cells, head)
        yield line
        if line.kind is Kind.SALE and (head.status in UNDONE or head.cancelled):
            yield self._undone(line, head)
        self.partly_refunded += head.status in PARTLY

    def _head_of(self, cells: list[Cell]) -> _Head:
        """The head of this row's invoice, of this row or of rows above."""
        number = self._get(cells, "invoice", code_of) or ""
        moment = self._moment(cells)
        if len(number) > LONGEST_NUMBER:
            raise Refused(f"has an invoice number of more than {LONGEST_NUMBER} characters")
        before = self._head
        follows = bool(before.number) and (number == before.number or (not number and moment is None))
        follows = follows and (moment is None or before.moment is None or self._day(moment) == self._day(before.moment))
        above = before if follows else _Head()
        head = _Head(
            number or above.number,
            moment or above.moment,
            self._buyer(cells, above.buyer),
            self._get(cells, "status", word) or above.status,
            self._cell(cells, "cancelled") or above.cancelled,
            (self._get(cells, "currency", text_of) or above.currency).upper(),
        )
        self._head = head
        return head

    def _line(self, row: int, cells: list[Cell], head: _Head) -> SaleLine:
        sku, name = self._product(cells)
        signed = self._quantity(cells)
        price, amount = self._money(cells, signed)
        if head.moment is None:
            raise Refused("has no date")
        day = self._day(head.moment)
        kind, original = self._kind(cells, head, signed, price)
        key = sku.casefold()
        self._check_pieces(sku, key, signed)
        self._note_product(key, sku, name, price, kind, signed)
        return SaleLine(
            row=row,
            number=head.number or self._numbered(head),
            kind=kind,
            sku=key,
            text=name,
            quantity=abs(signed),
            price=price,
            amount=amount,
            moment=head.moment,
            day=day,
            buyer=head.buyer,
            original=original,
            digest=mark_of(key, signed, price, day),
        )

    def _undone(self, line: SaleLine, head: _Head) -> SaleLine:
        try:
            moment = moment_of(head.cancelled, order=self.terms.order, zone=self.terms.zone) if head.cancelled else None
        except ValueError as error:
            raise Refused(f"has a date of cancellation that can't be read: {error}") from None
        moment = max(moment.astimezone(UTC), line.moment) if moment else line.moment
        return SaleLine(
            line.row, line.number, Kind.RETURN, line.sku, line.text, line.quantity, line.price, line.amount,
            moment, self._day(moment), line.buyer, line.number, undone_mark(line.digest),
        )  # fmt: skip

    def _kind(self, cells: list[Cell], head: _Head, signed: Decimal, price: Decimal) -> tuple[Kind, str]:
        cancellation = CANCELLATION.match(head.number)
        said = head.status in RETURNS
        if signed > 0 and not said:
            return Kind.SALE, ""
        if signed < 0 and not said and not price and head.buyer == NOBODY and not cancellation:
            return Kind.NOTE, ""
        told = self._get(cells, "original", code_of)
        return Kind.RETURN, told or (head.number[1:] if cancellation else head.number)

    def _product(self, cells: list[Cell]) -> tuple[str, str]:
        sku = self._get(cells, "sku", code_of) or ""
        name = (self._get(cells, "description", text_of) or "")[:LONGEST_NAME]
        if not sku and not name:
            raise Refused("has neither a SKU nor a description")
        if len(sku) > LONGEST_SKU:
            raise Refused(f"has a SKU of more than {LONGEST_SKU} characters")
        return sku or self.terms.names.get(name.casefold()) or self._once("name", name, sku_of_name), name

    def _quantity(self, cells: list[Cell]) -> Decimal:
        signed = self._number(cells, "quantity")
        if signed is None:
            raise Refused("has no quantity")
        kept = self._once("units", signed, lambda value: value.quantize(GRAIN) if abs(value) <= MOST_UNITS else None)
        if kept is None:
            raise Refused(f"has a quantity of more than {MOST_UNITS:,}")
        if abs(kept - signed) > DUST:
            raise Refused(f"has a quantity finer than a thousandth ({signed})")
        if not kept:
            raise Refused("has a quantity of 0")
        self.negative = self.negative or kept < 0
        amount: Decimal = kept
        return amount

    def _money(self, cells: list[Cell], signed: Decimal) -> tuple[Decimal, Decimal]:
        """Price of one unit and amount of the line."""
        price = self._number(cells, "unit_price")
        off = self._number(cells, "line_discount")
        if price is None:
            total = self._number(cells, "line_total")
            if total is None:
                raise Refused("has no price")
            if total < 0 < signed and self._head.status not in RETURNS:
                raise Refused(f"has a negative amount ({total})")
            whole = abs(total)
        elif price < 0:
            raise Refused(f"has a negative price ({price})")
        else:
            whole = price * abs(signed) - abs(off or ZERO)
            if whole < 0:
                raise Refused(f"has a discount ({off}) above its price")
        if whole * 2 >= BOOKABLE or (price or ZERO) >= BOOKABLE:
            raise Refused(f"has an amount that is too large to be booked ({whole})")
        if price is None or off:
            price = whole / abs(signed)
        return self._once("price", price, four_places), round_money(whole, self.terms.currency)

    def _number(self, cells: list[Cell], name: str) -> Decimal | None:
        comma = self.terms.commas.get(name)
        found: Decimal | None = self._get(cells, name, lambda cell: decimal_of(cell, comma=comma))
        return found

    def _check_pieces(self, sku: str, key: str, signed: Decimal) -> None:
        if signed % 1 and key in self.terms.pieces:
            raise Refused(
                f"has {signed.normalize():f} of {sku}, which is counted in pieces: give it another unit first"
            )

    def _note_product(self, key: str, sku: str, name: str, price: Decimal, kind: Kind, signed: Decimal) -> None:
        seen = self.products.get(key)
        if seen is None:
            seen = self.products[key] = Seen()
        seen.skus[sku] += 1
        if kind is Kind.SALE and price:
            seen.prices[price] += 1
            if name:
                seen.names[name] += 1
        elif name:
            seen.other_names[name] += 1
        if signed % 1:
            seen.fractional = True

    def _buyer(self, cells: list[Cell], above: int) -> int:
        code = self._get(cells, "customer", customer_code) or ""
        email = self._get(cells, "email", text_of) or ""
        name = self._get(cells, "customer_name", text_of) or ""
        if not code and not email and not name:
            return above
        key = (code, email.casefold(), name)
        found = self._buyers.get(key)
        if found is None:
            phone = self._get(cells, "phone", text_of) or ""
            country = self._get(cells, "country", text_of) or ""
            found = self._buyers[key] = len(self.buyers)
            self.buyers.append(Buyer(code, email, name, phone, country))
        return found

    def _numbered(self, head: _Head) -> str:
        if head.moment is None:
            raise Refused("has no date")
        local = head.moment.astimezone(self.terms.shop_zone)
        buyer = self.buyers[head.buyer] if head.buyer != NOBODY else Buyer()
        who = buyer.code or buyer.email.casefold() or buyer.name
        return self.terms.number_of(f"{local:%Y%m%d}", f"{local:%H%M%S}", who)

    def _moment(self, cells: list[Cell]) -> datetime | None:
        day, clock = self._cell(cells, "date"), self._cell(cells, "time")
        if day in (None, "") and "date" in self._places:
            return None
        try:
            if "date" in self._places and clock not in (None, ""):
                return self._once("moment", (day, clock), self._joined)
            return self._once("moment", day if "date" in self._places else clock, self._aware)
        except ValueError as error:
            raise Refused(f"has a date that can't be read: {error}") from None

    def _joined(self, parts: tuple[Cell, Cell]) -> datetime | None:
        day = moment_of(parts[0], order=self.terms.order, zone=self.terms.zone)
        if isinstance(parts[1], float | Decimal) and 0 <= parts[1] < 1:
            clock = datetime(2000, 1, 1) + timedelta(seconds=round(float(parts[1]) * 86400))
        elif isinstance(parts[1], datetime):
            clock = parts[1]
        else:
            clock = moment_of(f"2000-01-01 {text_of(parts[1])}", zone=self.terms.zone) or datetime(2000, 1, 1)
        if day is None:
            return None
        return day.replace(hour=clock.hour, minute=clock.minute, second=clock.second).astimezone(UTC)

    def _aware(self, cell: Cell) -> datetime | None:
        """UTC. A local time that the change to summer time leaves out is the same time by the clock of before it; one
        that comes twice in autumn is the first."""
        moment = moment_of(cell, order=self.terms.order, zone=self.terms.zone)
        return moment.astimezone(UTC) if moment else None

    def _day(self, moment: datetime) -> date:
        found = self._days.get(moment)
        if found is None:
            found = self._days[moment] = moment.astimezone(self.terms.shop_zone).date()
        return found
