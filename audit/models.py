"""The trail: the outbox that commits with each effect, the sealed records, and what compliance found."""

from typing import Any, ClassVar, NoReturn, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class AppendOnlyError(TypeError):
    """The trail can be added to and read; nobody changes or removes a record."""


M = TypeVar("M", bound=models.Model)


class AppendOnlyQuerySet(models.QuerySet[M]):
    """Refuses at Python's door what the triggers refuse at the database's."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows can't be changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows can't be removed")


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class AppendOnly(models.Model):
    """A ledger's row: inserted once, then only read. Its table gets the append-only triggers."""

    objects = AppendOnlyManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows can't be changed")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} rows can't be removed")


class Event(models.Model):
    """What the outbox and the record have in common. The columns beside `payload` repeat it, for filtering."""

    event_id = models.UUIDField(unique=True)
    event = models.CharField(max_length=64)
    task_id = models.UUIDField(null=True)
    user_id = models.CharField(max_length=32, blank=True)
    agent = models.CharField(max_length=32, blank=True)
    timestamp = models.DateTimeField()
    payload = models.TextField(help_text="canonical JSON (RFC 8785)")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"


class Outbox(Event):
    """Events of committed business transactions, on their way into the log. Order is the sealer's, not the id's."""

    attempt = models.PositiveSmallIntegerField(default=1)
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "outbox event"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task_id", "event", "attempt"],
                condition=Q(event__startswith="TASK_"),
                name="outbox_one_event_an_attempt",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(sealed_at=None), name="outbox_unsealed"),
            models.Index(fields=["task_id"], name="outbox_task"),
        ]


class AuditRecord(Event, AppendOnly):
    """One sealed event. `seq` has no gaps; `chain` = SHA-256(previous chain || leaf)."""

    seq = models.BigIntegerField(primary_key=True)
    leaf = models.BinaryField(help_text="SHA-256(0x00 || payload), the RFC 6962 leaf")
    prev = models.BinaryField(unique=True, help_text="chain of the record before; unique, so the log can't fork")
    chain = models.BinaryField()

    class Meta:
        db_table = "audit_record"
        verbose_name = "audit record"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(seq__gte=1), name="record_seq_from_one")]
        indexes: ClassVar = [
            models.Index(fields=["task_id", "seq"], name="record_task"),
            models.Index(fields=["event", "seq"], name="record_event"),
            models.Index(fields=["user_id", "seq"], name="record_user"),
            models.Index(fields=["timestamp"], name="record_time"),
        ]


class Checkpoint(AppendOnly):
    """A signed statement of the log's size and Merkle root, and where it was anchored."""

    size = models.BigIntegerField(primary_key=True, help_text="records covered")
    root = models.BinaryField(help_text="Merkle tree hash of the first `size` leaves")
    frontier = models.TextField(help_text="compact range: hex hashes of the complete subtrees")
    note = models.TextField(help_text="C2SP signed note")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(size__gte=1), name="checkpoint_covers_some")]

    def __str__(self) -> str:
        return f"checkpoint of {self.size} records"


class Denial(models.Model):
    """Refused calls of one minute, user and address, counted here and then told in one event."""

    minute = models.DateTimeField()
    code = models.CharField(max_length=32)
    user_id = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=24, help_text="a keyed hash")
    route = models.CharField(max_length=100)
    count = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["minute", "code", "user_id", "address", "route"], name="denial_once_a_minute"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} x {self.code}"


class ComplianceRule(models.Model):
    """A rule that an app's `compliance_rules` module defines; its weight, parameters and use are the shop's to set."""

    class Severity(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        CRITICAL = "critical"

    key = models.SlugField(max_length=64, primary_key=True)
    title = models.CharField(max_length=120)
    explanation = models.TextField(help_text="why it matters and how to put it right")
    severity = models.CharField(max_length=10, choices=Severity)
    weight = models.PositiveSmallIntegerField(help_text="points lost from 100 when the rule is broken")
    parameters = models.JSONField(default=dict, blank=True)
    blocking = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(weight__range=(0, 100)), name="rule_weight_to_100"),
            models.CheckConstraint(
                condition=Q(severity__in=["info", "warning", "critical"]), name="rule_severity_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Finding(models.Model):
    """One case in which a rule was broken, tracked until someone answers for it."""

    class Status(models.TextChoices):
        OPEN = "open"
        EXPLAINED = "explained"
        FIXED = "fixed"
        ACCEPTED = "accepted"

    rule = models.ForeignKey(ComplianceRule, on_delete=models.PROTECT, related_name="findings")
    entity_type = models.CharField(max_length=40)
    entity_id = models.CharField(max_length=80)
    message = models.CharField(max_length=300)
    evidence = models.JSONField(default=list, help_text="what shows it: record seqs, references")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    answered_by = models.CharField(max_length=32, blank=True)
    answer = models.CharField(max_length=500, blank=True)
    found_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "entity_type", "entity_id"], name="finding_once_an_entity"),
            models.CheckConstraint(
                condition=Q(status="open", answered_at=None) | (~Q(status="open") & ~Q(answered_by="")),
                name="finding_answer_has_author",
            ),
        ]

    def __str__(self) -> str:
        return self.message
