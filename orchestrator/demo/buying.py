"""Purchase orders of the demo's year: each week's delivery of a few products was ordered, and came after some days."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from inventory.models import (
    Location,
    PriceBreak,
    Product,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    Supplier,
    SupplierProduct,
)
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.agents import Role
from shop_assistant.money import round_money

from .staff import PUBLIC_IDS

ORDERED = 12
"""products; the others come along without an order"""
PACK = Decimal(12)
Status = PurchaseOrder.Status


class Buying:
    """Gathers what arrived, and stores it as orders that were sent, received and closed."""

    def __init__(self, supplier: Supplier, products: Sequence[Product]) -> None:
        self.supplier = supplier
        self.products = {product.sku: product for product in products[:ORDERED]}
        self.arrived: dict[date, list[tuple[Product, Location, int]]] = {}
        self.mornings: dict[date, datetime] = {}

    def arrive(self, sku: str, pieces: int, shelf: Location, morning: datetime) -> str:
        """The delivery's reference; empty where the product comes without an order."""
        if sku not in self.products:
            return ""
        day = morning.date()
        self.mornings[day] = morning
        self.arrived.setdefault(day, []).append((self.products[sku], shelf, pieces))
        return f"GR-{day:%Y%m%d}"

    def store(self) -> None:
        """Offers, the year's orders, and one that is on its way."""
        offers = SupplierProduct.objects.create_all(
            SupplierProduct(
                supplier=self.supplier,
                product=product,
                supplier_sku=f"GW-{product.sku}",
                unit_cost=product.cost or 0,
                pack_size=PACK,
            )
            for product in self.products.values()
        )
        PriceBreak.objects.create_all(
            PriceBreak(
                offer=offer,
                quantity=PACK * 24,
                unit_cost=round_money(offer.unit_cost * Decimal("0.95"), settings.SHOP_CURRENCY),
            )
            for offer in offers
        )
        orders = [self._order(day) for day in sorted(self.arrived)]
        PurchaseOrder.objects.create_all(orders)
        lines = {
            order.reference: [self._line(order, product, pieces) for product, _, pieces in self.arrived[day]]
            for order, day in zip(orders, sorted(self.arrived), strict=True)
        }
        PurchaseOrderLine.objects.create_all(line for own in lines.values() for line in own)
        self._receipts(orders, lines)
        self._on_its_way()

    def _order(self, day: date) -> PurchaseOrder:
        took = timedelta(days=_days(day))
        sent_at = self.mornings[day] - took
        return self._made(f"GIFTS-{day:%Y%m%d}", sent_at=sent_at, status=Status.CLOSED, ended_at=self.mornings[day])

    def _made(self, reference: str, *, sent_at: datetime, **fields: object) -> PurchaseOrder:
        return PurchaseOrder(
            reference=reference,
            supplier=self.supplier,
            currency=settings.SHOP_CURRENCY,
            expected_on=(sent_at + timedelta(days=self.supplier.lead_time_days)).date(),
            created_at=sent_at - timedelta(hours=3),
            approved_at=sent_at - timedelta(hours=1),
            approved_by=PUBLIC_IDS[Role.OWNER],
            sent_at=sent_at,
            user_id=PUBLIC_IDS[Role.MANAGER],
            **fields,
        )

    def _line(self, order: PurchaseOrder, product: Product, pieces: int) -> PurchaseOrderLine:
        return PurchaseOrderLine(
            purchase_order=order,
            product=product,
            supplier_sku=f"GW-{product.sku}",
            quantity=Decimal(pieces),
            unit_cost=product.cost,
            received=Decimal(pieces if order.ended_at else 0),
            most=Decimal(pieces),
        )

    def _receipts(self, orders: Sequence[PurchaseOrder], lines: dict[str, list[PurchaseOrderLine]]) -> None:
        days = sorted(self.arrived)
        receipts = Receipt.objects.bulk_create(
            Receipt(
                reference=f"GR-{day:%Y%m%d}",
                purchase_order=order,
                delivery_note=f"D-{day:%Y%m%d}",
                received_at=self.mornings[day],
                user_id=SYSTEM_USER_ID,
            )
            for order, day in zip(orders, days, strict=True)
        )
        ReceiptLine.objects.bulk_create(
            ReceiptLine(receipt=receipt, line=line, location=shelf, quantity=line.quantity, unit_cost=product.cost or 0)
            for order, day, receipt in zip(orders, days, receipts, strict=True)
            for line, (product, shelf, _) in zip(lines[order.reference], self.arrived[day], strict=True)
        )

    def _on_its_way(self) -> None:
        sent_at = timezone.now() - timedelta(days=3)
        order = self._made("GIFTS-NEXT", sent_at=sent_at, status=Status.SENT)
        PurchaseOrder.objects.create_all([order])
        PurchaseOrderLine.objects.create_all(
            self._line(order, product, int(PACK) * 4) for product in self.products.values()
        )


def _days(day: date) -> int:
    """How long this day's delivery took: five to nine days, by the hash of the day, and now and then a week more."""
    first, second = hashlib.sha256(day.isoformat().encode()).digest()[:2]
    return 5 + first % 5 + (7 if second < 8 else 0)
