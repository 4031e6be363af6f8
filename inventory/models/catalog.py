"""What the shop sells and who delivers it."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Trim
from stdnum import ean

from shop_assistant.tracking import TrackedManager, tracked

from . import columns


def validate_gtin(value: str) -> None:
    """GTIN-8, -12, -13 or -14 with its check digit (GS1 General Specifications, 7.9)."""
    if len(value) not in (8, 12, 13, 14) or not ean.is_valid(value):
        raise ValidationError("This is no valid GTIN: it has 8, 12, 13 or 14 digits, the last one being the check.")


class Category(models.Model):
    name = models.CharField(max_length=100, unique=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        verbose_name_plural = "categories"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Supplier(models.Model):
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    lead_time_days = models.PositiveSmallIntegerField(default=7, help_text="from order to shelf, in days")
    lead_time_spread = models.DecimalField(
        max_digits=5, decimal_places=2, default=0, help_text="standard deviation of the lead time, in days"
    )
    active = models.BooleanField(default=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(lead_time_spread__gte=0), name="supplier_spread_not_negative")
        ]

    def __str__(self) -> str:
        return self.name


class Unit(models.TextChoices):
    PIECE = "piece", "piece"
    KILOGRAM = "kg", "kilogram"
    LITRE = "l", "litre"
    METRE = "m", "metre"


class Product(models.Model):
    sku = models.CharField("SKU", max_length=64, unique=True)
    name = models.CharField(max_length=200)
    barcode = models.CharField(
        max_length=14, unique=True, null=True, blank=True, validators=[validate_gtin], help_text="GTIN"
    )
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.PIECE)
    cost = columns.money(null=True, blank=True, help_text="what one unit costs the shop, without tax")
    list_price = columns.money(help_text="what one unit costs the customer; with tax if PRICES_INCLUDE_TAX")
    tax_rate = columns.percent(default=20, help_text="percent")
    active = models.BooleanField(default=True)
    needs_review = models.BooleanField(
        default=False, help_text="made by an import from a sales file: look at name, price and tax"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["sku"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("sku"), name="product_sku_unique_in_any_case"),
            models.CheckConstraint(condition=~Q(sku="") & Q(sku=Trim("sku")), name="product_sku_without_outer_spaces"),
            models.CheckConstraint(condition=Q(cost__gte=0), name="product_cost_not_negative"),
            models.CheckConstraint(condition=Q(list_price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(condition=Q(tax_rate__range=(0, 100)), name="product_tax_rate_a_percentage"),
            models.CheckConstraint(condition=Q(unit__in=Unit.values), name="product_unit_known"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def counted_in_pieces(self) -> bool:
        return self.unit == Unit.PIECE
