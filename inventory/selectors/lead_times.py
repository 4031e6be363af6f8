"""How long suppliers take to deliver, of any number of products at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from django.db.models import BigIntegerField, Case, F, When
from django.utils import timezone

from inventory.lead_times import LeadTime, entered, learned
from inventory.models import Product, ReceiptLine, Supplier, SupplierProduct

LEARNED_FROM = timedelta(days=365)
"""Older deliveries say little of the next one."""
LEAD_DAYS = 7
"""of a product without a supplier"""
FEW = 500
"""Deliveries of so many products are read by themselves, those of all others once each; of more, all are read."""
DAY = timedelta(days=1)


def lead_time_of(product: Product, supplier: Supplier | None = None) -> LeadTime:
    """How long this supplier (the product's own when left out) takes to deliver this product; two queries."""
    return _times([(product, supplier or product.supplier)])[0]


def lead_times_from(product: Product, suppliers: Sequence[Supplier]) -> dict[int, LeadTime]:
    """How long each of these suppliers takes to deliver this product, by the supplier's primary key; two queries."""
    times = _times([(product, supplier) for supplier in suppliers])
    return {supplier.pk: time for supplier, time in zip(suppliers, times, strict=True)}


def lead_times_of(products: Iterable[Product]) -> dict[int, LeadTime]:
    """How long each product takes from its own supplier, by the product's primary key; two queries, however many.
    `supplier` has to come along with the products.
    """
    asked = list(products)
    times = _times([(product, product.supplier) for product in asked])
    return {product.pk: time for product, time in zip(asked, times, strict=True)}


def supplier_lead_time(supplier: Supplier) -> LeadTime:
    """How long this supplier takes, whatever it delivers; one query."""
    return _of_supplier(supplier, _delivered({supplier.pk}, ())[supplier.pk])


Delivered = dict[int | None, dict[int, float]]
"""Days that each delivery took, by the primary keys of product (None: of others) and receipt."""


def _times(wanted: Sequence[tuple[Product, Supplier | None]]) -> list[LeadTime]:
    suppliers = {supplier.pk: supplier for _, supplier in wanted if supplier}
    delivered = _delivered(set(suppliers), {product.pk for product, _ in wanted})
    by_hand = {
        (supplier, product): days
        for supplier, product, days in SupplierProduct.objects.filter(
            supplier__in=suppliers, lead_time_days__isnull=False
        ).values_list("supplier_id", "product_id", "lead_time_days")
    }
    usual = {pk: _of_supplier(supplier, delivered[pk]) for pk, supplier in suppliers.items()}
    times = []
    for product, supplier in wanted:
        if supplier is None:
            times.append(entered(days=LEAD_DAYS))
        elif (days := by_hand.get((supplier.pk, product.pk))) is not None:
            times.append(entered(days=days, spread=float(supplier.lead_time_spread)))
        else:
            own = learned(list(delivered[supplier.pk].get(product.pk, {}).values()), "product")
            times.append(own or usual[supplier.pk])
    return times


def _of_supplier(supplier: Supplier, delivered: Delivered) -> LeadTime:
    """Each delivery counts once, however many products were in it: these came together."""
    deliveries = {receipt: days for product in delivered.values() for receipt, days in product.items()}
    return learned(list(deliveries.values()), "supplier") or entered(
        days=supplier.lead_time_days, spread=float(supplier.lead_time_spread)
    )


def _delivered(suppliers: set[int], products: Collection[int]) -> dict[int, Delivered]:
    """What came of these suppliers' orders; one query."""
    among = When(line__product__in=products, then=F("line__product_id"))
    item = Case(among, output_field=BigIntegerField()) if len(products) <= FEW else F("line__product_id")
    rows = ReceiptLine.objects.filter(
        line__purchase_order__supplier__in=suppliers,
        receipt__received_at__gte=timezone.now() - LEARNED_FROM,
    ).order_by()
    found: dict[int, Delivered] = defaultdict(lambda: defaultdict(dict))
    columns = rows.annotate(item=item).values_list(
        "line__purchase_order__supplier_id",
        "item",
        "receipt_id",
        "line__purchase_order__sent_at",
        "receipt__received_at",
    )
    for supplier, product, receipt, sent_at, received_at in columns.distinct().iterator(chunk_size=2000):
        if sent_at is not None:
            found[supplier][product][receipt] = (received_at - sent_at) / DAY
    return found
