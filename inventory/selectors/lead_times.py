"""How long suppliers take to deliver, of any number of products at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.utils import timezone

from inventory.lead_times import LeadTime, entered, learned
from inventory.models import Product, ReceiptLine, Supplier, SupplierProduct

LEARNED_FROM = timedelta(days=365)
"""Older deliveries say little of the next one."""
LEAD_DAYS = 7
"""of a product without a supplier"""
DAY = timedelta(days=1)


def lead_time_of(product: Product, supplier: Supplier | None = None) -> LeadTime:
    """How long this supplier (the product's own when left out) takes to deliver this product; two queries."""
    return _times([(product, supplier or product.supplier)])[product.pk]


def lead_times_of(products: Iterable[Product]) -> dict[int, LeadTime]:
    """How long each product takes from its own supplier, by the product's primary key; two queries, however many.
    `supplier` has to come along with the products.
    """
    return _times([(product, product.supplier) for product in products])


def supplier_lead_time(supplier: Supplier) -> LeadTime:
    """How long this supplier takes, whatever it delivers; one query."""
    return _of_supplier(supplier, _delivered({supplier.pk})[supplier.pk])


Delivered = dict[int, dict[int, float]]
"""Days that each delivery took, by the primary keys of product and receipt."""


def _times(wanted: Sequence[tuple[Product, Supplier | None]]) -> dict[int, LeadTime]:
    suppliers = {supplier.pk: supplier for _, supplier in wanted if supplier}
    delivered = _delivered(set(suppliers))
    by_hand = {
        (supplier, product): days
        for supplier, product, days in SupplierProduct.objects.filter(
            supplier__in=suppliers, lead_time_days__isnull=False
        ).values_list("supplier_id", "product_id", "lead_time_days")
    }
    usual = {pk: _of_supplier(supplier, delivered[pk]) for pk, supplier in suppliers.items()}
    times = {}
    for product, supplier in wanted:
        if supplier is None:
            times[product.pk] = entered(days=LEAD_DAYS)
        elif (days := by_hand.get((supplier.pk, product.pk))) is not None:
            times[product.pk] = entered(days=days, spread=float(supplier.lead_time_spread))
        else:
            own = learned(list(delivered[supplier.pk].get(product.pk, {}).values()), "product")
            times[product.pk] = own or usual[supplier.pk]
    return times


def _of_supplier(supplier: Supplier, delivered: Delivered) -> LeadTime:
    """Each delivery counts once, however many products were in it: these came together."""
    deliveries = {receipt: days for product in delivered.values() for receipt, days in product.items()}
    return learned(list(deliveries.values()), "supplier") or entered(
        days=supplier.lead_time_days, spread=float(supplier.lead_time_spread)
    )


def _delivered(suppliers: set[int]) -> dict[int, Delivered]:
    """What came of these suppliers' orders; one query."""
    rows = ReceiptLine.objects.filter(
        line__purchase_order__supplier__in=suppliers,
        receipt__received_at__gte=timezone.now() - LEARNED_FROM,
    ).order_by("pk")
    found: dict[int, Delivered] = defaultdict(lambda: defaultdict(dict))
    for supplier, product, receipt, sent_at, received_at in rows.values_list(
        "line__purchase_order__supplier_id",
        "line__product_id",
        "receipt_id",
        "line__purchase_order__sent_at",
        "receipt__received_at",
    ).iterator(chunk_size=2000):
        if sent_at is not None:
            found[supplier][product][receipt] = (received_at - sent_at) / DAY
    return found
