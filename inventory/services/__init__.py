"""Writes of the inventory. Each runs within its caller's transaction.

Locks are taken in one order everywhere: returned quantities, stock levels (each in primary-key order), then the counter
of the references.
"""

from .planning import forecast_refresh, reorder_create, reordering_lock, targets_refresh
from .references import next_reference
from .returns import return_create
from .sales import SoldLine, order_create
from .stock import StockChange, location_default, quantity_check, stock_adjust, stock_lock, stock_set

__all__ = [
    "SoldLine",
    "StockChange",
    "forecast_refresh",
    "location_default",
    "next_reference",
    "order_create",
    "quantity_check",
    "reorder_create",
    "reordering_lock",
    "return_create",
    "stock_adjust",
    "stock_lock",
    "stock_set",
    "targets_refresh",
]
