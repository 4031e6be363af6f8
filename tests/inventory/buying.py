"""Suppliers and purchase orders for the tests of purchasing."""

from decimal import Decimal
from typing import Any

from django.db import transaction

from inventory.models import PriceBreak, Product, PurchaseOrder, Supplier, SupplierProduct
from inventory.services import (
    Delivered,
    WantedLine,
    purchase_approve,
    purchase_create,
    purchase_receive,
    purchase_send,
)
from shop_assistant.agents import call

from .making import USER, product

OTHER = "USER-OTHER"


def supplier(code: str = "ACME", **fields: Any) -> Supplier:
    made: Supplier = Supplier.objects.create(code=code, **{"name": f"{code} Ltd", "lead_time_days": 7, **fields})
    return made


def offer(
    of: Supplier, item: Product, cost: str, breaks: dict[int, str] | None = None, **fields: Any
) -> SupplierProduct:
    made: SupplierProduct = SupplierProduct.objects.create(supplier=of, product=item, unit_cost=Decimal(cost), **fields)
    for quantity, less in (breaks or {}).items():
        PriceBreak.objects.create(offer=made, quantity=Decimal(quantity), unit_cost=Decimal(less))
    return made


def ordered(
    of: Supplier, *lines: tuple[Product, int | str], costs: dict[str, str] | None = None, user_id: str = USER
) -> PurchaseOrder:
    """A draft of what is wanted of these products."""
    costs = costs or {}
    with transaction.atomic():
        return purchase_create(
            supplier=of,
            lines=[
                WantedLine(
                    product=item,
                    quantity=Decimal(quantity),
                    unit_cost=Decimal(costs[item.sku]) if item.sku in costs else None,
                )
                for item, quantity in lines
            ],
            user_id=user_id,
        )


def sent(of: Supplier, *lines: tuple[Product, int | str], **options: Any) -> PurchaseOrder:
    """An order on its way."""
    order = ordered(of, *lines, **options)
    with transaction.atomic():
        purchase_approve(order=order, user_id=OTHER)
        return purchase_send(order=order)


def shelf(*skus: str, **fields: Any) -> list[Product]:
    return [product(sku, **fields) for sku in skus]


def receive(order: PurchaseOrder, *lines: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """Through the operation; no lines: everything that is missing."""
    return call("inventory", "purchase_receive", {"order": order.reference, "lines": list(lines) or None, **payload})


def orders_waiting() -> None:
    """PO-9001 to PO-9011 of ACME, ten of SKU002 each: what the payloads of `tests.cases` are about."""
    of, item = Supplier.objects.get(code="ACME"), Product.objects.get(sku="SKU002")
    for number in range(9001, 9012):
        with transaction.atomic():
            order = purchase_create(
                supplier=of,
                lines=[WantedLine(product=item, quantity=Decimal(10))],
                user_id=USER,
                reference=f"PO-{number}",
            )
            if 9003 <= number <= 9009:
                purchase_approve(order=order, user_id=OTHER)
            if 9005 <= number <= 9009:
                purchase_send(order=order)
            if 9007 <= number <= 9009:
                came = [Delivered(product=item, quantity=Decimal(4))]
                purchase_receive(order=order, delivered=came, user_id=USER)
