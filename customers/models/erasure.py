"""Requests to erase a person, and what became of them."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..encryption import Sealed, ciphertext_only
from .people import Customer

DUE_DAYS = 30
"""One month, GDPR article 12 (3)."""


class ErasureRequest(Sealed):
    """Asked for by one person, confirmed by another. What is left of it when it is done names nobody."""

    class Ground(models.TextChoices):
        """GDPR, article 17 (1), and the shop's own."""

        ASKED = "asked", "the person asked for it"
        CONSENT_WITHDRAWN = "consent_withdrawn", "consent was withdrawn"
        NOT_NEEDED = "not_needed", "not needed any more"
        UNLAWFUL = "unlawful", "should not have been kept"
        RETENTION = "retention", "kept for its time"
        RESTORED = "restored", "erased before, and brought back by a backup"

    sealed_fields: ClassVar = ("reason",)

    reference = models.CharField(max_length=64, unique=True, help_text="such as E-000001")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="erasures")
    ground = models.CharField(max_length=20, choices=Ground, default=Ground.ASKED)
    sealed_reason = models.TextField(blank=True, help_text="under the customer's key: it goes with the rest")
    requested_at = models.DateTimeField(default=timezone.now)
    requested_by = models.CharField(max_length=32)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=32, blank=True)
    self_approved = models.BooleanField(default=False, help_text="nobody else could, so it was confirmed twice")
    done_at = models.DateTimeField(null=True, blank=True, help_text="empty where it was declined")
    receipt = models.CharField(max_length=110, blank=True, help_text="event id and leaf of SUBJECT_ERASED")
    erased = models.JSONField(default=dict, blank=True, help_text="how much of what was erased")
    keys = models.JSONField(default=list, blank=True, help_text="fingerprints of the keys that were destroyed")
    journalled_at = models.DateTimeField(null=True, blank=True, help_text="since when the journal knows of it")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer"], condition=Q(decided_at=None), name="erasure_asked_for_once"),
            models.CheckConstraint(
                condition=Q(decided_at=None, done_at=None, decided_by="")
                | (Q(decided_at__isnull=False) & ~Q(decided_by="")),
                name="erasure_decided_by_someone",
            ),
            models.CheckConstraint(condition=Q(done_at=None) | ~Q(receipt=""), name="erasure_done_with_receipt"),
            ciphertext_only("erasure_ciphertext_only", "reason"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["requested_at"], condition=Q(decided_at=None), name="erasure_waiting"),
            models.Index(fields=["id"], condition=Q(done_at__isnull=False, journalled_at=None), name="erasure_untold"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def key_subject(self) -> str:
        return self.customer.public_id

    @property
    def sealed_row(self) -> str:
        return self.reference

    @property
    def reason(self) -> str | None:
        return self.plain("reason")

    @property
    def due_at(self) -> datetime:
        return self.requested_at + timedelta(days=DUE_DAYS)

    @property
    def status(self) -> str:
        if self.done_at:
            return "erased"
        return "declined" if self.decided_at else "requested"
