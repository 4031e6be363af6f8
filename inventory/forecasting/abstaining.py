"""When there is too little to go by."""

from dataclasses import dataclass

MIN_DAYS = 56
MIN_SALE_DAYS = 10


@dataclass(frozen=True, slots=True)
class Abstained:
    """No forecast, and why."""

    days: int
    """of history"""
    sale_days: int
    units: float
    reasons: tuple[str, ...]


def too_little(days: int, sale_days: int) -> tuple[str, ...]:
    """Why nothing can be said of a product's demand from its own history; empty when something can."""
    reasons = []
    if days < MIN_DAYS:
        reasons.append(f"{days} days of history; at least {MIN_DAYS} are needed")
    if sale_days < MIN_SALE_DAYS:
        reasons.append(f"{sale_days} days with sales; at least {MIN_SALE_DAYS} are needed")
    return tuple(reasons)
