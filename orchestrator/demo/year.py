"""A real year of trade (Online Retail II, see shop_assistant/demo/ATTRIBUTION.md), moved so that it ends yesterday.

Bulk, in one transaction: sixty thousand sales through the operations would take an hour. What they would have
written is written here in the same shape: orders, lines, movements with their balances, returns.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.history import authored, noted_rows
from audit.services import event_record
from customers.models import Customer, CustomerOrder
from customers.services import NewCustomer, customers_create_all
from inventory.models import (
    Category,
    Location,
    Order,
    OrderLine,
    OrderReturn,
    OrderReturnLine,
    Product,
    ReorderPolicy,
    ReturnedQuantity,
    StockLevel,
    StockMovement,
    Supplier,
    Warehouse,
)
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.demo.reader import DemoInvoice, DemoProduct, products, year_ending
from shop_assistant.money import round_money, tax_of

from .buying import Buying

BATCH = 2000
ROWS_AN_EVENT = 500
SUPPLIER = "GIFTS"
ZERO = Decimal(0)
Progress = Callable[[str], None]


@transaction.atomic
def load_year(progress: Progress = lambda text: None) -> bool:
    """Once; False when it is there already."""
    catalogue = products()
    if Product.objects.filter(sku=catalogue[0].sku).exists():
        return False
    zone = ZoneInfo(settings.SHOP_TIMEZONE)
    yesterday = timezone.now().astimezone(zone).date() - timedelta(days=1)
    invoices = list(year_ending(yesterday, zone))
    with authored(SYSTEM_USER_ID, "demo"):
        progress(f"{len(catalogue)} products")
        shelves = _catalogue(catalogue)
        people = _people(invoices)
        progress(f"{len(people)} customers")
        _record(noted_rows())
    buying = Buying(Supplier.objects.get(code=SUPPLIER), [product for product, _ in shelves.values()])
    trade = _Trade(catalogue, shelves, people, zone, buying)
    trade.run(invoices)
    progress(f"{len(trade.orders)} orders, {len(trade.movements)} stock movements")
    trade.store()
    with authored(SYSTEM_USER_ID, "demo"):
        buying.store()
        progress(f"{len(buying.arrived)} deliveries of purchase orders")
        _record(noted_rows())
    return True


def _catalogue(catalogue: list[DemoProduct]) -> dict[str, tuple[Product, Location]]:
    """Products, each on a shelf of its own: B-01-01, B-01-02 …"""
    names = sorted({row.category or "Other" for row in catalogue})
    categories = {c.name: c for c in Category.objects.create_all([Category(name=name) for name in names])}
    supplier = Supplier.objects.create(
        code=SUPPLIER, name="Gifts Wholesale", lead_time_days=7, lead_time_spread=Decimal(2)
    )
    made = Product.objects.create_all(
        [
            Product(
                sku=row.sku,
                name=row.name,
                category=categories[row.category or "Other"],
                supplier=supplier,
                list_price=row.list_price,
                cost=round_money(row.assumed_cost, settings.SHOP_CURRENCY),
            )
            for row in catalogue
        ]
    )
    ReorderPolicy.objects.create_all([ReorderPolicy(product=product) for product in made])
    warehouse, _ = Warehouse.objects.get_or_create(code="MAIN", defaults={"name": "Main shop"})
    codes = [f"B-{number // 20 + 1:02d}-{number % 20 + 1:02d}" for number in range(len(made))]
    shelves = Location.objects.create_all([Location(warehouse=warehouse, code=code) for code in codes])
    return {product.sku: (product, shelf) for product, shelf in zip(made, shelves, strict=True)}


def _people(invoices: Iterable[DemoInvoice]) -> dict[int, Customer]:
    """The source's customers are numbers; nobody knows their names."""
    first_seen: dict[int, datetime] = {}
    for invoice in invoices:
        if invoice.customer is not None:
            first_seen.setdefault(invoice.customer, invoice.time)
    made = customers_create_all(
        [NewCustomer(public_id=f"CUST{number}", member_since=since) for number, since in first_seen.items()]
    )
    return dict(zip(first_seen, made, strict=True))


def _record(rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_AN_EVENT):
        event_record("DEMO_LOADED", user_id=SYSTEM_USER_ID, what="year", history=rows[start : start + ROWS_AN_EVENT])


class _Trade:
    """Goes through the year in order, keeps the balances, and gathers the rows."""

    def __init__(
        self,
        catalogue: list[DemoProduct],
        shelves: dict[str, tuple[Product, Location]],
        people: dict[int, Customer],
        zone: ZoneInfo,
        buying: Buying,
    ) -> None:
        self.shelves, self.people, self.zone, self.buying = shelves, people, zone, buying
        self.on_hand: dict[str, int] = {row.sku: 0 for row in catalogue}
        self.orders: dict[str, Order] = {}
        self.lines: dict[tuple[str, str, Decimal], OrderLine] = {}
        self.links: list[CustomerOrder] = []
        self.movements: list[StockMovement] = []
        self.returns: list[OrderReturn] = []
        self.return_lines: list[OrderReturnLine] = []
        self.returned: dict[tuple[str, str, Decimal], ReturnedQuantity] = {}

    def run(self, invoices: list[DemoInvoice]) -> None:
        sold = _sold_by_week(invoices)
        weeks = len({week for week, _ in sold}) or 1
        total: dict[str, int] = defaultdict(int)
        for (_, sku), pieces in sold.items():
            total[sku] += pieces
        cover = {sku: _cover(sku, total[sku] / weeks) for sku in self.on_hand}
        for week, within in groupby(invoices, key=lambda invoice: _monday(invoice.time)):
            self._deliver(week, {sku: sold[week, sku] for sku in self.on_hand if (week, sku) in sold}, cover)
            for invoice in within:
                (self._take_back if invoice.returns else self._sell)(invoice)

    def store(self) -> None:
        Order.objects.bulk_create(self.orders.values(), batch_size=BATCH)
        OrderLine.objects.bulk_create(self.lines.values(), batch_size=BATCH)
        CustomerOrder.objects.bulk_create(self.links, batch_size=BATCH)
        StockMovement.objects.bulk_create(self.movements, batch_size=BATCH)
        OrderReturn.objects.bulk_create(self.returns, batch_size=BATCH)
        OrderReturnLine.objects.bulk_create(self.return_lines, batch_size=BATCH)
        ReturnedQuantity.objects.bulk_create(self.returned.values(), batch_size=BATCH)
        StockLevel.objects.bulk_create(
            StockLevel(product=product, location=shelf, on_hand=Decimal(self.on_hand[sku]))
            for sku, (product, shelf) in self.shelves.items()
        )

    def _deliver(self, week: date, needed: dict[str, int], cover: dict[str, int]) -> None:
        """On Monday mornings comes what the week will need, and a cover that differs by product."""
        for sku, pieces in needed.items():
            if (missing := pieces + cover[sku] - self.on_hand[sku]) > 0:
                morning = datetime(week.year, week.month, week.day, 7, tzinfo=self.zone)
                ordered = self.buying.arrive(sku, missing, self.shelves[sku][1], morning)
                self._move(sku, missing, StockMovement.Kind.RECEIPT, morning, ordered or f"D-{week:%Y%m%d}", None)

    def _sell(self, invoice: DemoInvoice) -> None:
        reference = f"OR-{invoice.number}"
        order = Order(
            reference=reference,
            channel="shop",
            occurred_at=invoice.time,
            currency=settings.SHOP_CURRENCY,
            subtotal=ZERO,
            tax=ZERO,
            total=ZERO,
            payment="card" if invoice.customer else "cash",
            user_id=SYSTEM_USER_ID,
        )
        for number, sold in enumerate(invoice.lines, start=1):
            product, shelf = self.shelves[sold.sku]
            charged = round_money(sold.unit_price * sold.quantity, settings.SHOP_CURRENCY)
            tax = round_money(
                tax_of(charged, product.tax_rate, included=settings.PRICES_INCLUDE_TAX), settings.SHOP_CURRENCY
            )
            total = charged if settings.PRICES_INCLUDE_TAX else charged + tax
            self.lines[invoice.number, sold.sku, sold.unit_price] = OrderLine(
                order=order,
                number=number,
                product=product,
                location=shelf,
                quantity=Decimal(sold.quantity),
                base_price=sold.unit_price,
                unit_price=sold.unit_price,
                unit_cost=product.cost,
                tax_rate=product.tax_rate,
                tax=tax,
                total=total,
            )
            order.subtotal, order.tax, order.total = order.subtotal + charged, order.tax + tax, order.total + total
            self._move(sold.sku, -sold.quantity, StockMovement.Kind.SALE, invoice.time, reference, sold.unit_price)
        self.orders[invoice.number] = order
        if invoice.customer is not None:
            self.links.append(CustomerOrder(order=order, customer=self.people[invoice.customer]))

    def _take_back(self, invoice: DemoInvoice) -> None:
        sale = invoice.returns or ""
        made = OrderReturn(
            reference=f"OR-{invoice.number}-{sale}",
            order=self.orders[sale],
            occurred_at=invoice.time,
            reason="cancelled",
            total=ZERO,
            tax=ZERO,
            user_id=SYSTEM_USER_ID,
        )
        for back in invoice.lines:
            key = (sale, back.sku, back.unit_price)
            line = self.lines[key]
            share = Decimal(back.quantity) / line.quantity
            total = round_money(line.total * share, settings.SHOP_CURRENCY)
            tax = round_money(line.tax * share, settings.SHOP_CURRENCY)
            made.total, made.tax = made.total + total, made.tax + tax
            self.return_lines.append(
                OrderReturnLine(order_return=made, line=line, quantity=Decimal(back.quantity), total=total, tax=tax)
            )
            so_far = self.returned.setdefault(key, ReturnedQuantity(line=line, sold=line.quantity))
            so_far.quantity += Decimal(back.quantity)
            so_far.refunded += total
            self._move(
                back.sku, back.quantity, StockMovement.Kind.RETURN, invoice.time, made.reference, back.unit_price
            )
        self.returns.append(made)

    def _move(
        self,
        sku: str,
        pieces: int,
        kind: StockMovement.Kind,
        moment: datetime,
        reference: str,
        unit_price: Decimal | None,
    ) -> None:
        product, shelf = self.shelves[sku]
        self.on_hand[sku] += pieces
        self.movements.append(
            StockMovement(
                product=product,
                location=shelf,
                kind=kind,
                quantity=Decimal(pieces),
                balance=Decimal(self.on_hand[sku]),
                unit_price=unit_price,
                unit_cost=product.cost,
                reference=reference,
                user_id=SYSTEM_USER_ID,
                occurred_at=moment,
            )
        )


def _monday(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


def _sold_by_week(invoices: Iterable[DemoInvoice]) -> dict[tuple[date, str], int]:
    sold: dict[tuple[date, str], int] = defaultdict(int)
    for invoice in invoices:
        if not invoice.returns:
            for line in invoice.lines:
                sold[_monday(invoice.time), line.sku] += line.quantity
    return sold


def _cover(sku: str, weekly: float) -> int:
    """Pieces kept beyond the week's need: from almost none to twelve weeks' worth, by the hash of the SKU (by its
    second byte: the extract was drawn by the first).
    """
    weeks = hashlib.sha256(sku.encode()).digest()[1] / 21
    return round(weekly * weeks)
