"""The datasets by name."""

from ..definitions import Dataset
from .people import CUSTOMERS, TICKETS
from .sales import SALES
from .stock import INVENTORY, MOVEMENTS, PRICES
from .trail import AUDIT, TASKS

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset for dataset in (INVENTORY, MOVEMENTS, PRICES, SALES, CUSTOMERS, TICKETS, TASKS, AUDIT)
}
