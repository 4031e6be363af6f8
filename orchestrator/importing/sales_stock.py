"""How imported sales fit into a product's stock, so that it was never below zero. Pure.

Three cases, by what is booked of the product already:

1. nothing: an opening stock just before the first line, as large as the deepest deficit;
2. the line is older than the first movement (usually a count): history. What was counted is what is there, whatever
   was sold before; so the history begins with an opening stock of its own and is closed to zero before the count;
3. the line is newer: it reduces the stock. Where that would take this moment or a later one below zero, what is missing
   is added just before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from inventory.stock_reasons import CLOSING, OPENING, TOPPED_UP

ZERO, ONE = Decimal(0), Decimal(1)
JUST = timedelta(milliseconds=1)
"""So much before is "just before"."""


class Move(Protocol):
    """Goods that come or go; `balance` is filled in."""

    balance: Decimal

    @property
    def moment(self) -> datetime: ...

    @property
    def moved(self) -> Decimal:
        """signed"""


@dataclass(slots=True, eq=False)
class Balancing:
    """A movement that no line asked for."""

    moment: datetime
    moved: Decimal
    reason: str
    balance: Decimal = ZERO


Booked = Sequence[tuple[datetime, Decimal]]
"""Time and signed quantity of movements that are there already, in the order of their time."""


@dataclass(slots=True)
class StockKnown:
    """A product's stock at the place that imports book at."""

    first: datetime | None = None
    """of its movements"""
    until: datetime | None = None
    """history goes up to here: just before its first movement, or where an earlier import closed it"""
    location: int | None = None
    reserved: Decimal = ZERO
    base: Decimal = ZERO
    """on hand before the first of the new lines"""
    booked: list[tuple[datetime, Decimal]] = field(default_factory=list)
    """from then on"""


def opened(moves: Sequence[Move]) -> Balancing | None:
    """Case 1: the opening stock that these moves, in order of time, need; None when they need none."""
    missing = _deepest(moves)
    return Balancing(moves[0].moment - JUST, missing, OPENING) if missing else None


def enclosed(moves: Sequence[Move], until: datetime) -> list[Balancing]:
    """Case 2: opening stock, where it needs one, and closing, at `until`, of moves in order of time; together they
    leave the stock as it is.

    There always is a closing (for that, the opening may be one more than needed): by it, the next import sees where
    history ends.
    """
    missing = _deepest(moves)
    left = missing + sum((move.moved for move in moves), ZERO)
    if not left:
        missing, left = missing + ONE, ONE
    closing = Balancing(until, -left, CLOSING)
    return [Balancing(moves[0].moment - JUST, missing, OPENING), closing] if missing else [closing]


def topped_up(base: Decimal, booked: Booked, moves: Sequence[Move], at_least: Decimal = ZERO) -> Balancing | None:
    """Case 3: what has to come in so that no moment is below zero that was not before; None when nothing has to.

    :param base: on hand before the first of the booked and of the moves.
    :param at_least: must be left in the end, as it is promised to orders.
    """
    deepest, since = ZERO, None
    without, running = base, base
    for moment, moved, new in _merged(booked, moves):
        running += moved
        without += ZERO if new else moved
        short = min(ZERO, without) - running
        if short > deepest:
            deepest, since = short, since or moment
    short = min(at_least, without) - running
    if short > deepest:
        deepest, since = short, since or moves[-1].moment
    return Balancing(since - JUST, deepest, TOPPED_UP) if since is not None else None


def balance(base: Decimal, booked: Booked, moves: Sequence[Move]) -> Decimal:
    """Fill in the balance after each of the new moves, in order of time; the highest of them."""
    running = highest = base
    at, count = 0, len(booked)
    for move in moves:
        while at < count and booked[at][0] <= move.moment:
            running += booked[at][1]
            at += 1
        running += move.moved
        move.balance = running
        if running > highest:
            highest = running
    return highest


def _deepest(moves: Iterable[Move]) -> Decimal:
    running = deepest = ZERO
    for move in moves:
        running += move.moved
        if running < deepest:
            deepest = running
    return -deepest


def _merged(booked: Booked, moves: Sequence[Move]) -> Iterable[tuple[datetime, Decimal, bool]]:
    """By time; what is booked comes before what is new."""
    at, count = 0, len(booked)
    for move in moves:
        while at < count and booked[at][0] <= move.moment:
            yield *booked[at], False
            at += 1
        yield move.moment, move.moved, True
    for moment, moved in booked[at:]:
        yield moment, moved, False
