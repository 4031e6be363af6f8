"""Tickets: what people ask, what they are answered, and the mood they are in."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.models import AppendOnly
from inventory.models import Order
from shop_assistant.tracking import TrackedManager, tracked

from ..encryption import Sealed, ciphertext_only
from .people import Customer

TICKET = "ticket:"
"""What the subjects of tickets' keys begin with."""


class Ticket(Sealed):
    class Priority(models.TextChoices):
        LOW = "low"
        NORMAL = "normal"
        HIGH = "high"
        URGENT = "urgent"

    class Status(models.TextChoices):
        OPEN = "open"
        PENDING = "pending", "pending: waits for the customer"
        SOLVED = "solved"
        CLOSED = "closed"

    sealed_fields: ClassVar = ("subject",)

    reference = models.CharField(max_length=64, unique=True, help_text="such as T-000001")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets")
    sealed_subject = models.TextField()
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.NORMAL)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets")
    assigned_to = models.CharField(max_length=32, blank=True, help_text="who looks after it; empty: nobody yet")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(priority__in=["low", "normal", "high", "urgent"]), name="ticket_priority_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "pending", "solved", "closed"]), name="ticket_status_known"
            ),
            ciphertext_only("ticket_ciphertext_only", "subject"),
        ]
        indexes: ClassVar = [models.Index(fields=["status", "created_at"], name="ticket_status_time")]

    def __str__(self) -> str:
        return self.reference

    @property
    def key_subject(self) -> str:
        """A key of its own, so that its words can go before its customer does."""
        return f"{TICKET}{self.reference}"

    @property
    def sealed_row(self) -> str:
        return self.reference

    @property
    def subject(self) -> str | None:
        return self.plain("subject")


class TicketMessage(Sealed, AppendOnly):
    class Author(models.TextChoices):
        CUSTOMER = "customer"
        STAFF = "staff"

    sealed_fields: ClassVar = ("body",)

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the ticket")
    author_kind = models.CharField(max_length=10, choices=Author)
    user_id = models.CharField(max_length=32, help_text="who wrote it, or entered it for the customer")
    sealed_body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["ticket", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "number"], name="message_number_once_a_ticket"),
            models.CheckConstraint(condition=Q(author_kind__in=["customer", "staff"]), name="message_author_known"),
            ciphertext_only("message_ciphertext_only", "body"),
        ]

    def __str__(self) -> str:
        return f"message {self.number} of ticket {self.ticket_id}"

    @property
    def key_subject(self) -> str:
        return self.ticket.key_subject

    @property
    def sealed_row(self) -> str:
        return f"{self.ticket.reference}/{self.number}"

    @property
    def body(self) -> str | None:
        return self.plain("body")


class SentimentScore(models.Model):
    """The mood of one message: a number only, so it outlives the erasure of the words."""

    class Label(models.TextChoices):
        NEGATIVE = "negative"
        NEUTRAL = "neutral"
        POSITIVE = "positive"

    message = models.OneToOneField(TicketMessage, on_delete=models.PROTECT, primary_key=True, related_name="sentiment")
    score = models.DecimalField(max_digits=5, decimal_places=4, help_text="-1 (worst) to 1 (best)")
    label = models.CharField(max_length=10, choices=Label)
    method = models.CharField(max_length=40, help_text="what scored it, with its version")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(score__gte=-1, score__lte=1), name="sentiment_score_in_range"),
            models.CheckConstraint(
                condition=Q(label__in=["negative", "neutral", "positive"]), name="sentiment_label_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.score})"
