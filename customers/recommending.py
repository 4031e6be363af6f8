"""What goes with what. Pure: counts of orders in, suggestions out.

A seed is something the customer has; an item is what may be suggested. Of the `seed_orders` orders with the seed,
`together` had the item too. By chance it would have been seed_orders x (item's orders / all orders); lift is how many
times that it was (Brin et al. 1997). The score is the share of orders above chance (added value), drawn towards
nothing by PRIOR imagined orders in which the item did as by chance, so that 3 of 3 does not beat 80 of 100; several
seeds combine as independent reasons: 1 - (1 - a)(1 - b)...
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

MIN_TOGETHER = 3
"""Fewer common orders are no evidence."""
PRIOR = 10

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Pair(Generic[Item]):
    seed: Item
    item: Item
    together: int
    """Orders with both."""


@dataclass(frozen=True, slots=True)
class Evidence(Generic[Item]):
    seed: Item
    together: int
    seed_orders: int
    lift: float
    gain: float
    """The share of the seed's orders above chance, after drawing towards nothing: 0 to 1."""


@dataclass(frozen=True, slots=True)
class Suggestion(Generic[Item]):
    item: Item
    score: float
    """0 to 1."""
    evidence: tuple[Evidence[Item], ...]
    """The strongest first."""


def suggest(
    pairs: Iterable[Pair[Item]],
    *,
    orders_with: Mapping[Item, int],
    orders: int,
    excluded: frozenset[Item] = frozenset(),
) -> list[Suggestion[Item]]:
    """Items bought together with the seeds more often than by chance, the best first.

    :param orders_with: in how many orders each seed and item is.
    :param orders: how many orders there are in all.
    """
    found: dict[Item, list[Evidence[Item]]] = {}
    for pair in pairs:
        if pair.item in excluded or pair.together < MIN_TOGETHER:
            continue
        evidence = _evidence(pair, orders_with[pair.seed], orders_with[pair.item], orders)
        if evidence.lift > 1:
            found.setdefault(pair.item, []).append(evidence)
    suggestions = [_combine(item, evidence) for item, evidence in found.items()]
    return sorted(suggestions, key=lambda s: (-s.score, str(s.item)))


def _evidence(pair: Pair[Item], seed_orders: int, item_orders: int, orders: int) -> Evidence[Item]:
    by_chance = seed_orders * item_orders / orders
    return Evidence(
        seed=pair.seed,
        together=pair.together,
        seed_orders=seed_orders,
        lift=pair.together / by_chance,
        gain=max(0.0, (pair.together - by_chance) / (seed_orders + PRIOR)),
    )


def _combine(item: Item, evidence: list[Evidence[Item]]) -> Suggestion[Item]:
    ranked = tuple(sorted(evidence, key=lambda e: (-e.gain, str(e.seed))))
    missing = 1.0
    for reason in ranked:
        missing *= 1 - reason.gain
    return Suggestion(item, 1 - missing, ranked)
