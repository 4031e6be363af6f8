"""The tables of a product's page: what is ordered, promised and under way, and who offers it."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from audit.admin_columns import EMPTY, badge, linked, list_of, moment, neat, person
from inventory.lead_times import LeadTime
from inventory.models import PriceBreak, Product, PurchaseOrderLine, SupplierProduct
from inventory.selectors import ReservationPage, missing_of, reservation_list
from inventory.selectors.lead_times import lead_times_from
from inventory.selectors.stock_card import lines_in_transit, product_offers

from .product_tables import LEFT, MOST, RIGHT, WIDE, WIDE_RIGHT, Table, beside, day_told, lately


def purchase_orders(
    request: HttpRequest, product: Product, lines: Sequence[PurchaseOrderLine], *, costs: bool
) -> Table:
    today = timezone.localdate()
    heads = [
        ("Order", LEFT), ("Supplier", WIDE), ("Status", WIDE), ("Expected", LEFT), ("Ordered", WIDE_RIGHT),
        ("To come", RIGHT),
    ]  # fmt: skip
    return Table(
        title="Ordered from suppliers",
        heads=[*heads, ("Unit cost", WIDE_RIGHT)] if costs else heads,
        found=[
            [
                linked(request, line.purchase_order),
                linked(request, line.purchase_order.supplier),
                badge(line.purchase_order.get_status_display().lower()),
                _expected(line, today),
                neat(line.quantity, 3),
                neat(missing_of(line.purchase_order, line), 3),
                *([_money(line.unit_cost)] if costs else []),
            ]
            for line in lines[:MOST]
        ],
        empty="Nothing is on order.",
        more=("All orders", list_of("inventory.purchaseorder", q=product.sku)),
    )


def _expected(line: PurchaseOrderLine, today: date) -> Any:
    order = line.purchase_order
    if order.expected_on is None:
        return EMPTY if order.sent_at else "not sent yet"
    told = day_told(order.expected_on)
    return beside(told, badge("late", "danger")) if order.sent_at and order.expected_on < today else told


def reservations(request: HttpRequest, product: Product) -> Table:
    """Two queries."""
    page = reservation_list(product=product, limit=MOST)
    return Table(
        title="Reserved for customers",
        heads=[("Reservation", LEFT), ("Quantity", RIGHT), ("Until", LEFT), ("What for", WIDE), ("By", WIDE)],
        found=[
            (
                linked(request, found),
                _promised(page, found.pk, product),
                lately(found.expires_at) if found.expires_at else "it is released",
                found.note or EMPTY,
                person(request, found.user_id),
            )
            for found in page.reservations
        ],
        empty="Nothing is reserved.",
        more=("All reservations", list_of("inventory.reservation", q=product.sku)),
    )


def _promised(page: ReservationPage, key: int, product: Product) -> str:
    """Of a kit, what of its components."""
    sums: dict[str, Decimal] = {}
    for line in page.lines[key]:
        item = line.level.product
        if product.pk in (line.product_id, item.pk):
            sums[item.sku] = sums.get(item.sku, Decimal(0)) + line.quantity
    if list(sums) == [product.sku]:
        return neat(sums[product.sku], 3)
    return ", ".join(f"{neat(quantity, 3)} {sku}" for sku, quantity in sums.items())


def transfers(request: HttpRequest, product: Product) -> Table:
    """One query."""
    return Table(
        title="Under way between places",
        heads=[("Transfer", LEFT), ("From", LEFT), ("To", LEFT), ("Lot", WIDE), ("Sent", WIDE), ("To come", RIGHT)],
        found=[
            (
                linked(request, line.transfer),
                line.transfer.source.code,
                line.transfer.destination.code,
                line.lot.code if line.lot else EMPTY,
                moment(line.transfer.sent_at),
                neat(left, 3),
            )
            for line, left in lines_in_transit(product)[:MOST]
        ],
        empty="Nothing is under way.",
    )


def offers(request: HttpRequest, product: Product, *, costs: bool) -> Table:
    """Four queries. Who may not see costs sees them by supplier, not the cheapest first."""
    found = product_offers(product)
    if not costs:
        found.sort(key=lambda offer: offer.supplier.name)
    times = lead_times_from(product, [offer.supplier for offer in found])
    heads = [("Supplier", LEFT), ("Its SKU", WIDE), ("Pack", RIGHT), ("At least", RIGHT), ("Takes", LEFT)]
    return Table(
        title="Suppliers' offers",
        heads=[*heads[:1], ("Unit cost", RIGHT), ("From so many on", LEFT), *heads[1:]] if costs else heads,
        found=[_offer(request, product, offer, times[offer.supplier_id], costs=costs) for offer in found[:MOST]],
        empty="No supplier's offer is known.",
        more=("All offers", list_of("inventory.supplierproduct", product__id__exact=product.pk)),
    )


def _offer(request: HttpRequest, product: Product, offer: SupplierProduct, lead: LeadTime, *, costs: bool) -> list[Any]:
    preferred = product.supplier_id == offer.supplier_id
    name = linked(request, offer.supplier)
    learned = f", of {lead.receipts} deliveries" if lead.receipts else ", as entered"
    spread = f" ± {lead.sd_days:.1f}" if lead.sd_days else ""
    return [
        beside(name, badge("preferred", "success")) if preferred else name,
        *([_money(offer.unit_cost), _breaks(offer.breaks.all()) or EMPTY] if costs else []),
        offer.supplier_sku or EMPTY,
        neat(offer.pack_size, 3),
        neat(offer.minimum_order, 3) if offer.minimum_order else EMPTY,
        f"{lead.mean_days:.1f}{spread} days{learned}",
    ]


def _breaks(breaks: Iterable[PriceBreak]) -> str:
    return ", ".join(f"{neat(each.quantity, 3)}: {_money(each.unit_cost)}" for each in breaks)


def _money(amount: Decimal | None) -> str:
    return EMPTY if amount is None else neat(amount, 4)
