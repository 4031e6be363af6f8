"""A clerk's context, a customer, and orders to go by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from customers.agent import CustomerServiceAgent
from customers.models import Customer
from customers.services import customer_create, order_link
from inventory.models import Location, Order, OrderLine, Product, StockLevel, Warehouse
from shop_assistant.agents import Context, registry

LATEST = datetime(2024, 1, 20, 15, 4, tzinfo=UTC)
MEMBER_SINCE = datetime(2023, 1, 15, 8, tzinfo=UTC)


class Clerk:
    public_id = "USER-CLERK"
    is_active = True

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return True


@pytest.fixture
def agent() -> CustomerServiceAgent:
    found = registry.agents["customers"]
    assert isinstance(found, CustomerServiceAgent)
    return found


@pytest.fixture
def run(agent: CustomerServiceAgent) -> Callable[..., Any]:
    """`run("loyalty", customer_id="CUST001")` parses the input, runs the operation and answers its Output."""

    def run(name: str, **payload: Any) -> Any:
        operation = agent.operations[name]
        return operation.func(agent, Context(user=Clerk()), operation.parse(payload))

    return run


def make_john() -> Customer:
    return customer_create(
        public_id="CUST001",
        name="John Smith",
        email="John@Example.com",
        phone="+44 20 7946 0958",
        address="1 Baker Street, London",
        member_since=MEMBER_SINCE,
    )


@pytest.fixture
def john(db: None) -> Customer:
    return make_john()


class Shop:
    """Makes products and orders with the least that they need."""

    def __init__(self) -> None:
        self.numbers = count(1)
        warehouse, _ = Warehouse.objects.get_or_create(code="A", defaults={"name": "A"})
        self.location, _ = Location.objects.get_or_create(code="A-01-01", defaults={"warehouse": warehouse})

    def product(self, sku: str, *, on_hand: int = 10, **fields: Any) -> Product:
        found = Product.objects.filter(sku=sku).first()
        if found is None:
            found = Product.objects.create(sku=sku, name=f"Product {sku}", list_price=Decimal("9.99"), **fields)
            StockLevel.objects.create(product=found, location=self.location, on_hand=on_hand, reserved=on_hand // 5)
        return found

    def order(self, *skus: str, total: str = "10", customer: Customer | None = None, days_ago: int = 0) -> Order:
        amount = Decimal(total)
        order = Order.objects.create(
            reference=f"S-{next(self.numbers):06d}",
            occurred_at=LATEST - timedelta(days=days_ago),
            currency="GBP",
            subtotal=amount,
            tax=0,
            total=amount,
            user_id="USER-CLERK",
        )
        for number, sku in enumerate(skus, 1):
            OrderLine.objects.create(
                order=order,
                number=number,
                product=self.product(sku),
                location=self.location,
                quantity=1,
                base_price=1,
                unit_price=1,
                tax_rate=20,
                tax=0,
                total=1,
            )
        if customer:
            order_link(customer=customer, order=order)
        return order


@pytest.fixture
def sales(db: None) -> Shop:
    return Shop()
