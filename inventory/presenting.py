"""Products, forecasts and reviews as the operations answer them."""

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from . import selectors
from .forecasting import Abstained, quantile_of_sum
from .models import Forecast, Product, StockLevel
from .models.columns import MAX_QUANTITY
from .schemas import (
    Backtest,
    Component,
    DayExpected,
    DemandForecast,
    HistorySeen,
    Place,
    QuantileExpected,
    StockItem,
)
from .selectors import Stock

ZERO = Decimal(0)
LOW, HIGH = 0.05, 0.95
"""levels of the ends of the 90 % interval"""
SHOWN = (0.5, 0.8, 0.9, HIGH, 0.99)


def stock_item(product: Product, stock: Stock) -> StockItem:
    return StockItem(
        sku=product.sku,
        product_name=product.name,
        quantity=stock.on_hand,
        unit_price=product.list_price,
        warehouse_location=stock.location,
        available=stock.available,
        reserved=stock.reserved,
        currency=settings.SHOP_CURRENCY,
        unit=product.unit,
        category=product.category.name if product.category else None,
        barcode=product.barcode,
        locations=[_place(level) for level in stock.levels],
        quarantined=stock.quarantined,
        in_transit=stock.in_transit,
        oversold=any(level.oversold for level in stock.levels),
        tracking=product.tracking,
        components=[Component(sku=part.component.sku, quantity=part.quantity) for part, _ in stock.parts],
        low_stock=selectors.is_low(product, stock),
        reorder_point=selectors.reorder_point_of(product),
        active=product.active,
    )


def _place(level: StockLevel) -> Place:
    return Place(
        location=level.location.code,
        on_hand=level.on_hand,
        reserved=level.reserved,
        kind=level.location.kind,
        lot=level.lot.code if level.lot else None,
        expires_on=level.lot.expires_on if level.lot else None,
        blocked=bool(level.lot and level.lot.blocked),
    )


def demand_forecast(product: Product, horizon: int, today: date, made: Forecast | Abstained) -> DemandForecast:
    last = today + timedelta(days=horizon - 1)
    if isinstance(made, Abstained):
        return DemandForecast(
            sku=product.sku,
            method=None,
            horizon_days=horizon,
            first_day=today,
            last_day=last,
            expected=None,
            low=None,
            high=None,
            daily=[],
            backtest=None,
            demand_class=None,
            quantiles=[],
            history=HistorySeen(days=made.days, sale_days=made.sale_days, units=selectors.as_quantity(made.units)),
            abstained=True,
            reasons=list(made.reasons),
        )
    daily = [selectors.as_quantity(made.daily[number % len(made.daily)]) for number in range(horizon)]
    expected = min(sum(daily, ZERO), MAX_QUANTITY)
    levels = {level: selectors.as_quantity(quantile_of_sum(made.quantiles, horizon, level)) for level in (LOW, *SHOWN)}
    return DemandForecast(
        sku=product.sku,
        method=made.method,
        horizon_days=horizon,
        first_day=today,
        last_day=last,
        expected=expected,
        low=min(levels[LOW], expected),
        high=max(levels[HIGH], expected),
        daily=[DayExpected(day=today + timedelta(days=number), expected=units) for number, units in enumerate(daily)],
        backtest=Backtest(**made.backtest),
        demand_class=made.kind,
        quantiles=[QuantileExpected(level=Decimal(str(level)), units=levels[level]) for level in SHOWN],
        history=HistorySeen(**made.history),
        abstained=False,
        reasons=[],
    )
