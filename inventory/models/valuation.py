"""What the stock was worth month by month, and which daily digests were sent."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


def _amount(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=18, decimal_places=4, **options)


class StockValueMonth(models.Model):
    """Computed from the ledger every night, so that a page need not read it all. It can be made again at any time."""

    month = models.DateField(primary_key=True, help_text="its first day")
    method = models.CharField(max_length=8, help_text="average or fifo")
    opening = _amount()
    purchases = _amount(help_text="less what went back to suppliers")
    cogs = _amount(help_text="cost of goods sold, less returns")
    write_offs = _amount()
    counts = _amount(help_text="differences that counts found, signed")
    adjustments = _amount(help_text="signed")
    closing = _amount(help_text="opening + purchases - cogs - write_offs + counts + adjustments")
    revenue = _amount(help_text="without tax and what was refunded")
    estimated = _amount(help_text="part of these lines whose cost was not known")
    categories = models.JSONField(help_text="closing, revenue and cost of what was sold, by name of the category")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["month"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(method__in=["average", "fifo"]), name="value_month_method_known"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Digest(models.Model):
    """The e-mail of a day. Whoever takes its row sends it; a lease tells of a process that died meanwhile."""

    day = models.DateField(primary_key=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(help_text="nobody else sends it before")
    lease_token = models.UUIDField()

    class Meta:
        ordering: ClassVar = ["-day"]

    def __str__(self) -> str:
        return f"digest of {self.day}"
