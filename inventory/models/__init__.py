"""Products, stock, sales and planning."""

from .catalog import Category, Product, Supplier, Unit, validate_gtin
from .planning import Forecast, PurchaseOrder, PurchaseOrderLine, ReorderPolicy, ReorderTarget
from .sales import Order, OrderLine, OrderReturn, OrderReturnLine, ReferenceCounter, ReturnedQuantity
from .stock import Location, StockLevel, StockMovement, Warehouse

__all__ = [
    "Category",
    "Forecast",
    "Location",
    "Order",
    "OrderLine",
    "OrderReturn",
    "OrderReturnLine",
    "Product",
    "PurchaseOrder",
    "PurchaseOrderLine",
    "ReferenceCounter",
    "ReorderPolicy",
    "ReorderTarget",
    "ReturnedQuantity",
    "StockLevel",
    "StockMovement",
    "Supplier",
    "Unit",
    "Warehouse",
    "validate_gtin",
]
