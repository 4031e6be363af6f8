"""What to order."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from shop_assistant.tracking import TrackedManager, tracked

from . import columns
from .catalog import Product


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
