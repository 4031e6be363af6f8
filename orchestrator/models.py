"""The durable state of every request, and the keys by which a repeated one is recognised."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.models import AppendOnly


class TaskState(models.Model):
    """pending → in_progress → completed | failed. Triggers and checks hold that in the database too.

    While in progress a task belongs to the process that holds its lease; only with the lease's token can it
    be finished, so that a process believed dead can't finish what another has taken over.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        IN_PROGRESS = "in_progress", "in progress"
        COMPLETED = "completed"
        FAILED = "failed"

    task_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=12, choices=Status)
    agent = models.CharField(max_length=32, blank=True)
    operation = models.CharField(max_length=64, blank=True)
    user_id = models.CharField(max_length=32)
    acted_by = models.CharField(max_length=32, blank=True, help_text="the service that acted for the user")
    session_id = models.CharField(max_length=100, blank=True)
    page = models.CharField(max_length=40, blank=True)
    channel = models.CharField(max_length=10)
    is_async = models.BooleanField(default=False)
    inputs = models.JSONField(default=dict, help_text="personal values are sealed")
    outputs = models.JSONField(null=True, blank=True, help_text="personal values are sealed")
    error = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    agent_calls = models.JSONField(default=list)
    attempt = models.PositiveSmallIntegerField(default=1)
    receipt = models.CharField(max_length=110, blank=True, help_text="event id and leaf of the write's record")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="when a pending task may run")
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "task"
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    status="pending",
                    due_at__isnull=False,
                    lease_token=None,
                    lease_until=None,
                    finished_at=None,
                )
                | Q(
                    status="in_progress",
                    started_at__isnull=False,
                    lease_token__isnull=False,
                    lease_until__isnull=False,
                    finished_at=None,
                )
                | Q(
                    status="completed",
                    started_at__isnull=False,
                    finished_at__isnull=False,
                    lease_token=None,
                    error_code="",
                )
                | (Q(status="failed", finished_at__isnull=False, lease_token=None) & ~Q(error_code="")),
                name="task_state_and_its_times",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="task_pending"),
            models.Index(fields=["lease_until"], condition=Q(status="in_progress"), name="task_in_progress"),
            models.Index(fields=["user_id", "created_at"], name="task_user"),
            models.Index(fields=["created_at"], name="task_created"),
            models.Index(fields=["finished_at"], condition=Q(status="failed"), name="task_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.agent}.{self.operation} {self.task_id}"


class IdempotencyKey(models.Model):
    """What was asked under a key, and the task that answered it."""

    user_id = models.CharField(max_length=32)
    route = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(help_text="keyed hash of the request")
    task = models.ForeignKey(TaskState, on_delete=models.CASCADE, related_name="idempotency_keys")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user_id", "route", "key"], name="idempotency_key_once"),
            models.CheckConstraint(condition=~Q(key=""), name="idempotency_key_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class ImportedDocument(AppendOnly):
    """What one batch of an import took from an invoice of a sales file, so that the file can be run again and grow."""

    number = models.CharField(max_length=64, help_text="as the file has it")
    batch = models.PositiveBigIntegerField(help_text="of the import, counted over all imports (reference I-000123)")
    lines = models.BinaryField(help_text="hashes of the lines taken, eight bytes each; identical lines repeat")
    parts = models.PositiveIntegerField(help_text="how many orders and returns were made of them")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number", "batch"], name="imported_document_once_a_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.number} in I-{self.batch:06d}"


class Worker(models.Model):
    """A worker process, which says every few seconds that it is there."""

    name = models.CharField(max_length=100, primary_key=True, help_text="host and process")
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name
