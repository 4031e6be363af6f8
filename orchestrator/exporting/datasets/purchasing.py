"""Suppliers, what they offer, and purchase orders line by line."""

from typing import Any

from django.db.models import BooleanField, Case, CharField, F, Value, When
from django.db.models.functions import Cast

from inventory.models import PriceBreak, PurchaseOrder, PurchaseOrderLine, Supplier, SupplierProduct
from inventory.selectors.purchasing import MISSING, PLANNED

from ..definitions import Column, Dataset, Kind, Part

TIME, NUMBER, FLAG = Kind.TIME, Kind.NUMBER, Kind.FLAG

SUPPLIERS = Dataset(
    name="suppliers",
    about="Who delivers to the shop; import_purchasing takes it as it is.",
    permissions=("inventory.view_supplier",),
    columns=(
        Column("code", "the supplier's key"),
        Column("name", "what it is called"),
        Column("email", "where orders go"),
        Column("phone", "whom to call about them"),
        Column("lead_time_days", "from order to shelf, as entered", NUMBER),
        Column("lead_time_spread", "standard deviation of it, in days", NUMBER),
        Column("over_delivery", "percent that may arrive beyond what was ordered", NUMBER),
        Column("active", "false: no longer ordered from", FLAG),
    ),
    parts=(
        Part(
            rows=lambda: Supplier.objects.order_by("code"),
            sources={
                "code": "code",
                "name": "name",
                "email": "email",
                "phone": "phone",
                "lead_time_days": "lead_time_days",
                "lead_time_spread": "lead_time_spread",
                "over_delivery": "over_delivery",
                "active": "active",
            },
            conditions={"supplier": "pk"},
        ),
    ),
)


def _preferred() -> Case:
    is_own = When(product__supplier=F("supplier"), then=Value(True))
    return Case(is_own, default=Value(False), output_field=BooleanField())


SUPPLIER_PRODUCTS = Dataset(
    name="supplier_products",
    about="What suppliers charge, then their price breaks; import_purchasing takes it as it is.",
    permissions=("inventory.view_supplierproduct",),
    columns=(
        Column("supplier", "code"),
        Column("sku", "the product's key"),
        Column("name", "what the product is called"),
        Column("supplier_sku", "what the supplier calls it"),
        Column("from_quantity", "of a price break: from so many units on; empty: what it costs otherwise", NUMBER),
        Column("unit_cost", "of one unit of the product, without tax", NUMBER),
        Column("pack_size", "orders are rounded up to whole packs", NUMBER),
        Column("minimum_order", "units", NUMBER),
        Column("lead_time_days", "where it is not that of the supplier", NUMBER),
        Column("preferred", "true: the product is usually ordered here", FLAG),
    ),
    parts=(
        Part(
            rows=lambda: SupplierProduct.objects.order_by("supplier__code", "product__sku"),
            sources={
                "supplier": "supplier__code",
                "sku": "product__sku",
                "name": "product__name",
                "supplier_sku": "supplier_sku",
                "unit_cost": "unit_cost",
                "pack_size": "pack_size",
                "minimum_order": "minimum_order",
                "lead_time_days": "lead_time_days",
                "preferred": _preferred(),
            },
            conditions={"supplier": "supplier", "sku": "product"},
        ),
        Part(
            rows=lambda: PriceBreak.objects.order_by("offer__supplier__code", "offer__product__sku", "quantity"),
            sources={
                "supplier": "offer__supplier__code",
                "sku": "offer__product__sku",
                "name": "offer__product__name",
                "supplier_sku": "offer__supplier_sku",
                "from_quantity": "quantity",
                "unit_cost": "unit_cost",
            },
            conditions={"supplier": "offer__supplier", "sku": "offer__product"},
        ),
    ),
)


def _missing() -> Any:
    return Case(
        When(purchase_order__status__in=PLANNED, then=MISSING), default=Value(0), output_field=MISSING.output_field
    )


PURCHASE_ORDERS = Dataset(
    name="purchase_orders",
    about="Lines of all purchase orders, in the order in which they were made; import_purchasing takes it as it is.",
    permissions=("inventory.view_purchaseorder",),
    columns=(
        Column("order", "its reference"),
        Column("supplier", "code"),
        Column("status", ", ".join(PurchaseOrder.Status.values)),
        Column("sku", "the product's key"),
        Column("name", "what the product is called"),
        Column("supplier_sku", "what the supplier calls it"),
        Column("quantity", "units ordered", NUMBER),
        Column("unit_cost", "of one unit, without tax", NUMBER),
        Column("received", "units", NUMBER),
        Column("returned", "of the units received, sent back", NUMBER),
        Column("missing", "units that are still to arrive", NUMBER),
        Column("currency", "of the amounts, ISO 4217"),
        Column("expected_on", "day"),
        Column("created_at", "when the order was drafted", TIME),
        Column("approved_at", "", TIME),
        Column("approved_by", "user"),
        Column("sent_at", "", TIME),
        Column("ended_at", "when it was closed or cancelled", TIME),
        Column("user_id", "who made or last changed it"),
    ),
    parts=(
        Part(
            rows=lambda: PurchaseOrderLine.objects.order_by("purchase_order_id", "pk"),
            sources={
                "order": "purchase_order__reference",
                "supplier": "purchase_order__supplier__code",
                "status": "purchase_order__status",
                "sku": "product__sku",
                "name": "product__name",
                "supplier_sku": "supplier_sku",
                "quantity": "quantity",
                "unit_cost": "unit_cost",
                "received": "received",
                "returned": "returned",
                "missing": _missing(),
                "currency": "purchase_order__currency",
                "expected_on": Cast("purchase_order__expected_on", CharField()),
                "created_at": "purchase_order__created_at",
                "approved_at": "purchase_order__approved_at",
                "approved_by": "purchase_order__approved_by",
                "sent_at": "purchase_order__sent_at",
                "ended_at": "purchase_order__ended_at",
                "user_id": "purchase_order__user_id",
            },
            conditions={
                "time": "purchase_order__created_at",
                "supplier": "purchase_order__supplier",
                "sku": "product",
                "status": "purchase_order__status",
                "by": "purchase_order__user_id",
            },
        ),
    ),
    choices={"status": tuple(PurchaseOrder.Status.values)},
)
