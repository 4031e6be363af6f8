"""A small shop to price things in."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from customers.models import Customer
from inventory.models import Category, Product
from pricing.models import PriceRule
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Context, registry

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def widget(db: None) -> Product:
    return Product.objects.create(
        sku="SKU001",
        name="Widget Pro",
        list_price=Decimal("29.99"),
        cost=Decimal("12.00"),
        category=Category.objects.create(name="Widgets"),
    )


@pytest.fixture
def ten_percent(db: None) -> PriceRule:
    return PriceRule.objects.create(
        code="RULE001", name="10 % from 10 pieces", kind="quantity_break", value=10, min_quantity=10
    )


@pytest.fixture
def customer(db: None) -> Customer:
    return Customer.objects.create(public_id="CUST001", tier="gold")


@pytest.fixture
def ask(db: None) -> Ask:
    """`ask("calculate", sku="SKU001", quantity=10)` is the answer's data, as JSON values."""

    def run(name: str, **payload: Any) -> dict[str, Any]:
        operation = registry.get("pricing", name)
        output = operation.func(registry.agents["pricing"], Context(user=system_user()), operation.parse(payload))
        assert operation.describe(operation.parse(payload), output)
        answer: dict[str, Any] = output.model_dump(mode="json")
        return answer

    return run
