"""What there is to do about the stock, out of a look at every product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Literal, TypeAlias

from .analysis import DEFAULT, Look, Terms, stock_looks

ZERO = Decimal(0)
Kind: TypeAlias = Literal["all", "dead", "overstock", "stock_out", "expiring"]
ABC, XYZ = ("A", "B", "C"), ("X", "Y", "Z")


@dataclass(slots=True)
class Cell:
    products: int = 0
    value: Decimal = ZERO
    """of what is on hand"""
    revenue: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Health:
    looks: Sequence[Look]
    """in the order of their SKU"""
    terms: Terms

    def asked(
        self, kind: Kind, *, abc: str | None = None, xyz: str | None = None, category: str | None = None
    ) -> list[Look]:
        """Dead and overstocked: the most money first; running out: the soonest first; others by SKU."""
        found = [
            look
            for look in self.looks
            if _is(look, kind)
            and abc in (None, look.abc)
            and xyz in (None, look.xyz)
            and category in (None, look.category)
        ]
        if kind == "dead":
            found.sort(key=lambda look: -look.value)
        elif kind == "overstock":
            found.sort(key=lambda look: -look.excess_value)
        elif kind == "stock_out":
            found.sort(key=lambda look: (look.cover or 0.0, -look.daily))
        return found

    def value_of(self, kind: Kind, looks: Sequence[Look]) -> Decimal:
        """What these have tied up: of overstock what is too many, else everything on hand."""
        return sum((look.excess_value if kind == "overstock" else look.value for look in looks), ZERO)

    @property
    def matrix(self) -> dict[tuple[str, str], Cell]:
        cells = {key: Cell() for key in product(ABC, XYZ)}
        for look in self.looks:
            cell = cells[look.abc, look.xyz]
            cell.products += 1
            cell.value += look.value
            cell.revenue += look.revenue
        return cells

    @property
    def out_of_stock(self) -> int:
        return sum(look.active and look.available <= 0 for look in self.looks)


def stock_health(*, terms: Terms = DEFAULT, today: date) -> Health:
    """Six queries, however many products (see `stock_looks`)."""
    return Health(stock_looks(terms=terms, today=today), terms)


def _is(look: Look, kind: Kind) -> bool:
    if kind == "dead":
        return look.dead
    if kind == "overstock":
        return look.excess > 0
    if kind == "stock_out":
        return look.active and look.daily > 0 and look.cover is not None
    return kind == "all" or look.expiring > 0
