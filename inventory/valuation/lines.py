"""A period's lines: what the stock was worth, what came and went, what it is worth; and how they are told. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

from .costing import EXACT, GRAIN, LINE_OF, ZERO, Booked, Method, Movement, Valuer

FLOWS = (("purchases", 1), ("cogs", -1), ("write_offs", -1), ("counts", 1), ("adjustments", 1))
"""Lines of a period, and whether they add to the stock or take from it."""

AMOUNTS = ("opening", *(name for name, _ in FLOWS), "closing", "estimated", "corrections")


@dataclass(slots=True)
class Lines:
    """A period: opening + purchases - cogs - write_offs + counts + adjustments = closing."""

    opening: Decimal = ZERO
    purchases: Decimal = ZERO
    cogs: Decimal = ZERO
    """of sales less returns"""
    write_offs: Decimal = ZERO
    counts: Decimal = ZERO
    """differences that counts found, signed"""
    adjustments: Decimal = ZERO
    """signed"""
    closing: Decimal = ZERO
    opening_quantity: Decimal = ZERO
    sold_quantity: Decimal = ZERO
    """less returns"""
    closing_quantity: Decimal = ZERO
    estimated: Decimal = ZERO
    """part of the lines, signs left out, whose cost was not known"""
    corrections: Decimal = ZERO
    """part of `cogs`: goods that were sold before they came in, and cost more than was thought"""
    kits: dict[int, Decimal] = field(default_factory=dict)
    """part of `cogs`, by the kit it was sold in"""

    def add(self, movement: Movement, booked: Booked) -> None:
        name = LINE_OF[movement.kind]
        amount = booked.amount if name in ("purchases", "counts", "adjustments") else -booked.amount
        setattr(self, name, getattr(self, name) + amount)
        self.cogs += booked.correction
        self.corrections += booked.correction
        self.estimated += booked.estimated
        if name == "cogs":
            self.sold_quantity -= movement.quantity
            for kit, share in movement.kits:
                self.kits[kit] = self.kits.get(kit, ZERO) + (amount * share).quantize(GRAIN)

    def include(self, other: "Lines") -> None:
        """Add another product's, but for quantities (of different things) and kits."""
        for name in AMOUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return any(getattr(self, name) for name in (*AMOUNTS, "closing_quantity", "sold_quantity"))

    def told(self, unit: Decimal) -> "Lines":
        """In whole `unit`s of the currency, and still adding up: opening and closing are rounded half up, the flows
        between them by the largest remainder.
        """
        with localcontext(EXACT):
            opening, closing = self.opening.quantize(unit), self.closing.quantize(unit)
            flows = [getattr(self, name) * sign for name, sign in FLOWS]
            parts = largest_remainder(flows, closing - opening, unit)
            rounded: dict[str, Any] = {name: part * sign for (name, sign), part in zip(FLOWS, parts, strict=True)}
            return Lines(
                opening=opening,
                closing=closing,
                opening_quantity=self.opening_quantity,
                sold_quantity=self.sold_quantity,
                closing_quantity=self.closing_quantity,
                estimated=self.estimated.quantize(unit),
                corrections=self.corrections.quantize(unit),
                **rounded,
            )


def largest_remainder(amounts: Sequence[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    """Amounts in whole units whose sum is `total`, which is at most one unit from theirs; a zero stays one."""
    parts = [amount.quantize(unit, ROUND_FLOOR) for amount in amounts]
    missing = int((total - sum(parts, ZERO)) / unit)
    cut = sorted((n for n, amount in enumerate(amounts) if amount != parts[n]), key=lambda n: parts[n] - amounts[n])
    takers = cut or [n for n, amount in enumerate(amounts) if amount]
    for number in range(abs(missing)):
        parts[takers[number % len(takers)]] += unit if missing > 0 else -unit
    return parts


def periods(movements: Iterable[Movement], *, method: Method, bounds: Sequence[datetime]) -> list[Lines]:
    """One product's movements, in the order of time, as the periods between these moments, of which the later one is
    no part. The same moment twice: what the stock was worth just before it.
    """
    made = [Lines() for _ in bounds[1:]]
    at = 0
    with localcontext(EXACT):
        stock = Valuer(method)
        for movement in movements:
            if movement.kind not in LINE_OF:
                continue
            while at < len(bounds) and movement.moment >= bounds[at]:
                _pass(made, at, stock)
                at += 1
            if at == len(bounds):
                break
            booked = stock.book(movement)
            if at:
                made[at - 1].add(movement, booked)
        for left in range(at, len(bounds)):
            _pass(made, left, stock)
    return made


def _pass(made: list[Lines], at: int, stock: Valuer) -> None:
    """One period ends here, and the next one begins."""
    if at:
        made[at - 1].closing, made[at - 1].closing_quantity = stock.value, stock.quantity
    if at < len(made):
        made[at].opening, made[at].opening_quantity = stock.value, stock.quantity


def summed(rows: Iterable[Lines]) -> Lines:
    with localcontext(EXACT):
        whole = Lines()
        for row in rows:
            whole.include(row)
        return whole


def sold_costs(rows: Mapping[int, Lines], unit: Decimal) -> dict[int, Decimal]:
    """Cost of goods sold by what was sold, in whole `unit`s: parts of a kit cost the kit. All of them together are what
    is told as `cogs`.
    """
    with localcontext(EXACT):
        costs: dict[int, Decimal] = {}
        for product, lines in rows.items():
            own = lines.cogs - sum(lines.kits.values(), ZERO)
            parts = largest_remainder([*lines.kits.values(), own], lines.told(unit).cogs, unit)
            for key, amount in zip((*lines.kits, product), parts, strict=True):
                costs[key] = costs.get(key, ZERO) + amount
        return costs
