"""Writes of the inventory. Each runs within its caller's transaction.

Locks are taken in one order everywhere: purchase orders, transfers, returned quantities, stock levels (each in
primary-key order), then the counter of the references.
"""

from .deliveries import Delivered
from .forecasts import (
    chunk_forecast,
    chunks_waiting,
    forecast_refresh,
    forecasts_refresh,
    forecasts_tell,
    products_sold,
    run_plan,
    runs_finish,
)
from .picking import Item, Need, Pick, inactive_refuse, stock_pick
from .planning import reorder_create, reordering_lock, targets_refresh
from .purchasing import (
    WantedLine,
    purchase_approve,
    purchase_cancel,
    purchase_change,
    purchase_close,
    purchase_create,
    purchase_lines_check,
    purchase_lines_price,
    purchase_lock,
    purchase_send,
)
from .receiving import LandedAmount, Received, purchase_receive
from .references import next_reference
from .reserving import reservation_create, reservation_release
from .returns import Disposition, return_create
from .sales import SoldLine, order_create
from .sending_back import GoingBack, purchase_return
from .stock import (
    StockChange,
    location_default,
    lot_for,
    lot_get,
    lots_get,
    quantity_check,
    stock_adjust,
    stock_lock,
    stock_set,
)

__all__ = [
    "Delivered",
    "Disposition",
    "GoingBack",
    "Item",
    "LandedAmount",
    "Need",
    "Pick",
    "Received",
    "SoldLine",
    "StockChange",
    "WantedLine",
    "chunk_forecast",
    "chunks_waiting",
    "forecast_refresh",
    "forecasts_refresh",
    "forecasts_tell",
    "inactive_refuse",
    "location_default",
    "lot_for",
    "lot_get",
    "lots_get",
    "next_reference",
    "order_create",
    "products_sold",
    "purchase_approve",
    "purchase_cancel",
    "purchase_change",
    "purchase_close",
    "purchase_create",
    "purchase_lines_check",
    "purchase_lines_price",
    "purchase_lock",
    "purchase_receive",
    "purchase_return",
    "purchase_send",
    "quantity_check",
    "reorder_create",
    "reordering_lock",
    "reservation_create",
    "reservation_release",
    "return_create",
    "run_plan",
    "runs_finish",
    "stock_adjust",
    "stock_lock",
    "stock_pick",
    "stock_set",
    "targets_refresh",
]
