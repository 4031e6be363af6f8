"""What passes between the steps of an import of sales. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from hashlib import blake2b

ZERO = Decimal(0)
MARK_BYTES = 8
NOBODY = -1
"""Stands for the buyer where there is none."""


class Kind(IntEnum):
    """In the order in which lines of one moment are booked."""

    SALE = 0
    RETURN = 1
    NOTE = 2
    """Goods that went without a sale: damaged, lost."""


@dataclass(slots=True, eq=False)
class SaleLine:
    row: int
    number: str
    """of the invoice"""
    kind: Kind
    sku: str
    """in lower case: the key under which products are found"""
    text: str
    """the description"""
    quantity: Decimal
    """positive, whatever the kind"""
    price: Decimal
    """of one unit, four decimals"""
    amount: Decimal
    """of the line, in whole minor units"""
    moment: datetime
    """UTC"""
    day: date
    """the shop's"""
    buyer: int
    original: str
    """of returns: the invoice that sold it, '' where unknown"""
    digest: bytes
    """what recognises the line when the file comes again"""
    balance: Decimal = ZERO
    """on hand afterwards, when it has been planned"""

    @property
    def moved(self) -> Decimal:
        return self.quantity if self.kind is Kind.RETURN else -self.quantity


@dataclass(frozen=True, slots=True)
class Buyer:
    """As the file names them; '' for what it doesn't say."""

    code: str = ""
    email: str = ""
    name: str = ""
    phone: str = ""
    country: str = ""


@dataclass(slots=True)
class Seen:
    """What a file says of a product."""

    skus: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    other_names: Counter[str] = field(default_factory=Counter)
    """of lines without a price: often notes"""
    prices: Counter[Decimal] = field(default_factory=Counter)
    fractional: bool = False


class Refused(ValueError):
    """This line can't be used; the message goes on after its number."""


@dataclass(slots=True, eq=False)
class Item:
    """A product, stored or to be."""

    sku: str
    pk: int | None = None
    in_pieces: bool = True
    cost: Decimal | None = None
    tax_rate: Decimal = ZERO
    name: str = ""
    list_price: Decimal = ZERO
    location: int | None = None


def mark_of(key: str, signed: Decimal, price: Decimal, day: date) -> bytes:
    """What recognises a line within its invoice: product, signed quantity, price and day."""
    mark = f"{key}|{signed.normalize()}|{price.normalize()}|{day}"
    return blake2b(mark.encode(), digest_size=MARK_BYTES).digest()


def undone_mark(mark: bytes) -> bytes:
    """What recognises the return of a line whose order was refunded or cancelled."""
    return blake2b(mark, digest_size=MARK_BYTES).digest()
