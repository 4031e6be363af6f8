"""Products, stock, sales and planning."""

from .catalog import Barcode, Category, KitComponent, Packaging, Product, Supplier, Tracking, Unit, validate_gtin
from .counting import CountEntry, CountLine, CountSheet
from .forecasts import Forecast, ForecastChunk, ForecastRun
from .planning import ReorderPolicy, ReorderTarget
from .purchasing import (
    LandedCost,
    PriceBreak,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    SupplierProduct,
    SupplierReturn,
    SupplierReturnLine,
)
from .reserving import Reservation, ReservationLine, Transfer, TransferLine
from .sales import (
    Order,
    OrderLine,
    OrderLineComponent,
    OrderReturn,
    OrderReturnLine,
    ReferenceCounter,
    ReturnedQuantity,
)
from .stock import Location, Lot, StockLevel, StockMovement, Warehouse
from .valuation import Digest, StockValueMonth

__all__ = [
    "Barcode",
    "Category",
    "CountEntry",
    "CountLine",
    "CountSheet",
    "Digest",
    "Forecast",
    "ForecastChunk",
    "ForecastRun",
    "KitComponent",
    "LandedCost",
    "Location",
    "Lot",
    "Order",
    "OrderLine",
    "OrderLineComponent",
    "OrderReturn",
    "OrderReturnLine",
    "Packaging",
    "PriceBreak",
    "Product",
    "PurchaseOrder",
    "PurchaseOrderLine",
    "Receipt",
    "ReceiptLine",
    "ReferenceCounter",
    "ReorderPolicy",
    "ReorderTarget",
    "Reservation",
    "ReservationLine",
    "ReturnedQuantity",
    "StockLevel",
    "StockMovement",
    "StockValueMonth",
    "Supplier",
    "SupplierProduct",
    "SupplierReturn",
    "SupplierReturnLine",
    "Tracking",
    "Transfer",
    "TransferLine",
    "Unit",
    "Warehouse",
    "validate_gtin",
]
