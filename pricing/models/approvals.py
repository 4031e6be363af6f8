"""Who has allowed a price rule to go deeper than the shop's limit for discounts."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.models import AppendOnly
from inventory.models.columns import percent

from .rules import PriceRule


class DiscountApproval(AppendOnly):
    """From now on the rule may take part in discounts of up to so many percent, however it is changed later."""

    rule = models.ForeignKey(PriceRule, on_delete=models.PROTECT, related_name="approvals")
    percent = percent(help_text="up to so much off the list price")
    reason = models.CharField(max_length=500)
    made_by = models.CharField(max_length=32, help_text="who had changed the rule last")
    approved_by = models.CharField(max_length=32)
    self_approved = models.BooleanField(default=False, help_text="nobody else could, so it was confirmed twice")
    approved_at = models.DateTimeField(default=timezone.now)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(percent__gt=0, percent__lte=100), name="approval_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.rule.code} up to {self.percent.normalize():f} %"
