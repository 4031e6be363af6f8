"""One product, by its SKU or a code that was scanned, now or at a past moment."""

from decimal import Decimal

from django.utils import timezone

from inventory import selectors
from inventory.places_presenting import stock_at
from inventory.places_schemas import StockAt
from inventory.presenting import stock_item
from inventory.schemas import ScannedItem, StockQuery
from inventory.selectors.history import stock_then
from inventory.services.units import product_by_code
from shop_assistant.agents.errors import ClarificationNeeded


def looked_up(data: StockQuery) -> ScannedItem | StockAt:
    """:raises ClarificationNeeded: for two products, none, or a moment that is still to come."""
    if data.sku is not None and data.barcode is not None:
        raise ClarificationNeeded("Give one of sku and barcode.", field="barcode")
    if data.sku is not None:
        product, pack = selectors.product_get(sku=data.sku), None
    elif data.barcode is not None:
        product, pack = product_by_code(data.barcode)
    else:
        raise ClarificationNeeded("`at` is for one product: name its sku or barcode.", field="sku")
    if data.at is not None:
        if data.at > timezone.now():
            raise ClarificationNeeded("`at` is a past moment: this one is still to come.", field="at")
        return stock_at(product, data.at, stock_then(product=product, at=data.at))
    return ScannedItem(
        **stock_item(product, selectors.stock_of(product)).model_dump(),
        packaging=pack.name if pack else None,
        pack_quantity=pack.quantity if pack else Decimal(1),
    )
