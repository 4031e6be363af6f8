"""List prices: changes planned and made, and what the statistics propose."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from inventory.models import Product
from inventory.models.columns import money
from shop_assistant.money import is_price, round_money
from shop_assistant.tracking import TrackedManager, tracked


class PriceChange(models.Model):
    """A product's list price from some moment on, and who wanted it."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "proposed: waits for approval"
        SCHEDULED = "scheduled"
        APPLIED = "applied"
        CANCELLED = "cancelled"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="price_changes")
    old_price = money(help_text="when it was planned; once applied, the price it replaced")
    new_price = money()
    effective_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=10, choices=Status, default=Status.SCHEDULED)
    reason = models.CharField(max_length=500)
    user_id = models.CharField(max_length=32, help_text="who planned it")
    created_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=32, blank=True, help_text="who approved it or called it off")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["-effective_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(old_price__gte=0, new_price__gte=0), name="price_change_prices_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(status="applied", applied_at__isnull=False)
                | Q(status__in=["proposed", "scheduled", "cancelled"], applied_at=None),
                name="price_change_applied_has_time",
            ),
            models.CheckConstraint(condition=~Q(user_id=""), name="price_change_has_author"),
            models.CheckConstraint(
                condition=~Q(status="proposed") | Q(decided_by="", decided_at=None), name="price_change_decided_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["effective_at", "id"], condition=Q(status="scheduled"), name="price_change_due"),
            models.Index(fields=["product", "effective_at"], name="price_change_product"),
        ]

    def __str__(self) -> str:
        return f"{self.product.sku} to {round_money(self.new_price, settings.SHOP_CURRENCY)}"

    def clean(self) -> None:
        if self.new_price is not None and not is_price(self.new_price, settings.SHOP_CURRENCY):
            raise ValidationError({"new_price": f"This is no price in {settings.SHOP_CURRENCY}."})


class PriceRecommendation(models.Model):
    """A list price the statistics propose. A person decides; an approved one becomes a PriceChange."""

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        REJECTED = "rejected"
        APPLIED = "applied"

    class Objective(models.TextChoices):
        PROFIT = "profit"
        REVENUE = "revenue"
        UNITS = "units"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="price_recommendations")
    objective = models.CharField(max_length=10, choices=Objective)
    current_price = money()
    recommended_price = money()
    evidence = models.JSONField(help_text="elasticity, its interval, and the history it rests on")
    expected = models.JSONField(help_text="units, revenue and profit a week, now and then")
    status = models.CharField(max_length=10, choices=Status, default=Status.PROPOSED)
    proposed_at = models.DateTimeField(default=timezone.now)
    proposed_by = models.CharField(max_length=32, help_text="who asked for it")
    decided_by = models.CharField(max_length=32, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    change = models.OneToOneField(
        PriceChange, on_delete=models.PROTECT, null=True, blank=True, related_name="recommendation"
    )

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["-proposed_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["product", "objective"], condition=Q(status="proposed"), name="recommendation_one_open"
            ),
            models.CheckConstraint(
                condition=Q(current_price__gte=0, recommended_price__gte=0),
                name="recommendation_prices_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(objective__in=["profit", "revenue", "units"]), name="recommendation_objective_known"
            ),
            models.CheckConstraint(
                condition=Q(status="proposed", decided_by="", decided_at=None)
                | (Q(status__in=["approved", "rejected", "applied"], decided_at__isnull=False) & ~Q(decided_by="")),
                name="recommendation_decided_has_who",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["proposed", "rejected"], change=None)
                | Q(status__in=["approved", "applied"], change__isnull=False),
                name="recommendation_approved_has_change",
            ),
        ]

    def __str__(self) -> str:
        price = round_money(self.recommended_price, settings.SHOP_CURRENCY)
        return f"{self.product.sku} at {price} for {self.objective}"
