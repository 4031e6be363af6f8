"""Points: a balance and the ledger that explains it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.models import AppendOnly
from inventory.models import Order

from ..encryption import Sealed, ciphertext_only
from .people import Customer


class LoyaltyAccount(models.Model):
    """A customer's points. It changes only together with an entry."""

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, primary_key=True, related_name="loyalty")
    balance = models.BigIntegerField(default=0, help_text="points")
    entries = models.PositiveIntegerField(default=0, help_text="number of the last entry")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="loyalty_balance_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.balance} points of {self.customer_id}"


class LoyaltyEntry(Sealed, AppendOnly):
    class Kind(models.TextChoices):
        EARN = "earn"
        REDEEM = "redeem"
        ADJUST = "adjust"
        REFUND = "refund"

    sealed_fields: ClassVar = ("reason",)

    account = models.ForeignKey(LoyaltyAccount, on_delete=models.PROTECT, related_name="ledger")
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the account")
    kind = models.CharField(max_length=10, choices=Kind)
    points = models.BigIntegerField(help_text="signed: positive comes in, negative goes out")
    balance = models.BigIntegerField(help_text="points afterwards")
    sealed_reason = models.TextField(blank=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="loyalty_entries")
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)
    occurred_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "loyalty entries"
        ordering: ClassVar = ["account", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "number"], name="loyalty_number_once_an_account"),
            models.UniqueConstraint(fields=["order"], condition=Q(kind="earn"), name="loyalty_order_earns_once"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="loyalty_entry_balance_not_negative"),
            models.CheckConstraint(
                condition=(Q(kind__in=["adjust", "refund"]) & ~Q(points=0))
                | Q(kind="earn", points__gt=0)
                | Q(kind="redeem", points__lt=0),
                name="loyalty_sign_fits_kind",
            ),
            ciphertext_only("loyalty_ciphertext_only", "reason"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["occurred_at"], name="loyalty_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.points}"

    @property
    def key_subject(self) -> str:
        return self.account.customer.public_id

    @property
    def sealed_row(self) -> str:
        return f"{self.account_id}/{self.number}"

    @property
    def reason(self) -> str | None:
        return self.plain("reason")
