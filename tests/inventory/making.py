"""Products, stock and sales for the tests of the inventory."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from inventory.models import Location, Order, Product, StockMovement, Warehouse
from inventory.services import SoldLine, order_create, stock_adjust

USER = "USER-TEST"


def product(sku: str = "SKU001", **fields: Any) -> Product:
    made: Product = Product.objects.create(
        sku=sku, **{"name": f"Product {sku}", "list_price": Decimal("9.99"), "cost": Decimal("4"), **fields}
    )
    return made


def location(code: str = "A-01-01") -> Location:
    warehouse, _ = Warehouse.objects.get_or_create(code="MAIN", defaults={"name": "Main"})
    made, _ = Location.objects.get_or_create(code=code, defaults={"warehouse": warehouse})
    return made


def stocked(sku: str = "SKU001", *amounts: int | str, **fields: Any) -> Product:
    """A product with these amounts at A-01-01, A-01-02, …"""
    made = product(sku, **fields)
    for number, amount in enumerate(amounts, start=1):
        receive(made, amount, location(f"A-01-0{number}"))
    return made


def receive(product: Product, amount: int | str, at: Location | None = None) -> None:
    with transaction.atomic():
        stock_adjust(
            product=product,
            delta=Decimal(amount),
            location=at,
            kind=StockMovement.Kind.RECEIPT,
            user_id=USER,
        )


def line(product: Product, quantity: int | str = 1, price: str = "9.99", tax: str = "0", **fields: Any) -> SoldLine:
    return SoldLine(
        **{
            "product": product,
            "quantity": Decimal(quantity),
            "base_price": Decimal(price),
            "unit_price": Decimal(price),
            "tax_rate": Decimal(20),
            "tax": Decimal(tax),
            "total": (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01")),
            **fields,
        }
    )


def sell(*lines: SoldLine, **fields: Any) -> Order:
    with transaction.atomic():
        total = sum((sold.total for sold in lines), Decimal(0))
        return order_create(lines=lines, **{"subtotal": total, "user_id": USER, **fields})


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)
