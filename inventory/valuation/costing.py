"""What stock is worth and what the goods sold have cost: weighted average, or first in, first out (IAS 2, 25). Pure.

A product's movements are booked in the order of time, over all its places together, so that transfers change nothing.
Amounts are kept to twelve decimals, at which every part taken from a layer is fixed: what is taken and what stays
always add up to what was there. Rounding to the currency is for whoever tells them (see `Lines.told`).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple, TypeAlias

Method: TypeAlias = str
METHODS: tuple[Method, ...] = ("average", "fifo")
"""Weighted moving average; first in, first out."""
ZERO = Decimal(0)
GRAIN = Decimal("1e-12")
EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
LINE_OF = {
    "receipt": "purchases",
    "sent_back": "purchases",
    "sale": "cogs",
    "return": "cogs",
    "write_off": "write_offs",
    "count": "counts",
    "adjustment": "adjustments",
}
"""The line that a kind of movement belongs to; those of other kinds (transfers) are not booked."""
FOUND = ("count", "adjustment")
"""Kinds by which goods turn up: they are worth what their like is worth just then."""


class Movement(NamedTuple):
    moment: datetime
    kind: str
    quantity: Decimal
    """signed"""
    unit_cost: Decimal | None = None
    """paid for a unit; of sales, returns and counts not asked for where another is known"""
    standing: Decimal | None = None
    """the product's cost at that time: what goods without a cost of their own are taken to have cost"""
    origin: str = ""
    """the order that a sale belongs to, or whose goods a return brings back"""
    kits: Sequence[tuple[int, Decimal]] = ()
    """of sales and returns: the kits it was part of, and which share (up to 1) of it each of them had"""


@dataclass(slots=True)
class Layer:
    """Goods, and what they cost together."""

    quantity: Decimal
    amount: Decimal

    def take(self, quantity: Decimal) -> Decimal:
        """What so many of them cost; the rest stays."""
        taken = self.amount
        if quantity < self.quantity:
            taken = (self.amount * quantity / self.quantity).quantize(GRAIN)
        self.quantity -= quantity
        self.amount -= taken
        return taken


@dataclass(slots=True)
class Short:
    """Sold before it came in, at the last known cost."""

    layer: Layer
    sold: list[Layer] | None
    """its order's"""


class Booked(NamedTuple):
    amount: Decimal
    """what the stock gained, by the movement's own line"""
    correction: Decimal = ZERO
    """what goods sold before they came in have cost more than was thought: it left the stock, by `cogs`"""
    estimated: Decimal = ZERO
    """part of the amount, sign left out, whose cost was not known"""


class Valuer:
    """One product's stock, movement by movement. Call it within `localcontext(EXACT)`."""

    def __init__(self, method: Method) -> None:
        self.quantity = self.value = ZERO
        self._merges = method == "average"
        self._layers: deque[Layer] = deque()
        self._shorts: deque[Short] = deque()
        self._sold: dict[str, list[Layer]] = {}
        self._last: Decimal | None = None

    def book(self, movement: Movement) -> Booked:
        booked = self._out(movement) if movement.quantity < 0 else self._in(movement)
        self.quantity += movement.quantity
        self.value += booked.amount - booked.correction
        return booked

    def _out(self, movement: Movement) -> Booked:
        wanted, amount, estimated = -movement.quantity, ZERO, ZERO
        sold = self._sold.setdefault(movement.origin, []) if movement.kind == "sale" and movement.origin else None
        while wanted and self._layers:
            layer = self._layers[0]
            part = min(wanted, layer.quantity)
            cost = layer.take(part)
            self._last = cost / part
            if not layer.quantity:
                self._layers.popleft()
            if sold is not None:
                sold.append(Layer(part, cost))
            wanted, amount = wanted - part, amount + cost
        if wanted:
            unit, known = self._last_cost(movement)
            cost = (wanted * unit).quantize(GRAIN)
            estimated = ZERO if known else cost
            self._shorts.append(Short(Layer(wanted, cost), sold))
            if sold is not None:
                sold.append(Layer(wanted, cost))
            amount += cost
        return Booked(-amount, ZERO, estimated)

    def _in(self, movement: Movement) -> Booked:
        left, amount, estimated = movement.quantity, ZERO, ZERO
        coming: list[Layer] = []
        if movement.kind == "return":
            coming = self._brought_back(movement.origin, left)
            left -= sum((layer.quantity for layer in coming), ZERO)
        if left:
            unit, known = self._unit_cost(movement)
            coming.append(Layer(left, (left * unit).quantize(GRAIN)))
            estimated = ZERO if known else coming[-1].amount
        correction = ZERO
        for layer in coming:
            amount += layer.amount
            self._last = layer.amount / layer.quantity
            correction += self._cover(layer)
            if layer.quantity:
                self._store(layer)
        return Booked(amount, correction, estimated)

    def _brought_back(self, origin: str, quantity: Decimal) -> list[Layer]:
        """What the order's goods went out with, the last ones first."""
        sold, back = self._sold.get(origin, []), []
        while quantity and sold:
            part = min(quantity, sold[-1].quantity)
            back.append(Layer(part, sold[-1].take(part)))
            if not sold[-1].quantity:
                sold.pop()
            quantity -= part
        return back

    def _unit_cost(self, movement: Movement) -> tuple[Decimal, bool]:
        """Of goods that come in, and whether it is known."""
        known = None if movement.kind == "return" else movement.unit_cost
        if movement.kind == "count" or (movement.kind in FOUND and known is None):
            like = self._like()
            known = known if like is None else like
        if known is not None:
            return known, True
        for guess in (movement.unit_cost, movement.standing, self._last):
            if guess is not None:
                return guess, False
        return ZERO, False

    def _like(self) -> Decimal | None:
        """What a unit is worth just now, or was when the last one left; so goods counted in the wrong place, missing
        here and found there, are worth what they were.
        """
        return self.value / self.quantity if self.quantity > 0 else self._last

    def _last_cost(self, movement: Movement) -> tuple[Decimal, bool]:
        if self._last is not None:
            return self._last, True
        known = movement.unit_cost if movement.unit_cost is not None else movement.standing
        return (ZERO if known is None else known), False

    def _cover(self, layer: Layer) -> Decimal:
        """Give what comes in to what was sold before it; by how much that cost more than was thought."""
        correction = ZERO
        while layer.quantity and self._shorts:
            short = self._shorts[0]
            part = min(layer.quantity, short.layer.quantity)
            more = layer.take(part) - short.layer.take(part)
            if short.sold:
                short.sold[-1].amount += more
            if not short.layer.quantity:
                self._shorts.popleft()
            correction += more
        return correction

    def _store(self, layer: Layer) -> None:
        if self._merges and self._layers:
            self._layers[0].quantity += layer.quantity
            self._layers[0].amount += layer.amount
        else:
            self._layers.append(layer)
