"""What stock is worth and what the goods sold have cost, from the movements alone. Pure."""

from .costing import LINE_OF, METHODS, Booked, Method, Movement, Valuer
from .lines import FLOWS, Lines, largest_remainder, periods, sold_costs, summed

__all__ = [
    "FLOWS",
    "LINE_OF",
    "METHODS",
    "Booked",
    "Lines",
    "Method",
    "Movement",
    "Valuer",
    "largest_remainder",
    "periods",
    "sold_costs",
    "summed",
]
