"""What will be sold and what to order."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shop_assistant.tracking import TrackedManager, tracked

from . import columns
from .catalog import Product, Supplier


class ReorderPolicy(models.Model):
    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="reorder_policy")
    service_level = models.DecimalField(
        max_digits=4, decimal_places=3, default="0.950", help_text="share of order cycles without a stock-out"
    )
    review_days = models.PositiveSmallIntegerField(default=7, help_text="days between two looks at the stock")
    reorder_point = columns.quantity(
        null=True, blank=True, help_text="fixed by hand; empty: computed from the forecast"
    )
    pack_size = columns.quantity(default=1, help_text="orders are rounded up to whole packs")
    minimum_order = columns.quantity(default=0, help_text="MOQ")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        verbose_name_plural = "reorder policies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(service_level__gte="0.5", service_level__lte="0.999"), name="policy_service_level"
            ),
            models.CheckConstraint(condition=Q(pack_size__gt=0, minimum_order__gte=0), name="policy_sizes"),
            models.CheckConstraint(condition=Q(reorder_point__gte=0), name="policy_reorder_point_not_negative"),
        ]

    def __str__(self) -> str:
        return f"reorder policy of {self.product.sku}"


class Forecast(models.Model):
    """Demand expected for a product, stored so that reading it costs one query."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="forecasts")
    made_on = models.DateField(help_text="the last day of history it rests on")
    horizon_days = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=40)
    expected = columns.quantity(help_text="units over the horizon")
    low = columns.quantity(help_text="lower end of the 90 % interval of that sum")
    high = columns.quantity(help_text="upper end")
    daily = models.JSONField(help_text="expected units a day, in order")
    backtest = models.JSONField(help_text="error measures of the backtest, fractions")
    history = models.JSONField(help_text="what it rests on: days, sale_days, units")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["product", "horizon_days"], name="forecast_one_a_horizon"),
            models.CheckConstraint(
                condition=Q(low__gte=0) & Q(low__lte=F("expected")) & Q(expected__lte=F("high")),
                name="forecast_interval_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.sku} in {self.horizon_days} days"


class ReorderTarget(models.Model):
    """Computed from demand and policy, and stored so that `low stock` costs no computation. Nobody edits it."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="reorder_target", primary_key=True)
    reorder_point = columns.quantity()
    order_up_to = columns.quantity()
    made_on = models.DateField(help_text="the last day of history it rests on")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(reorder_point__gte=0) & Q(order_up_to__gte=F("reorder_point")),
                name="target_not_below_reorder_point",
            ),
        ]

    def __str__(self) -> str:
        return f"reorder point of {self.product.sku}"


class PurchaseOrder(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"
        SENT = "sent"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    reference = models.CharField(max_length=64, unique=True, help_text="such as PO-000123")
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="purchase_orders")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    currency = columns.currency()
    created_at = models.DateTimeField(default=timezone.now)
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "sent", "closed", "cancelled"]), name="purchase_status_known"
            )
        ]

    def __str__(self) -> str:
        return self.reference


class PurchaseOrderLine(models.Model):
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="purchase_lines")
    quantity = columns.quantity()
    unit_cost = columns.money(null=True, blank=True)
    reason = models.JSONField(default=dict, help_text="why this much: expected demand, stock, lead time")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["purchase_order", "product"], name="purchase_line_once_an_order"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="purchase_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="purchase_cost_not_negative"),
        ]

    def __str__(self) -> str:
        return self.product.sku
