"""The inventory agent's operations, by what they are about; the agent is made of them."""

from .counting import CountingOperations
from .places import PlacesOperations
from .purchasing import PurchasingOperations
from .reordering import ReorderingOperations
from .reserving import ReservingOperations
from .valuing import ValuingOperations

__all__ = [
    "CountingOperations",
    "PlacesOperations",
    "PurchasingOperations",
    "ReorderingOperations",
    "ReservingOperations",
    "ValuingOperations",
]
