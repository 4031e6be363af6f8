"""Which sale a return belongs to. Pure.

The cancellations of a sales file seldom say. A return goes to the invoice that it names; else to sales of the product
to the same customer at the same price: the latest before it that has enough left, or several of them, from the latest
back. What is left over was sold before the records began.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
ByInvoice = tuple[str, str, Decimal]
"""Number of the invoice, product's key, price."""
ByBuyer = tuple[int, str, Decimal]
"""Customer, product's key, price."""


@dataclass(slots=True, eq=False)
class Sold:
    """A line that was sold, and how much of it came back."""

    order: Any
    """The order, stored or to be."""
    moment: datetime
    quantity: Decimal
    left: Decimal
    """not returned by what was matched so far"""
    pk: int | None = None
    """of the stored line"""
    product: str = ""
    total: Decimal = ZERO
    tax: Decimal = ZERO
    location: int | None = None
    unit_cost: Decimal | None = None
    returned: Decimal = ZERO
    """as stored"""
    refunded: Decimal = ZERO
    has_row: bool = False
    """whether what came back is stored yet"""


class Sales:
    """The sold lines that a return may belong to; they are added in the order of their time."""

    def __init__(self, by_invoice: Iterable[ByInvoice], by_buyer: Iterable[ByBuyer]) -> None:
        """Only lines under these keys are kept: those that some return asks for."""
        self._by_invoice: dict[ByInvoice, list[Sold]] = {key: [] for key in by_invoice}
        self._by_buyer: dict[ByBuyer, list[Sold]] = {key: [] for key in by_buyer}

    def wants(self, invoice: ByInvoice, buyer: ByBuyer) -> bool:
        return invoice in self._by_invoice or buyer in self._by_buyer

    def add(self, invoice: ByInvoice, buyer: ByBuyer, sold: Sold) -> None:
        if (found := self._by_invoice.get(invoice)) is not None:
            found.append(sold)
        if (found := self._by_buyer.get(buyer)) is not None:
            found.append(sold)

    def take_back(
        self, invoice: ByInvoice, buyer: ByBuyer | None, quantity: Decimal, moment: datetime
    ) -> list[tuple[Sold | None, Decimal]]:
        """Match a return: the sold lines with what goes back to each; None stands for a sale that isn't known."""
        parts: dict[Sold, Decimal] = defaultdict(Decimal)
        for candidates in (self._by_invoice.get(invoice), self._by_buyer.get(buyer) if buyer else None):
            for sold, part in _chosen(candidates or [], quantity, moment):
                sold.left -= part
                quantity -= part
                parts[sold] += part
        matched: list[tuple[Sold | None, Decimal]] = list(parts.items())
        return [*matched, (None, quantity)] if quantity else matched


def _chosen(candidates: list[Sold], quantity: Decimal, moment: datetime) -> Iterator[tuple[Sold, Decimal]]:
    if not quantity:
        return
    earlier = [sold for sold in reversed(candidates) if sold.moment <= moment and sold.left > 0]
    earlier.sort(key=lambda sold: sold.moment, reverse=True)
    if whole := next((sold for sold in earlier if sold.left >= quantity), None):
        yield whole, quantity
        return
    for sold in earlier:
        part = min(sold.left, quantity)
        quantity -= part
        yield sold, part
        if not quantity:
            return
