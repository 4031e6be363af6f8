"""What is under way of one product: ordered, between two places, and what suppliers offer it for."""

from decimal import Decimal

from django.db.models import F

from inventory.models import Product, PurchaseOrderLine, SupplierProduct, TransferLine

from .purchasing import PLANNED

ZERO = Decimal(0)


def lines_on_order(product: Product) -> list[PurchaseOrderLine]:
    """Lines of purchase orders, drafts included, of which something has not arrived yet, with order and supplier; the
    next expected first, those without a date last. One query.
    """
    rows = PurchaseOrderLine.objects.filter(
        product=product, purchase_order__status__in=PLANNED, quantity__gt=F("received")
    )
    dated = F("purchase_order__expected_on").asc(nulls_last=True)
    return list(rows.select_related("purchase_order__supplier").order_by(dated, "pk"))


def lines_in_transit(product: Product) -> list[tuple[TransferLine, Decimal]]:
    """Lines of open transfers of which something is still on its way, and how much; the oldest first. One query."""
    rows = TransferLine.objects.filter(product=product, transfer__closed_at=None)
    found = rows.select_related("transfer__source", "transfer__destination", "lot").order_by("transfer", "pk")
    left = [(line, line.sent - line.arrived - line.lost) for line in found]
    return [(line, quantity) for line, quantity in left if quantity > ZERO]


def product_offers(product: Product) -> list[SupplierProduct]:
    """Every supplier's offer of it with the price breaks, the cheapest unit first; two queries."""
    rows = SupplierProduct.objects.filter(product=product).select_related("supplier").prefetch_related("breaks")
    return list(rows.order_by("unit_cost", "supplier__name"))
