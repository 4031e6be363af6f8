"""Fits the planned batches into the stock of every product they touch. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import attrgetter, itemgetter

from .sales_model import SaleLine
from .sales_plan import Back, Batch
from .sales_result import ImportRefused
from .sales_stock import Balancing, Move, StockKnown, balance, enclosed, opened, topped_up

Moves = list[tuple[int, SaleLine | Back]]
"""With the number of their batch, in the order of their time."""


@dataclass(slots=True)
class Balances:
    balancing: list[list[tuple[str, Balancing]]]
    """By batch: product and movement."""
    opening: list[set[str]]
    """By batch: products that get their first movement ever with it."""
    opened: int = 0
    """products that got an opening stock"""
    history: int = 0
    """products with lines older than their first count"""
    topped_up: dict[str, Decimal] = field(default_factory=dict)
    """product and how much"""


def moves_by_product(batches: Sequence[Batch]) -> dict[str, Moves]:
    found: dict[str, Moves] = defaultdict(list)
    for number, batch in enumerate(batches):
        for move in batch.moves():
            found[move.sku if isinstance(move, SaleLine) else move.line.sku].append((number, move))
    return found


def balances(
    batches: Sequence[Batch], moves: Mapping[str, Moves], known: Mapping[str, StockKnown], most: Decimal
) -> Balances:
    """Plan what balances each product's stock, and fill in the balance after each move.

    :param known: the stock of the products that have movements already.
    :param most: that can be on hand.
    :raises ImportRefused: when more would have to have been there than can be booked, naming the product.
    """
    made = Balances([[] for _ in batches], [set() for _ in batches])
    for product, own in moves.items():
        stock = known.get(product)
        found = list(_opening(own) if stock is None else _beside(own, stock, made, product))
        if stock is None:
            made.opening[own[0][0]].add(product)
            made.opened += bool(found)
        for number, movement in found:
            made.balancing[number].append((product, movement))
        if _balance(own, [movement for _, movement in found], stock or StockKnown()) > most:
            raise ImportRefused(
                f"More than {most:,} of {product} would have to have been on hand: look at its quantities. Nothing was "
                "changed."
            )
    return made


def _opening(own: Moves) -> Iterator[tuple[int, Balancing]]:
    if movement := opened([move for _, move in own]):
        yield own[0][0], movement


def _beside(own: Moves, stock: StockKnown, made: Balances, product: str) -> Iterator[tuple[int, Balancing]]:
    """History is enclosed batch by batch, so that each leaves today's stock as it is."""
    history: Moves = []
    later: Moves = []
    for number, move in own:
        (history if stock.until and move.moment <= stock.until else later).append((number, move))
    made.history += bool(history)
    for number, some in groupby(history, key=itemgetter(0)):
        if stock.until:
            for movement in enclosed([move for _, move in some], stock.until):
                yield number, movement
    if later and (missing := topped_up(stock.base, stock.booked, [move for _, move in later], stock.reserved)):
        made.topped_up[product] = missing.moved
        yield later[0][0], missing


def _balance(own: Moves, extra: Iterable[Balancing], stock: StockKnown) -> Decimal:
    together: list[Move] = [*(move for _, move in own), *extra]
    together.sort(key=attrgetter("moment"))
    return balance(stock.base, stock.booked, together)
