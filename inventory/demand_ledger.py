"""The shop's own demand by product and day, as a table. It imports numpy: import it where it is used."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from .models import Product
from .selectors.catalog import IS_KIT
from .selectors.demand import demand_rows

Array = NDArray[np.float64]
MOST_DAYS = 728


def demand_of_ledger(*, today: date) -> tuple[date, Array, Array]:
    """The first day of sales within two years, units by product and day up to yesterday, and what one unit of each
    costs (not a number, where that isn't known). Kits are left out; three queries.
    """
    rows = Product.objects.filter(active=True).exclude(IS_KIT)
    costs = {
        key: np.nan if cost is None else float(cost) for key, cost in rows.order_by("pk").values_list("pk", "cost")
    }
    place = {key: index for index, key in enumerate(costs)}
    since, last = today - timedelta(days=MOST_DAYS), today - timedelta(days=1)
    units = np.zeros((len(place), MOST_DAYS))
    for key, day, sold in demand_rows(rows.order_by().values("pk"), since=since, until=last):
        units[place[key], (day - since).days] = float(sold)
    sold_any = (units > 0).any(axis=0)
    first = int(sold_any.argmax()) if sold_any.any() else MOST_DAYS
    return since + timedelta(days=first), units[:, first:], np.array(list(costs.values()))
