"""Columns that many models share, and the checks that belong to them."""

from decimal import Decimal
from typing import Any

from django.db import models


def money(**options: Any) -> "models.DecimalField[Any, Any]":
    """An amount or price in the shop's currency: up to ten digits before the point, four after."""
    return models.DecimalField(max_digits=14, decimal_places=4, **options)


def quantity(**options: Any) -> "models.DecimalField[Any, Any]":
    """How many of a product's unit; three decimals, none where the unit is counted in pieces."""
    return models.DecimalField(max_digits=13, decimal_places=3, **options)


def percent(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=6, decimal_places=3, **options)


def currency(**options: Any) -> "models.CharField[Any, Any]":
    return models.CharField(max_length=3, help_text="ISO 4217", **options)


MAX_QUANTITY = Decimal("9999999999.999")
"""The most that a quantity column holds."""
