"""Stock promised to somebody, for a while or until it is taken; and goods on their way between places."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from . import columns
from .catalog import Product
from .sales import Order
from .stock import Location, Lot, StockLevel


class Reservation(models.Model):
    """It ends by being released or taken, or runs out by itself: what has run out counts nowhere any more."""

    class Outcome(models.TextChoices):
        OPEN = "", "open"
        RELEASED = "released"
        TAKEN = "taken", "taken by an order"

    reference = models.CharField(max_length=64, unique=True, help_text="such as V-000123")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="empty: never")
    note = models.CharField(max_length=200, blank=True, help_text="what for; nothing personal")
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.OPEN, blank=True)
    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="reservation", help_text="that took it"
    )
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="when it was released or taken")
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(outcome__in=["", "released", "taken"]), name="reservation_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at=None) | Q(~Q(outcome=""), ended_at__isnull=False),
                name="reservation_end_told",
            ),
            models.CheckConstraint(
                condition=Q(outcome="taken", order__isnull=False) | Q(~Q(outcome="taken"), order=None),
                name="reservation_taken_by_an_order",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], condition=Q(outcome=""), name="reservation_open")]

    def __str__(self) -> str:
        return self.reference


class ReservationLine(models.Model):
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="lines")
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", help_text="as asked for: a kit, or what lies there"
    )
    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="reservation_lines")
    quantity = columns.quantity(help_text="of what lies there")
    counted = models.BooleanField(default=True, help_text="still part of the level's `reserved`")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_of_some"),
        ]
        indexes: ClassVar = [models.Index(fields=["level"], condition=Q(counted=True), name="reservation_line_counted")]

    def __str__(self) -> str:
        return f"{self.quantity:f} for {self.reservation.reference}"


class Transfer(models.Model):
    """Goods sent from one place to another; until they arrive they lie in transit, and count in neither."""

    reference = models.CharField(max_length=64, unique=True, help_text="such as TR-000123")
    source = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="when the last of it had arrived or was written off"
    )
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(source=F("destination")), name="transfer_goes_somewhere")
        ]
        indexes: ClassVar = [models.Index(fields=["sent_at"], condition=Q(closed_at=None), name="transfer_open")]

    def __str__(self) -> str:
        return self.reference


class TransferLine(models.Model):
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sent = columns.quantity()
    arrived = columns.quantity(default=0)
    lost = columns.quantity(default=0, help_text="written off on the way")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(sent__gt=0, arrived__gte=0, lost__gte=0) & Q(sent__gte=F("arrived") + F("lost")),
                name="transfer_arrives_as_sent",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sent:f} {self.product.sku}"
