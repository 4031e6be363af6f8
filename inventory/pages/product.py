"""A product at a glance, for those who work with it: its stock, what is under way, and what is expected of it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from audit.admin_columns import badge, neat
from inventory.forecasting import Abstained
from inventory.models import Product, PurchaseOrderLine
from inventory.reorder_reviews import Review
from inventory.selectors import Stock, missing_of, reorder_point_of, reorder_review, stock_of
from inventory.selectors.analysis import worth
from inventory.selectors.catalog import COMPANIONS
from inventory.selectors.stock_card import lines_on_order

from .product_chart import demand_chart, stock_chart, units_told
from .product_orders import offers, purchase_orders, reservations, transfers
from .product_outlook import AHEAD, WEEKS, Outlook, outlook_of
from .product_tables import components, day_told, movements, places
from .reorder import MAY_LOOK
from .value import MAY_VALUE, money

WIDE = {"before": WEEKS, "after": AHEAD, "width": 900}
NARROW = {"before": 13, "after": 6, "width": 340}
"""on a phone"""
SOON = 7
"""Days; what lasts no longer is coloured."""
ZERO = Decimal(0)


def stock_card(request: HttpRequest, key: str) -> HttpResponse:
    """Who may view products may look at it; money is for those who may value the stock.

    :param key: the product's primary key.
    :raises Http404: when there is none.
    """
    product, today = _product(key), timezone.localdate()
    costs = request.user.has_perm(MAY_VALUE)
    stock, on_order = stock_of(product), lines_on_order(product)
    review = None if stock.parts else next(iter(reorder_review(products=_only(product), today=today)), None)
    point = review.plan.reorder_point if review and review.plan else reorder_point_of(product)
    outlook = outlook_of(product, stock, on_order, point, today=today)
    tables = _tables(request, product, stock, on_order, costs=costs)
    page = {
        **admin.site.each_context(request),
        "title": str(product),
        "state": _state(product, stock),
        "facts": " · ".join(_facts(product)),
        "links": _links(request, product),
        "tiles": _tiles(product, stock, on_order, outlook, today, costs=costs),
        "reorder": _reorder(request, review),
        **_charts(outlook),
        "forecast": _forecast(outlook),
        "point": None if point is None else neat(point, 3),
        "tables": [table for table in tables if table.found],
        "empty": [table.empty for table in tables if not table.found],
    }
    return render(request, "stock/product.html", page)


def _product(key: str) -> Product:
    found = key.isascii() and key.isdigit() and len(key) < 19
    product: Product | None = Product.objects.select_related(*COMPANIONS).filter(pk=key).first() if found else None
    if product is None:
        raise Http404("There is no such product.")
    return product


def _only(product: Product) -> Any:
    return Product.objects.filter(pk=product.pk)


def _state(product: Product, stock: Stock) -> list[Any]:
    made = [] if product.active else [badge("not for sale", "warning")]
    if product.needs_review:
        made.append(badge("to review", "warning"))
    if stock.parts:
        made.append(badge("kit", "info"))
    if product.tracking != "none":
        made.append(badge(product.get_tracking_display()))
    return made


def _facts(product: Product) -> list[str]:
    named = [str(product.category or ""), product.barcode or "", f"counted by the {product.get_unit_display()}"]
    return [fact for fact in named if fact]


def _links(request: HttpRequest, product: Product) -> list[tuple[str, str]]:
    change = reverse("admin:inventory_product_change", args=[product.pk])
    sell = reverse("operation", args=["sales", "sell"], query={"lines": f"{product.sku} 1"})
    name = "Edit" if request.user.has_perm("inventory.change_product") else "Details"
    return [(name, change), *([("Sell", sell)] if request.user.has_perm("agents.sales.sell") else [])]


def _tiles(
    product: Product,
    stock: Stock,
    on_order: Sequence[PurchaseOrderLine],
    outlook: Outlook,
    today: date,
    *,
    costs: bool,
) -> list[dict[str, Any]]:
    out = product.active and stock.available <= 0
    available = {"title": "Available", "value": neat(stock.available, 3), "bad": out, "told": "can be sold now"}
    if stock.parts:
        available["told"] = "kits that can be sold now"
        return [available, _on_hand(stock, "kits that what lies there makes"), _lasts(stock, outlook, today)]
    tiles = [
        available,
        _on_hand(stock, "on a shelf"),
        {"title": "Reserved", "value": neat(stock.reserved, 3), "told": "promised to customers"},
        {"title": "Quarantined", "value": neat(stock.quarantined, 3), "told": "on hand, but not for sale"},
        {"title": "In transit", "value": neat(stock.in_transit, 3), "told": "between two of our places"},
        _coming(on_order, today),
        _lasts(stock, outlook, today),
    ]
    return [*tiles, _value(product, stock)] if costs else tiles


def _on_hand(stock: Stock, told: str) -> dict[str, Any]:
    return {"title": "On hand", "value": neat(stock.on_hand, 3), "told": told}


def _coming(lines: Sequence[PurchaseOrderLine], today: date) -> dict[str, Any]:
    quantity = sum((missing_of(line.purchase_order, line) for line in lines), ZERO)
    days = [line.purchase_order.expected_on for line in lines if line.purchase_order.sent_at]
    first = min((day for day in days if day), default=None)
    late = first is not None and first < today
    told = (
        "nothing is to come" if not lines else "not sent yet" if first is None else f"next expected {day_told(first)}"
    )
    return {"title": "On order", "value": neat(quantity, 3), "told": told, "late": late}


def _lasts(stock: Stock, outlook: Outlook, today: date) -> dict[str, Any]:
    made, day = outlook.made, outlook.picture.runs_out
    if stock.available <= 0:
        return {"title": "Lasts", "value": "sold out", "told": "there is none to sell", "bad": True}
    if isinstance(made, Abstained):
        return {"title": "Lasts", "value": "not known", "told": "too little is sold for a forecast"}
    if day is None or outlook.cover is None:
        return {"title": "Lasts", "value": "for ever", "told": "as little as is sold"}
    days = int(outlook.cover)
    value = f"{days} day{'' if days == 1 else 's'}"
    return {"title": "Lasts", "value": value, "told": f"until {day_told(day)}", "bad": (day - today).days < SOON}


def _value(product: Product, stock: Stock) -> dict[str, Any]:
    if product.cost is None:
        return {"title": "Stock value", "value": "not known", "told": "the product has no cost"}
    there = worth(stock.on_hand + stock.in_transit, product.cost)
    told = f"{settings.SHOP_CURRENCY}, at today's cost of {neat(product.cost, 4)}"
    return {"title": "Stock value", "value": money(there), "told": told}


def _reorder(request: HttpRequest, review: Review | None) -> dict[str, Any] | None:
    """What the reorder review says of it, for those who may look at that."""
    if review is None or not request.user.has_perm(MAY_LOOK):
        return None
    plan, supplier = review.plan, review.product.supplier
    quantity = plan.quantity if plan else ZERO
    first, *more = review.reason.split(". ")
    title = f"Order {neat(quantity, 3)}" if quantity else "Nothing to order" if plan else "What to order is not known"
    return {
        "title": f"{title} from {supplier.name}" if quantity and supplier else title,
        "url": reverse("reorder", query={"supplier": supplier.code} if supplier else None),
        "why": first,
        "more": more,
    }


def _charts(outlook: Outlook) -> dict[str, Any]:
    """Each for a screen and for a phone; none where there is nothing to draw."""
    picture = outlook.picture
    within = [day for day in [picture.runs_out] if day and (day - picture.today).days < AHEAD * 7]
    drawn: dict[str, Any] = {"weeks": WEEKS, "arrivals": bool(picture.arrivals), "runs_out": bool(within)}
    if outlook.sold or picture.expected:
        drawn["demand"] = (demand_chart(picture, **WIDE), demand_chart(picture, **NARROW))
    if any(picture.stock) or picture.arrivals:
        drawn["stock"] = (stock_chart(picture, **WIDE), stock_chart(picture, **NARROW))
    return drawn


def _forecast(outlook: Outlook) -> dict[str, Any]:
    made = outlook.made
    if isinstance(made, Abstained):
        return {"reasons": made.reasons}
    error = made.backtest.get("wape")
    return {
        **{name: units_told(float(getattr(made, name))) for name in ("expected", "low", "high")},
        "kind": made.kind,
        "method": made.method,
        "error": None if error is None else f"{error:.0%}",
    }


def _tables(
    request: HttpRequest, product: Product, stock: Stock, on_order: Sequence[PurchaseOrderLine], *, costs: bool
) -> list[Any]:
    """A kit has no stock of its own, and is not ordered."""
    if stock.parts:
        return [components(request, stock), reservations(request, product)]
    return [
        places(request, product, stock),
        purchase_orders(request, product, on_order, costs=costs),
        reservations(request, product),
        transfers(request, product),
        movements(request, product),
        offers(request, product, costs=costs),
    ]
