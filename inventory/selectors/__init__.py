"""Reads of the inventory: nothing here changes anything."""

from .catalog import category_get, location_get, product_get, products_get, supplier_get
from .planning import (
    HORIZON_DAYS,
    Review,
    as_quantity,
    evidence_of,
    forecast_get,
    forecast_make,
    reorder_review,
)
from .sales import (
    DaySales,
    daily_demand,
    demand_rows,
    open_days,
    order_get,
    order_lines,
    returnable,
    returned_of,
    sales_by_day,
)
from .stock import Page, Stock, is_low, reorder_point_of, stock_list, stock_of, stocks_of, with_available

__all__ = [
    "HORIZON_DAYS",
    "DaySales",
    "Page",
    "Review",
    "Stock",
    "as_quantity",
    "category_get",
    "daily_demand",
    "demand_rows",
    "evidence_of",
    "forecast_get",
    "forecast_make",
    "is_low",
    "location_get",
    "open_days",
    "order_get",
    "order_lines",
    "product_get",
    "products_get",
    "reorder_point_of",
    "reorder_review",
    "returnable",
    "returned_of",
    "sales_by_day",
    "stock_list",
    "stock_of",
    "stocks_of",
    "supplier_get",
    "with_available",
]
