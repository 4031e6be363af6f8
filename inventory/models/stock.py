"""Where things lie and how they moved. Movements are the truth; levels are their sum, kept in the same transaction."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from audit.models import AppendOnly
from shop_assistant.tracking import TrackedManager, tracked

from . import columns
from .catalog import Product


class Warehouse(models.Model):
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)

    objects = TrackedManager()
    history = tracked()

    def __str__(self) -> str:
        return self.name


class Location(models.Model):
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="locations")
    code = models.CharField(max_length=32, unique=True, help_text="such as A-01-01")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.code


class StockLevel(models.Model):
    """Balance of one product at one location. It changes only together with a movement."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="levels")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels")
    on_hand = columns.quantity(default=0)
    reserved = columns.quantity(default=0, help_text="promised to orders, still on the shelf")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["product", "location"], name="level_one_a_place"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="level_on_hand_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")), name="level_reserved_within_on_hand"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.sku} at {self.location.code}"


class StockMovement(AppendOnly):
    class Kind(models.TextChoices):
        RECEIPT = "receipt"
        SALE = "sale"
        RETURN = "return"
        ADJUSTMENT = "adjustment"
        TRANSFER = "transfer"
        COUNT = "count"
        WRITE_OFF = "write_off", "write-off"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="movements")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=Kind)
    quantity = columns.quantity(help_text="signed: positive comes in, negative goes out")
    balance = columns.quantity(help_text="on hand at this location afterwards")
    unit_price = columns.money(null=True, blank=True, help_text="charged per unit, for sales and returns")
    unit_cost = columns.money(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    reference = models.CharField(max_length=64, blank=True, help_text="order, count sheet or delivery note")
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)
    occurred_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(quantity=0), name="movement_moves_something"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="movement_balance_not_negative"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="movement_price_not_negative"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="movement_cost_not_negative"),
            models.CheckConstraint(
                condition=Q(kind__in=["adjustment", "transfer", "count"])
                | Q(kind__in=["receipt", "return"], quantity__gt=0)
                | Q(kind__in=["sale", "write_off"], quantity__lt=0),
                name="movement_sign_fits_kind",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["product", "occurred_at"], name="movement_product_time"),
            models.Index(fields=["reference"], name="movement_reference"),
            models.Index(
                fields=["occurred_at"],
                condition=Q(kind="adjustment") | Q(kind="count") | Q(kind="write_off"),
                name="movement_correction_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.product.sku}"
