"""The datasets by name."""

from ..definitions import Dataset
from .counting import COUNTS
from .people import CUSTOMERS, TICKETS
from .purchasing import PURCHASE_ORDERS, SUPPLIER_PRODUCTS, SUPPLIERS
from .sales import SALES
from .stock import INVENTORY, MOVEMENTS, PRICES
from .trail import AUDIT, TASKS

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        *(INVENTORY, MOVEMENTS, COUNTS, SUPPLIERS, SUPPLIER_PRODUCTS, PURCHASE_ORDERS),
        *(PRICES, SALES, CUSTOMERS, TICKETS, TASKS, AUDIT),
    )
}
