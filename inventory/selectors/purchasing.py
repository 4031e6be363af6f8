"""What suppliers offer, what is ordered from them and how far it has come."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Case, DecimalField, F, QuerySet, Sum, Value, When
from django.db.models.functions import Lower, Round

from inventory.models import Product, PurchaseOrder, PurchaseOrderLine, Supplier, SupplierProduct
from inventory.offers import Offer
from shop_assistant.agents.errors import NotFound

Status = PurchaseOrder.Status
ZERO = Decimal(0)
UNDER_WAY = (Status.APPROVED, Status.SENT, Status.PARTLY_RECEIVED)
"""Ordered, and not all of it has arrived."""
PLANNED = (Status.DRAFT, *UNDER_WAY)
MISSING: Any = Case(
    When(quantity__gt=F("received"), then=F("quantity") - F("received")),
    default=Value(ZERO),
    output_field=DecimalField(max_digits=13, decimal_places=3),
)
"""What of a purchase order's line has not arrived yet."""


def missing_of(order: PurchaseOrder, line: PurchaseOrderLine) -> Decimal:
    """What of an order's line has not arrived yet; nothing once the order has ended."""
    return max(line.quantity - line.received, ZERO) if order.status in PLANNED else ZERO


def on_order_of(products: Iterable[Any] | QuerySet[Any, Any]) -> dict[int, Decimal]:
    """How much of these products is in purchase orders, drafts included, and has not arrived yet, by the product's
    primary key; those with nothing on order are left out. One query.

    :param products: products, their primary keys, or a query of either.
    """
    rows = PurchaseOrderLine.objects.filter(
        purchase_order__status__in=PLANNED, product__in=products, quantity__gt=F("received")
    )
    return dict(
        rows.order_by()
        .values("product_id")
        .annotate(whole=Round(Sum(MISSING), precision=3))
        .values_list("product_id", "whole")
    )


def purchase_get(*, reference: str) -> PurchaseOrder:
    """The purchase order with this reference, in any case, and its supplier; one query.

    :raises NotFound:
    """
    rows = PurchaseOrder.objects.select_related("supplier").alias(folded=Lower("reference"))
    found = rows.filter(folded=Lower(Value(reference.strip()))).first()
    if found is None:
        raise NotFound(f"Purchase order {reference} not found", order=reference)
    return found


def purchase_lines(order: PurchaseOrder) -> list[PurchaseOrderLine]:
    """An order's lines in order, with their product; one query."""
    return list(order.lines.select_related("product").order_by("pk"))


def purchases_list(
    *,
    supplier: Supplier | None = None,
    status: str | None = None,
    product: Product | None = None,
    limit: int,
    cursor: str | None,
) -> tuple[list[PurchaseOrder], str | None]:
    """Purchase orders, newest first, with supplier and lines, and where the next page begins; two queries."""
    rows = PurchaseOrder.objects.select_related("supplier").prefetch_related("lines__product").order_by("-pk")
    if supplier is not None:
        rows = rows.filter(supplier=supplier)
    if status == "open":
        rows = rows.filter(status__in=PLANNED)
    elif status is not None:
        rows = rows.filter(status=status)
    if product is not None:
        rows = rows.filter(lines__product=product)
    if cursor:
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None


def offers_of(products: Iterable[Any] | QuerySet[Any, Any]) -> dict[int, SupplierProduct]:
    """What each product's own supplier offers it for, with the price breaks, by the product's primary key; those
    without an offer are left out. Two queries, however many.

    :param products: products, their primary keys, or a query of either.
    """
    rows = SupplierProduct.objects.filter(product__in=products, supplier=F("product__supplier"))
    return {offer.product_id: offer for offer in rows.prefetch_related("breaks").order_by()}


def supplier_offers(supplier: Supplier, products: Iterable[Product]) -> dict[int, SupplierProduct]:
    """What this supplier offers these products for, with their price breaks, by product primary key; two queries."""
    rows = SupplierProduct.objects.filter(product__in=products, supplier=supplier)
    return {offer.product_id: offer for offer in rows.prefetch_related("breaks").order_by()}


def offer_terms(offer: SupplierProduct) -> Offer:
    """As the pure functions of inventory.offers take it; no query where the breaks came along."""
    return Offer(
        unit_cost=offer.unit_cost,
        pack_size=Decimal(offer.pack_size),
        minimum_order=Decimal(offer.minimum_order),
        breaks=tuple((each.quantity, each.unit_cost) for each in offer.breaks.all()),
    )
