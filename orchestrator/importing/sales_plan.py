"""From new lines to batches of orders, returns and movements, in the order of their time. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

from shop_assistant.money import BOOKABLE

from .sales_model import NOBODY, ZERO, Kind, SaleLine
from .sales_returns import ByBuyer, ByInvoice, Sales, Sold

T = TypeVar("T")
MOST_LINES = 32_767
"""of one order: what the number of a line holds"""


@dataclass(slots=True, eq=False)
class NewOrder:
    reference: str
    moment: datetime
    buyer: int
    lines: list[SaleLine]
    sold: dict[int, Sold] = field(default_factory=dict)
    """Lines, by their place here, that some return may belong to."""
    pk: int | None = None


@dataclass(slots=True, eq=False)
class Back:
    """Goods that came back, of one sold line; of an unknown one where `sold` is None."""

    line: SaleLine
    quantity: Decimal
    sold: Sold | None
    balance: Decimal = ZERO

    @property
    def moment(self) -> datetime:
        return self.line.moment

    @property
    def moved(self) -> Decimal:
        return self.quantity


@dataclass(slots=True, eq=False)
class NewReturn:
    reference: str
    moment: datetime
    order: Any
    """NewOrder, or a stored order's primary key, or None: sold before the records began"""
    backs: list[Back]


@dataclass(slots=True)
class Taken:
    """What a batch takes from one invoice."""

    marks: bytearray = field(default_factory=bytearray)
    parts: int = 0


@dataclass(slots=True)
class Batch:
    orders: list[NewOrder] = field(default_factory=list)
    returns: list[NewReturn] = field(default_factory=list)
    notes: list[SaleLine] = field(default_factory=list)
    taken: dict[str, Taken] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    """of the file"""
    size: int = 0
    """lines"""

    def moves(self) -> Iterator[SaleLine | Back]:
        """Everything that moves goods, in the order of its time."""
        sold = (line for order in self.orders for line in order.lines)
        back = (back for made in self.returns for back in made.backs)
        return iter(sorted([*sold, *back, *self.notes], key=attrgetter("moment")))


@dataclass(slots=True, eq=False)
class _Bundle:
    """Lines of one invoice, day, buyer and kind. It is stored whole or not at all."""

    number: str
    kind: Kind
    buyer: int
    moment: datetime
    lines: list[SaleLine]


def batches(
    lines: Sequence[SaleLine],
    *,
    who: Callable[[int], int],
    sales: Callable[[list[SaleLine]], Sales],
    parts: Mapping[str, int],
    bundles_each: int,
    lines_each: int,
) -> list[Batch]:
    """Plan the new lines of a file; fills in their `moment`, which is that of their order.

    :param who: the customer of a line's buyer; NOBODY for a walk-in.
    :param sales: given the returns, the stored sales that they may belong to.
    :param parts: by invoice, how many orders and returns earlier imports made of it.
    """
    bundles = _bundles(lines, who)
    back = [line for bundle in bundles if bundle.kind is Kind.RETURN for line in bundle.lines]
    planner = _Planner(who, sales(back), Counter(parts), {bundle.number for bundle in bundles})
    made: list[Batch] = []
    batch, count = Batch(), 0
    for bundle in bundles:
        if batch.size and (count >= bundles_each or batch.size + len(bundle.lines) > lines_each):
            made.append(batch)
            batch, count = Batch(), 0
        planner.add(bundle, batch)
        count += 1
    return [*made, batch] if batch.size else made


def keys_of(line: SaleLine, who: Callable[[int], int]) -> tuple[ByInvoice, ByBuyer]:
    """Under which a return looks for its sale."""
    return (line.original, line.sku, line.price), (who(line.buyer), line.sku, line.price)


class _Planner:
    def __init__(self, who: Callable[[int], int], sales: Sales, parts: Counter[str], numbers: set[str]) -> None:
        self.who, self.sales, self.parts, self.numbers = who, sales, parts, numbers

    def add(self, bundle: _Bundle, batch: Batch) -> None:
        taken = batch.taken.setdefault(bundle.number, Taken())
        before = self.parts[bundle.number]
        if bundle.kind is Kind.SALE:
            batch.orders.extend(self._orders(bundle))
        elif bundle.kind is Kind.RETURN:
            batch.returns.extend(self._returns(bundle))
        else:
            batch.notes.extend(bundle.lines)
        for line in bundle.lines:
            taken.marks += line.digest
            batch.rows.add(line.row)
        taken.parts += self.parts[bundle.number] - before
        batch.size += len(bundle.lines)

    def _orders(self, bundle: _Bundle) -> Iterator[NewOrder]:
        for lines in _portions(bundle.lines, lambda line: line.amount):
            order = NewOrder(self._reference(bundle.number), bundle.moment, bundle.buyer, lines)
            for place, line in enumerate(lines):
                by_invoice = (bundle.number, line.sku, line.price)
                by_buyer = (bundle.buyer, line.sku, line.price)
                if self.sales.wants(by_invoice, by_buyer):
                    sold = Sold(order, bundle.moment, line.quantity, line.quantity, product=line.sku)
                    self.sales.add(by_invoice, by_buyer, sold)
                    order.sold[place] = sold
            yield order

    def _returns(self, bundle: _Bundle) -> Iterator[NewReturn]:
        backs: dict[Any, dict[Any, Back]] = {}
        for line in bundle.lines:
            by_invoice, by_buyer = keys_of(line, self.who)
            known_buyer = by_buyer if bundle.buyer != NOBODY else None
            for sold, quantity in self.sales.take_back(by_invoice, known_buyer, line.quantity, line.moment):
                same = backs.setdefault(sold.order if sold else None, {})
                if sold in same:
                    same[sold].quantity += quantity
                else:
                    same[sold or len(same)] = Back(line, quantity, sold)
        for order, found in backs.items():
            for some in _portions(list(found.values()), lambda back: back.line.amount):
                yield NewReturn(self._reference(bundle.number), bundle.moment, order, some)

    def _reference(self, number: str) -> str:
        """The invoice's own number first, then 536365/2 and so on."""
        self.parts[number] += 1
        reference = number if self.parts[number] == 1 else f"{number}/{self.parts[number]}"
        if self.parts[number] > 1 and reference in self.numbers:
            return self._reference(number)
        return reference


def _bundles(lines: Iterable[SaleLine], who: Callable[[int], int]) -> list[_Bundle]:
    found: dict[Any, _Bundle] = {}
    for line in lines:
        buyer = who(line.buyer)
        key = (line.number, line.day, buyer, line.kind)
        bundle = found.get(key)
        if bundle is None:
            found[key] = _Bundle(line.number, line.kind, buyer, line.moment, [line])
        else:
            bundle.lines.append(line)
            if line.moment < bundle.moment:
                bundle.moment = line.moment
    for bundle in found.values():
        for line in bundle.lines:
            line.moment = bundle.moment
    return sorted(found.values(), key=lambda bundle: (bundle.moment, bundle.kind))


def _portions(items: list[T], amount: Callable[[T], Decimal]) -> Iterator[list[T]]:
    """As many as one order or return holds, in lines and in money (half of what can be booked, for the tax)."""
    some: list[T] = []
    total = ZERO
    for item in items:
        if some and (len(some) == MOST_LINES or (total + amount(item)) * 2 >= BOOKABLE):
            yield some
            some, total = [], ZERO
        some.append(item)
        total += amount(item)
    if some:
        yield some
