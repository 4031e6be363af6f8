"""The inventory agent: what is in stock, what changes it, what will be sold and what to order."""

from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from shop_assistant.agents import Agent, Context, Effect, Restriction, operation
from shop_assistant.agents.roles import COUNTER, MANAGEMENT, STAFF

from . import selectors, services
from .models import Product, StockMovement
from .presenting import demand_forecast, reorder_item, stock_item
from .schemas import (
    DemandForecast,
    ForecastQuery,
    Reordering,
    ReorderQuery,
    Skipped,
    StockItem,
    StockPage,
    StockQuery,
    StockUpdate,
    StockUpdated,
)
from .selectors import Review

LONGEST_LIST = 500
KINDS_IN = {"receipt": StockMovement.Kind.RECEIPT, "delivery": StockMovement.Kind.RECEIPT}
KINDS_OUT = dict.fromkeys(("write-off", "damaged", "lost"), StockMovement.Kind.WRITE_OFF)


class InventoryAgent(Agent):
    name = "inventory"
    pages = ("inventory",)

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/query", audit="looked up the stock of {sku}")
    def query(self, context: Context, data: StockQuery) -> StockItem | StockPage:
        """Look up a product's stock, price and place by its SKU, or list products by search text, category or low
        stock.
        """
        if data.sku is not None:
            return stock_item(*selectors.product_with_stock(sku=data.sku))
        page = selectors.stock_list(
            search=data.search,
            category=selectors.category_get(name=data.category) if data.category else None,
            low_stock=data.low_stock,
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
        location = selectors.location_get(code=data.location) if data.location else None
        if data.delta is not None:
            change = services.stock_adjust(
                product=product,
                delta=data.delta,
                kind=_kind(data.reason, data.delta),
                location=location,
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
        made = selectors.forecast_get(product=product, horizon_days=data.horizon_days, today=today)
        return demand_forecast(product, data.horizon_days, today, made)

    @operation(
        roles=STAFF,
        effect=lambda data: Effect.WRITE if data.create else Effect.READ,
        route="inventory/reorder",
        restrictions=(Restriction(name="create", when=lambda data: data.create, roles=MANAGEMENT),),
        audit="checked what to reorder, made {created} purchase orders",
    )
    def reorder(self, context: Context, data: ReorderQuery) -> Reordering:
        """Say which products to reorder now, how much of each and why; make draft purchase orders if told to."""
        if data.create:
            services.reordering_lock()
        reviews = selectors.reorder_review(
            products=_products(data), service_level=data.service_level, today=timezone.localdate()
        )
        lines = sorted((r for r in reviews if _shown(r, data)), key=_urgency)
        orders = []
        if data.create:
            orders = services.reorder_create(
                reviews=lines[:LONGEST_LIST], user_id=context.user_id, task_id=context.task_id
            )
        skipped = [Skipped(sku=r.product.sku, reason=reason) for r in reviews if (reason := _skipped(r, data))]
        abstained = bool(reviews) and all(r.plan is None for r in reviews)
        return Reordering(
            items=[reorder_item(review) for review in lines[:LONGEST_LIST]],
            skipped=skipped[:LONGEST_LIST],
            complete=len(lines) <= LONGEST_LIST and len(skipped) <= LONGEST_LIST,
            purchase_orders=[order.reference for order in orders],
            created=len(orders),
            abstained=abstained,
            reasons=sorted({r.reason for r in reviews})[:5] if abstained else [],
        )


def _kind(reason: str | None, delta: Decimal) -> StockMovement.Kind:
    """The movement's kind that the reason names, where the sign allows it."""
    named = (KINDS_IN if delta > 0 else KINDS_OUT).get((reason or "").lower())
    return named or StockMovement.Kind.ADJUSTMENT


def _products(data: ReorderQuery) -> QuerySet[Product]:
    """The products asked for; one that is named also when it is no longer sold."""
    products: QuerySet[Product] = Product.objects.all() if data.sku else Product.objects.filter(active=True)
    if data.sku:
        products = products.filter(pk=selectors.product_get(sku=data.sku).pk)
    if data.supplier:
        products = products.filter(supplier=selectors.supplier_get(code=data.supplier))
    return products


def _shown(review: Review, data: ReorderQuery) -> bool:
    return review.plan is not None and (review.plan.quantity > 0 or data.sku is not None)


def _urgency(review: Review) -> tuple[float, str]:
    cover = review.plan.days_of_cover if review.plan else None
    return (float("inf") if cover is None else cover), review.product.sku


def _skipped(review: Review, data: ReorderQuery) -> str:
    if review.plan is None:
        return review.reason
    if data.create and review.plan.quantity > 0 and review.product.supplier is None:
        return "has no supplier to order from"
    return ""
