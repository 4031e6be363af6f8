"""What lowers a price, and how often its coupon was used."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from audit.models import AppendOnly
from customers.models import Customer
from inventory.models import Category, Product
from inventory.models.columns import money, quantity
from shop_assistant.tracking import TrackedManager, tracked


class PriceRule(models.Model):
    class Kind(models.TextChoices):
        QUANTITY_BREAK = "quantity_break", "quantity break (percent; only the best break applies)"
        PERCENT = "percent", "percent off"
        FIXED = "fixed", "amount off each unit"
        FIXED_PRICE = "fixed_price", "fixed price of a unit"

    code = models.CharField(max_length=64, unique=True, help_text="such as RULE001")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind)
    value = money(help_text="percent for percentages, else an amount of money for one unit")
    min_quantity = quantity(default=0, help_text="units of one product from which on it applies; 0: any")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, blank=True, related_name="price_rules")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="price_rules")
    customer_tier = models.CharField(
        max_length=20, choices=Customer.Tier, blank=True, help_text="empty: every customer, known or not"
    )
    channel = models.CharField(max_length=20, blank=True, help_text="shop, web …; empty: every channel")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True, help_text="the first moment at which it no longer applies")
    priority = models.IntegerField(default=0, help_text="the higher one applies first")
    exclusive = models.BooleanField(default=False, help_text="where it applies, no other rule does")
    coupon = models.CharField(
        max_length=64, unique=True, null=True, blank=True, help_text="it applies only to who names this, in any case"
    )
    coupon_limit = models.PositiveIntegerField(null=True, blank=True, help_text="sales in all; empty: no limit")
    coupon_limit_per_customer = models.PositiveIntegerField(
        null=True, blank=True, help_text="sales to one customer; empty: no limit"
    )
    active = models.BooleanField(default=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(code=""), name="price_rule_has_code"),
            models.CheckConstraint(
                condition=Q(kind__in=["quantity_break", "percent"], value__range=(0, 100))
                | Q(kind__in=["fixed", "fixed_price"], value__gte=0),
                name="price_rule_value_fits_kind",
                violation_error_message="The value is a percentage of 0 to 100, or an amount that is not negative.",
            ),
            models.CheckConstraint(
                condition=Q(min_quantity__gte=0) & (~Q(kind="quantity_break") | Q(min_quantity__gt=0)),
                name="price_rule_break_has_quantity",
                violation_error_message="A quantity break needs a minimum quantity.",
            ),
            models.CheckConstraint(
                condition=Q(product=None) | Q(category=None),
                name="price_rule_product_or_category",
                violation_error_message="Choose a product or a category, not both.",
            ),
            models.CheckConstraint(
                condition=Q(customer_tier__in=["", *Customer.Tier.values]), name="price_rule_tier_known"
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(starts_at__lt=F("ends_at")),
                name="price_rule_window_in_order",
                violation_error_message="It has to begin before it ends.",
            ),
            models.CheckConstraint(
                condition=Q(coupon=None) | (~Q(coupon="") & Q(coupon=Upper("coupon"))),
                name="price_rule_coupon_upper_case",
            ),
            models.CheckConstraint(
                condition=(Q(coupon_limit=None) | Q(coupon_limit__gt=0))
                & (Q(coupon_limit_per_customer=None) | Q(coupon_limit_per_customer__gt=0)),
                name="price_rule_limits_positive",
            ),
            models.CheckConstraint(
                condition=~Q(coupon=None) | Q(coupon_limit=None, coupon_limit_per_customer=None),
                name="price_rule_limits_need_coupon",
                violation_error_message="Only a coupon can be limited.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._normalize()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self._normalize()

    def _normalize(self) -> None:
        self.coupon = (self.coupon or "").strip().upper() or None
        self.channel = self.channel.strip().casefold()


class CouponUse(models.Model):
    """How often a coupon was used: the row that parallel sales contend for. An empty customer counts everyone."""

    rule = models.ForeignKey(PriceRule, on_delete=models.CASCADE, related_name="uses")
    customer_id = models.CharField(max_length=64, blank=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "customer_id"], name="coupon_use_once_a_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.rule.code} used {self.used} times by {self.customer_id or 'all'}"


class CouponRedemption(AppendOnly):
    rule = models.ForeignKey(PriceRule, on_delete=models.PROTECT, related_name="redemptions")
    order_reference = models.CharField(max_length=64)
    customer_id = models.CharField(max_length=64, blank=True, help_text="empty: a walk-in customer")
    redeemed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "order_reference"], name="redemption_once_an_order"),
        ]

    def __str__(self) -> str:
        return f"{self.rule.code} for {self.order_reference}"
