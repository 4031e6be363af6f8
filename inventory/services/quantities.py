"""Quantities as a product's unit allows them."""

from decimal import Decimal

from inventory.models import Product
from shop_assistant.agents.errors import ValidationFailed

ZERO = Decimal(0)
GRAIN = Decimal("0.001")


def quantity_check(product: Product, quantity: Decimal, field: str) -> None:
    """:raises ValidationFailed: for parts of a piece, or of a thousandth of another unit."""
    if product.counted_in_pieces and quantity % 1:
        raise ValidationFailed(f"{product.sku} is counted in pieces.", fields={field: "must be a whole number"})
    if quantity % GRAIN:
        raise ValidationFailed(f"{product.sku} is measured in thousandths.", fields={field: "has too many decimals"})
