"""The inventory agent: what is in stock, what changes it, what will be sold and what to order."""

from decimal import Decimal

from django.utils import timezone

from shop_assistant.agents import Agent, Context, Effect, operation
from shop_assistant.agents.roles import COUNTER, STAFF

from . import selectors, services
from .models import Lot, Product, StockMovement
from .operations import (
    CountingOperations,
    PlacesOperations,
    PurchasingOperations,
    ReorderingOperations,
    ReservingOperations,
    ValuingOperations,
)
from .operations.looking_up import looked_up
from .places_schemas import StockAt
from .presenting import demand_forecast, stock_item
from .schemas import (
    DemandForecast,
    ForecastQuery,
    ScannedItem,
    StockItem,
    StockPage,
    StockQuery,
    StockUpdate,
    StockUpdated,
)
from .services.units import in_base_units

KINDS_IN = {"receipt": StockMovement.Kind.RECEIPT, "delivery": StockMovement.Kind.RECEIPT}
KINDS_OUT = dict.fromkeys(("write-off", "damaged", "lost"), StockMovement.Kind.WRITE_OFF)


class InventoryAgent(
    ReservingOperations,
    PlacesOperations,
    CountingOperations,
    PurchasingOperations,
    ReorderingOperations,
    ValuingOperations,
    Agent,
):
    name = "inventory"
    pages = ("inventory",)

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/query", audit="looked up the stock of {sku}")
    def query(self, context: Context, data: StockQuery) -> StockItem | ScannedItem | StockAt | StockPage:
        """Look up a product's stock, price and place by its SKU or barcode, now or at a past moment; or list products
        by search text, category or low stock.
        """
        if data.barcode is not None or data.at is not None:
            return looked_up(data)
        if data.sku is not None:
            return stock_item(*selectors.product_with_stock(sku=data.sku))
        page = selectors.stock_list(
            search=data.search,
            category=selectors.category_get(name=data.category) if data.category else None,
            low_stock=data.low_stock,
            oversold=data.oversold,
            limit=data.limit,
            cursor=data.cursor,
        )
        return StockPage(
            items=[stock_item(product, page.stocks[product.pk]) for product in page.products],
            next_cursor=page.next_cursor,
        )

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/update",
        audit="stock of {sku} at {location}: {previous_quantity} to {quantity}",
    )
    def update(self, context: Context, data: StockUpdate) -> StockUpdated:
        """Change a product's stock by a delta (a delivery, something damaged or lost), or set it after a count."""
        product, stock = services.stock_lock(sku=data.sku)
        data = _in_own_unit(product, data)
        location = selectors.location_get(code=data.location) if data.location else None
        lot = _lot(product, data)
        if data.delta is not None:
            change = services.stock_adjust(
                product=product,
                delta=data.delta,
                kind=_kind(data.reason, data.delta),
                location=location,
                lot=lot,
                reason=data.reason or "",
                expected_quantity=data.expected_quantity,
                user_id=context.user_id,
                task_id=context.task_id,
                locked=stock,
            )
        else:
            change = services.stock_set(
                product=product,
                quantity=data.quantity or Decimal(0),
                location=location,
                lot=lot,
                reason=data.reason or "",
                expected_quantity=data.expected_quantity,
                user_id=context.user_id,
                task_id=context.task_id,
                locked=stock,
            )
        return StockUpdated(
            sku=product.sku,
            product_name=product.name,
            quantity=change.stock.on_hand,
            previous_quantity=change.previous,
            available=change.stock.available,
            location=change.location.code,
            lot=change.lot.code if change.lot else None,
            movement_id=change.movement.pk if change.movement else None,
            reason=data.reason,
        )

    @operation(
        roles=STAFF,
        effect=Effect.READ,
        route="inventory/forecast",
        audit="forecast {expected} of {sku} in {horizon_days} days",
    )
    def forecast(self, context: Context, data: ForecastQuery) -> DemandForecast:
        """Forecast how many units of a product will be sold in the coming days, with an interval and how well such
        forecasts did in the past.
        """
        product = selectors.product_get(sku=data.sku)
        today = timezone.localdate()
        made = selectors.forecast_get(product=product, today=today)
        return demand_forecast(product, data.horizon_days, today, made)


def _in_own_unit(product: Product, data: StockUpdate) -> StockUpdate:
    if data.unit is None:
        return data
    given = {name: getattr(data, name) for name in ("delta", "quantity", "expected_quantity")}
    own = {name: in_base_units(product, amount, data.unit) for name, amount in given.items() if amount is not None}
    return data.model_copy(update=own)


def _kind(reason: str | None, delta: Decimal) -> StockMovement.Kind:
    """The movement's kind that the reason names, where the sign allows it."""
    named = (KINDS_IN if delta > 0 else KINDS_OUT).get((reason or "").lower())
    return named or StockMovement.Kind.ADJUSTMENT


def _lot(product: Product, data: StockUpdate) -> Lot | None:
    """The lot named, made where goods of it come in for the first time."""
    if data.lot is None:
        return None
    if (data.delta or data.quantity or 0) > 0:
        return services.lot_for(product=product, code=data.lot, expires_on=data.expires_on)
    return services.lot_get(product=product, code=data.lot)
