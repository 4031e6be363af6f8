"""Keys of the people whose data the shop keeps. Destroying one makes everything sealed with it unreadable."""

from typing import ClassVar

from django.db import models


class SubjectKey(models.Model):
    """The data key of one subject: a customer's, or that of a task or ticket which names no known customer."""

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
