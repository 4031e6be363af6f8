"""SKU001 Widget Pro, RULE001, CUST001 John Smith: what the user's examples ask for and get."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.history import authored
from audit.services import event_record
from customers.loyalty import points_earn, points_for, points_redeem
from customers.models import Customer
from customers.services import customer_create, order_link
from inventory.models import Category, Location, Product, ReorderPolicy, StockMovement, Supplier, Warehouse
from inventory.services import SoldLine, order_create, stock_adjust
from pricing.models import PriceRule
from shop_assistant.accounts.models import SYSTEM_USER_ID, User
from shop_assistant.money import round_money, tax_of

from .staff import PUBLIC_IDS

WIDGETS = (
    # SKU, name, list price, cost, GTIN, on the shelf, shelf
    ("SKU001", "Widget Pro", "29.99", "14.50", "5012345678900", 150, "A-01-01"),
    ("SKU002", "Widget Mini", "12.50", "5.80", "5012345678917", 80, "A-01-02"),
    ("SKU003", "Widget Care Kit", "50.00", "21.00", "5012345678924", 25, "A-01-03"),
)
PURCHASES = 20
"""CUST001's orders of care kits at 50.00; they come to 5,000 in all."""
POINTS_NOW = 1250


def another_shop() -> bool:
    """Whether there are products or users, and the demo's own are not among them."""
    staff = User.objects.exclude(public_id__in=PUBLIC_IDS.values())
    return not _loaded() and (Product.objects.exists() or staff.exists())


@transaction.atomic
def load_examples() -> bool:
    """Once; False when they are there already."""
    if _loaded():
        return False
    with authored(SYSTEM_USER_ID, "demo") as authorship:
        products = _catalogue()
        _rules(products["SKU001"])
        customer = _customer()
        _purchases(customer, products["SKU003"])
        event_record("DEMO_LOADED", user_id=SYSTEM_USER_ID, what="examples", history=authorship.rows)
    return True


def _loaded() -> bool:
    return Product.objects.filter(sku="SKU001").exists()


def _catalogue() -> dict[str, Product]:
    category = Category.objects.create(name="Widgets")
    supplier = Supplier.objects.create(
        code="ACME", name="Acme Widgets Ltd", lead_time_days=10, lead_time_spread=Decimal("2.5")
    )
    warehouse = Warehouse.objects.create(code="MAIN", name="Main shop")
    made = {}
    for sku, name, price, cost, gtin, on_hand, shelf in WIDGETS:
        product = Product.objects.create(
            sku=sku,
            name=name,
            barcode=gtin,
            category=category,
            supplier=supplier,
            list_price=Decimal(price),
            cost=Decimal(cost),
        )
        ReorderPolicy.objects.create(product=product, pack_size=10)
        location = Location.objects.create(warehouse=warehouse, code=shelf)
        sold = _sold_to_customer() if sku == "SKU003" else 0
        stock_adjust(
            product=product,
            delta=Decimal(on_hand + sold),
            kind=StockMovement.Kind.RECEIPT,
            location=location,
            reason="opening stock",
            unit_cost=product.cost,
            user_id=SYSTEM_USER_ID,
            occurred_at=timezone.now() - timedelta(days=400),
        )
        made[sku] = product
    return made


def _rules(widget: Product) -> None:
    PriceRule.objects.create(
        code="RULE001",
        name="10 % from 10 pieces",
        kind="quantity_break",
        value=Decimal(10),
        min_quantity=Decimal(10),
        product=widget,
    )


def _customer() -> Customer:
    return customer_create(
        public_id="CUST001",
        name="John Smith",
        email="john@example.com",
        phone="+44 20 7946 0123",
        member_since=datetime(2023, 1, 15, 8, tzinfo=UTC),
    )


def _quantities() -> list[int]:
    """Care kits an order: nineteen of four and the last of what is missing to 5,000."""
    each = [4] * (PURCHASES - 1)
    return [*each, 100 - sum(each)]


def _sold_to_customer() -> int:
    return sum(_quantities())


def _purchases(customer: Customer, kit: Product) -> None:
    """Real orders over the last year, each earning points; vouchers have brought the balance to what it is."""
    earned = 0
    for number, quantity in enumerate(_quantities()):
        total = kit.list_price * quantity
        tax = round_money(tax_of(total, kit.tax_rate, included=True), settings.SHOP_CURRENCY)
        order = order_create(
            lines=[
                SoldLine(
                    product=kit,
                    quantity=Decimal(quantity),
                    base_price=kit.list_price,
                    unit_price=kit.list_price,
                    tax_rate=kit.tax_rate,
                    tax=tax,
                    total=total,
                )
            ],
            subtotal=total,
            user_id=SYSTEM_USER_ID,
            payment="card",
            occurred_at=timezone.now() - timedelta(days=360 - 17 * number),
        )
        order_link(customer=customer, order=order)
        points = points_for(total)
        if points:
            points_earn(customer=customer, points=points, order=order, user_id=SYSTEM_USER_ID)
        earned += points
    if earned > POINTS_NOW:
        points_redeem(customer=customer, points=earned - POINTS_NOW, reason="vouchers", user_id=SYSTEM_USER_ID)
    elif earned < POINTS_NOW:
        points_earn(customer=customer, points=POINTS_NOW - earned, reason="welcome", user_id=SYSTEM_USER_ID)
