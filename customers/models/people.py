"""Customers and what links them to their orders and their story. Whatever names a person is ciphertext."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.models import AppendOnly
from inventory.models import Order
from shop_assistant.tracking import TrackedManager, tracked

from ..encryption import Sealed, ciphertext_only


class Customer(Sealed):
    class Tier(models.TextChoices):
        STANDARD = "standard"
        SILVER = "silver"
        GOLD = "gold"

    sealed_fields: ClassVar = ("name", "email", "phone", "address")

    public_id = models.CharField(
        "id",
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", "Letters, digits, '.', '_' and '-' only.")],
        help_text="`customer_id` in requests and answers; also names the key that seals this person's data",
    )
    sealed_name = models.TextField(blank=True)
    sealed_email = models.TextField(blank=True)
    sealed_phone = models.TextField(blank=True)
    sealed_address = models.TextField(blank=True)
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.STANDARD)
    member_since = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["public_id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(public_id=""), name="customer_has_id"),
            models.CheckConstraint(condition=Q(tier__in=["standard", "silver", "gold"]), name="customer_tier_known"),
            ciphertext_only("customer_ciphertext_only", "name", "email", "phone", "address"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def key_subject(self) -> str:
        return self.public_id

    @property
    def sealed_row(self) -> str:
        return self.public_id

    @property
    def name(self) -> str | None:
        return self.plain("name")

    @property
    def email(self) -> str | None:
        return self.plain("email")

    @property
    def phone(self) -> str | None:
        return self.plain("phone")

    @property
    def address(self) -> str | None:
        return self.plain("address")

    @property
    def erased(self) -> bool:
        return self.erased_at is not None or self.unreadable


class CustomerLookup(models.Model):
    """Finds a customer by e-mail or phone. The token is a keyed hash; it may collide, and it can be deleted."""

    class Kind(models.TextChoices):
        EMAIL = "email", "e-mail"
        PHONE = "phone"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="lookups")
    kind = models.CharField(max_length=5, choices=Kind)
    token = models.BinaryField(max_length=12)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "kind"], name="lookup_one_a_kind"),
            models.CheckConstraint(condition=Q(kind__in=["email", "phone"]), name="lookup_kind_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "token"], name="lookup_token")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.customer_id}"


class CustomerOrder(AppendOnly):
    """Whose order it is. A walk-in sale has no such row."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="customer_order")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="customer_orders")

    def __str__(self) -> str:
        return f"{self.order_id} of {self.customer_id}"


class Interaction(Sealed, AppendOnly):
    """One line of a customer's story with the shop."""

    class Kind(models.TextChoices):
        SALE = "sale"
        TICKET = "ticket"
        RETURN = "return"
        LOYALTY = "loyalty"
        NOTE = "note"

    sealed_fields: ClassVar = ("summary",)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="interactions")
    kind = models.CharField(max_length=10, choices=Kind)
    sealed_summary = models.TextField(blank=True)
    reference = models.CharField(max_length=64, blank=True, help_text="order, return or ticket")
    occurred_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["sale", "ticket", "return", "loyalty", "note"]), name="interaction_kind_known"
            ),
            ciphertext_only("interaction_ciphertext_only", "summary"),
        ]
        indexes: ClassVar = [models.Index(fields=["customer", "occurred_at"], name="interaction_customer_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}".strip()

    @property
    def key_subject(self) -> str:
        return self.customer.public_id

    @property
    def sealed_row(self) -> str:
        return str(self.id)

    @property
    def summary(self) -> str | None:
        return self.plain("summary")
