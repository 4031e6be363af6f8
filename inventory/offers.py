"""What a supplier charges. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Quantities in the product's unit, money in the shop's currency, without tax."""

    unit_cost: Decimal
    pack_size: Decimal = Decimal(1)
    minimum_order: Decimal = ZERO
    breaks: Sequence[tuple[Decimal, Decimal]] = ()
    """from how many units on one of them costs how much"""


def offer_price(offer: Offer, quantity: Decimal) -> Decimal:
    """What one unit costs when so many are ordered: as the largest break that the quantity reaches says."""
    reached = [each for each in offer.breaks if each[0] <= quantity]
    return max(reached)[1] if reached else offer.unit_cost


def orderable(offer: Offer, quantity: Decimal) -> Decimal:
    """The least quantity of whole packs, at least the minimum order, that is not below `quantity`."""
    packs = (max(quantity, offer.minimum_order) / offer.pack_size).to_integral_value(ROUND_CEILING)
    return packs * offer.pack_size
