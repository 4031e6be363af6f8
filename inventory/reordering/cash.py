"""What to order of a plan when the money is not enough for all of it.

Marginal analysis: the next pack bought is the one that is expected to bring the most for what it costs, as far as the
money goes (the fractional knapsack's greedy rule; H. Kellerer, U. Pferschy, D. Pisinger: Knapsack Problems, 2004,
ch. 2.1). Packs are whole, so what then remains of the money is filled up, and each of the last lines is tried with
fewer packs. Money is Decimal, gains are statistics.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import heapify, heappop, heapreplace
from itertools import accumulate

MOST_STEPS = 100
"""A larger order is bought in so many steps of several packs."""
MOST_TRIES = 12
"""So many lines are tried without their last step."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One order of a product, larger than the one before."""

    quantity: Decimal
    cost: Decimal
    """of all of it"""
    gain: float
    """what all of it is expected to bring"""


@dataclass(frozen=True, slots=True)
class Bought:
    steps: dict[Hashable, Step]
    """of each line that something is bought of"""
    spent: Decimal
    gain: float


def steps_of(
    *,
    least: Decimal,
    wanted: Decimal,
    pack: Decimal,
    cost: Callable[[Decimal], Decimal],
    gain: Callable[[Decimal], float],
) -> list[Step]:
    """The orders that are possible: from the least that is delivered, in whole packs, to what is wanted.

    :param cost: of a quantity; less for each where a price break is reached.
    :param gain: of a quantity.
    """
    packs = max(1, -(-int((wanted - least) / pack) // MOST_STEPS))
    quantities = []
    quantity = min(least, wanted)
    while quantity < wanted:
        quantities.append(quantity)
        quantity += pack * packs
    return [Step(each, cost(each), gain(each)) for each in (*quantities, wanted)]


def cash_plan(lines: Mapping[Hashable, Sequence[Step]], budget: Decimal) -> Bought:
    """The order that is expected to bring the most for this money; it never costs more.

    :param lines: `steps_of` each line.
    """
    known = {key: _Line(steps) for key, steps in lines.items()}
    best = max(_greedy(known, budget), _best_single(lines, budget), key=lambda bought: bought.gain)
    for key in list(best.steps)[-MOST_TRIES:]:
        if key in best.steps:
            fewer = lines[key][: lines[key].index(best.steps[key])]
            other = _greedy(known | {key: _Line(fewer)}, budget)
            best = other if other.gain > best.gain + 1e-12 else best
    return best


class _Line:
    """A line's steps, and which of them lie on the upper hull of gain over cost: from one of these to the next the
    gain for the money falls, and nothing between them brings more.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.points = [(ZERO, 0.0), *((step.cost, step.gain) for step in steps)]
        self.cheapest = [*accumulate((cost for cost, _ in reversed(self.points)), min)][::-1]
        self.after: dict[int, int] = {}
        at = 0
        while (following := self._best(at, None)) is not None:
            self.after[at] = following
            at = following

    def following(self, at: int, left: Decimal) -> int | None:
        """The affordable step after this one that brings the most for the money more; None: there is none."""
        spent = self.points[at][0]
        if at + 1 == len(self.points) or self.cheapest[at + 1] - spent > left:
            return None
        known = self.after.get(at)
        if known is not None and self.points[known][0] - spent <= left:
            return known
        return self._best(at, left)

    def density(self, at: int, following: int) -> float:
        """Gain for the money."""
        cost = float(self.points[following][0] - self.points[at][0])
        return (self.points[following][1] - self.points[at][1]) / cost if cost > 0 else float("inf")

    def _best(self, at: int, left: Decimal | None) -> int | None:
        spent, gained = self.points[at]
        possible = [
            number
            for number in range(at + 1, len(self.points))
            if self.points[number][1] > gained and (left is None or self.points[number][0] - spent <= left)
        ]
        return max(possible, key=lambda number: (self.density(at, number), number), default=None)


def _greedy(lines: Mapping[Hashable, _Line], budget: Decimal) -> Bought:
    """The step that brings the most for its money, again and again. What doesn't fit any more is looked at again: a
    smaller step may.
    """
    taken: dict[Hashable, int] = {}
    left = budget
    heap: list[tuple[float, int, Hashable, int]] = []
    for number, (key, line) in enumerate(lines.items()):
        if (following := line.following(0, left)) is not None:
            heap.append((-line.density(0, following), number, key, following))
    heapify(heap)
    while heap:
        _, number, key, ahead = heap[0]
        line, at = lines[key], taken.get(key, 0)
        extra = line.points[ahead][0] - line.points[at][0]
        if extra <= left:
            left -= extra
            at = taken[key] = ahead
        following = line.following(at, left)
        if following is None:
            heappop(heap)
        else:
            heapreplace(heap, (-line.density(at, following), number, key, following))
    steps = {key: lines[key].steps[at - 1] for key, at in taken.items()}
    return Bought(steps, budget - left, sum(step.gain for step in steps.values()))


def _best_single(lines: Mapping[Hashable, Sequence[Step]], budget: Decimal) -> Bought:
    """The one line that brings the most alone."""
    affordable = [
        (step.gain, number, key, step)
        for number, (key, steps) in enumerate(lines.items())
        for step in steps
        if step.cost <= budget and step.gain > 0
    ]
    if not affordable:
        return Bought({}, ZERO, 0.0)
    gain, _, key, step = max(affordable, key=lambda each: (each[0], -each[1]))
    return Bought({key: step}, step.cost, gain)
