"""Keys of the people whose data the shop keeps, and what is known of the keys that lie outside the database."""

from typing import ClassVar

from django.db import models

from shop_assistant.tracking import TrackedManager, tracked


class SubjectKey(models.Model):
    """The data key of one subject: a customer's, a ticket's, or that of a task which names no known customer."""

    subject = models.CharField(max_length=80, unique=True, help_text="CUST001, task:<uuid> or ticket:<reference>")
    master_key = models.CharField(max_length=16, help_text="id of the master key that wraps it (ENCRYPTION_KEYS)")
    wrapped = models.BinaryField(null=True, help_text="AES-256-GCM of the 32-byte key; empty once destroyed")
    created_at = models.DateTimeField(auto_now_add=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(wrapped__isnull=True, destroyed_at__isnull=False)
                | models.Q(wrapped__isnull=False, destroyed_at__isnull=True),
                name="subject_key_there_or_destroyed",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class KeyCheck(models.Model):
    """By this a key from outside the database is known again; the key can't be told from it."""

    name = models.CharField(max_length=40, primary_key=True, help_text="ENCRYPTION_KEYS:<id> or LOOKUP_KEY")
    value = models.BinaryField(help_text="16 bytes of a keyed hash of the name")

    def __str__(self) -> str:
        return self.name


class RetentionPeriod(models.Model):
    """How long a kind of data is kept. The kinds are defined in the apps' `retention` modules; the days are the shop's
    to set.
    """

    kind = models.SlugField(max_length=40, primary_key=True)
    about = models.TextField(help_text="what is meant, and what happens when its time is over")
    days = models.PositiveIntegerField(help_text="kept for so many days")
    at_least = models.PositiveIntegerField(default=0, help_text="days below which it may not be set")
    active = models.BooleanField(default=True, help_text="off: kept until somebody erases it")

    objects = TrackedManager()
    history = tracked(late=True, excluded_fields=["about"])

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(days__gte=models.F("at_least")), name="retention_not_too_short"),
        ]

    def __str__(self) -> str:
        return self.kind
