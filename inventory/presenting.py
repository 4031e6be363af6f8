"""Products, forecasts and reviews as the operations answer them."""

from datetime import date, timedelta

from django.conf import settings

from shop_assistant.money import round_money

from . import selectors
from .forecasting import Forecasted
from .models import Forecast, Product
from .schemas import Backtest, DayExpected, DemandForecast, Evidence, HistorySeen, Place, ReorderItem, StockItem
from .selectors import Review, Stock


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
        locations=[Place(location=v.location.code, on_hand=v.on_hand, reserved=v.reserved) for v in stock.levels],
        low_stock=selectors.is_low(product, stock),
        reorder_point=selectors.reorder_point_of(product),
        active=product.active,
    )


def demand_forecast(product: Product, horizon: int, today: date, made: Forecast | Forecasted) -> DemandForecast:
    last = today + timedelta(days=horizon - 1)
    if isinstance(made, Forecasted):
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
            history=HistorySeen(days=made.days, sale_days=made.sale_days, units=selectors.as_quantity(made.units)),
            abstained=True,
            reasons=list(made.reasons),
        )
    return DemandForecast(
        sku=product.sku,
        method=made.method,
        horizon_days=horizon,
        first_day=today,
        last_day=last,
        expected=made.expected,
        low=made.low,
        high=made.high,
        daily=[
            DayExpected(day=today + timedelta(days=number), expected=selectors.as_quantity(units))
            for number, units in enumerate(made.daily)
        ],
        backtest=Backtest(**made.backtest),
        history=HistorySeen(**made.history),
        abstained=False,
        reasons=[],
    )


def reorder_item(review: Review) -> ReorderItem:
    plan, product = review.planned, review.product
    return ReorderItem(
        sku=product.sku,
        product_name=product.name,
        supplier=product.supplier.code if product.supplier else None,
        quantity=plan.quantity,
        unit_cost=product.cost,
        cost=None if product.cost is None else round_money(plan.quantity * product.cost, settings.SHOP_CURRENCY),
        available=review.available,
        on_order=review.on_order,
        reorder_point=plan.reorder_point,
        order_up_to=plan.order_up_to,
        reason=review.reason,
        evidence=Evidence(**selectors.evidence_of(review)),
    )
