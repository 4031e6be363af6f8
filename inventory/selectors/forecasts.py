"""Stored forecasts, and those made when asked."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from inventory.forecasting import Abstained, Peer
from inventory.forecasting.analogy import METHOD
from inventory.models import Forecast, Product
from inventory.models.columns import MAX_QUANTITY

HISTORY_DAYS = 364
"""52 whole weeks"""
HORIZON_DAYS = 28
"""of `expected`, `low` and `high` of a stored forecast"""
PEERS_DAYS = 7
"""Forecasts of a category's products may be so old to be an example for a new one."""


def forecast_get(*, product: Product, today: date) -> Forecast | Abstained:
    """The forecast of the days from `today` on, for any horizon: the stored one if it rests on yesterday (one query),
    else made now and not stored, or a refusal with its reasons.
    """
    stored = Forecast.objects.filter(product=product, made_on=today - timedelta(days=1)).first()
    return stored or forecast_make(product=product, today=today)


def forecast_make(*, product: Product, today: date) -> Forecast | Abstained:
    """A forecast that is not stored, or a refusal; up to seven queries."""
    # Late import: numpy, which a web process needs only where the night's forecast is missing.
    from inventory.forecast_making import forecasts_make

    return forecasts_make([product], today=today)[product.pk]


def peers_of(categories: Sequence[int], *, today: date) -> dict[int, dict[int, Peer]]:
    """By category, the active products with a forecast from their own history that is not too old; one query."""
    rows = Forecast.objects.filter(
        product__category__in=categories, product__active=True, made_on__gte=today - timedelta(days=PEERS_DAYS)
    ).exclude(method=METHOD)
    found: dict[int, dict[int, Peer]] = {}
    for category, key, stored, kind in rows.values_list("product__category_id", "product_id", "quantiles", "kind"):
        found.setdefault(category, {})[key] = peer_of(stored, kind)
    return found


def peer_of(stored: Mapping[str, Any], kind: str) -> Peer:
    return Peer(stored["day_mean"], stored["day_sd"], kind)


def as_quantity(units: float) -> Decimal:
    """Statistics as a quantity that fits its column."""
    return min(Decimal(repr(round(max(units, 0.0), 3))), MAX_QUANTITY)
