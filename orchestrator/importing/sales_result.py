"""What an import of sales did, in figures and words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

SHOWN = 5


class ImportRefused(Exception):
    """It can't be done, or not to its end; the message says why, and what to do."""


@dataclass(slots=True)
class Imported:
    """What an import did, or with `dry_run` would do."""

    read: int = 0
    """lines of the file"""
    added: int = 0
    unchanged: int = 0
    rejected: int = 0
    orders: int = 0
    returns: int = 0
    of_unknown_sales: int = 0
    """of the returns: nobody knows what they were sold with"""
    stock_notes: int = 0
    """lines that took goods out of stock without a sale"""
    products: int = 0
    customers: int = 0
    opened: int = 0
    """products that got an opening stock"""
    history: int = 0
    """products with sales older than their first count, which leave today's stock as it is"""
    topped_up: dict[str, Decimal] = field(default_factory=dict)
    """by SKU: sold without being booked in"""
    rejects_path: Path | None = None
    first_rejects: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """about the file"""
    dry_run: bool = False

    @property
    def summary(self) -> str:
        return f"read {self.read}, added {self.added}, unchanged {self.unchanged}, rejected {self.rejected}"

    def told(self) -> Iterator[str]:
        """In words, line by line."""
        yield from (f"Note: {note}" for note in self.notes)
        if not self.added:
            return
        yield (
            f"{self.orders:,} orders, {self.returns:,} returns ({self.of_unknown_sales:,} of sales not known here), "
            f"{self.stock_notes:,} notes of goods taken out of stock"
        )
        yield f"{self.products:,} new products, marked for review; {self.customers:,} new customers"
        yield f"{self.opened:,} products got an opening stock, so that no day was below zero"
        if self.history:
            yield (
                f"{self.history:,} products have sales older than their first count here: today's stock stays as it is"
            )
        if self.topped_up:
            most = sorted(self.topped_up.items(), key=lambda found: (-found[1], found[0]))
            shown = ", ".join(f"{sku} {quantity.normalize():f}" for sku, quantity in most[:SHOWN])
            more = f" and {len(most) - SHOWN:,} more" if len(most) > SHOWN else ""
            yield f"Note: sold without being booked in, so added by an adjustment: {shown}{more}; count these shelves"
