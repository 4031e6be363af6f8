"""The trail: the outbox that commits with each effect, the sealed records, and what compliance found."""

from typing import Any, ClassVar, NoReturn, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .completeness_models import CompletenessRun  # noqa: F401  (models of this app)
from .compliance_models import ComplianceRule, Finding  # noqa: F401


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
        # Every write pays for each index here. That a task's step is told once is in its event_id (see events.draft).
        indexes: ClassVar = [models.Index(fields=["id"], condition=Q(sealed_at=None), name="outbox_unsealed")]


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
            models.Index(
                fields=["agent", "timestamp"],
                condition=Q(event="TASK_COMPLETED", agent="customers"),
                name="record_customers_time",
            ),
        ]


class MerkleTile(AppendOnly):
    """The Merkle root over a whole tile: 256 leaves, or 256 tiles of the level below. Of these proofs are made.

    It repeats what the leaves say. Where a tail of the log had to be sealed again, a later row is the one that counts.
    """

    level = models.PositiveSmallIntegerField(help_text="1: over 256 leaves, 2: over 256 of level 1 ...")
    index = models.BigIntegerField(help_text="from 0, which lies leftmost")
    root = models.BinaryField()

    class Meta:
        verbose_name = "Merkle tile"
        indexes: ClassVar = [models.Index(fields=["level", "index", "id"], name="tile_place")]

    def __str__(self) -> str:
        return f"tile {self.index} of level {self.level}"


class Checkpoint(AppendOnly):
    """A signed statement of the log's size and Merkle root."""

    size = models.BigIntegerField(primary_key=True, help_text="records covered")
    root = models.BinaryField(help_text="Merkle tree hash of the first `size` leaves")
    note = models.TextField(help_text="C2SP signed note")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(size__gte=1), name="checkpoint_covers_some")]

    def __str__(self) -> str:
        return f"checkpoint of {self.size} records"


class Anchoring(AppendOnly):
    """A checkpoint was handed to somebody with another administrator, and this is what came back."""

    size = models.BigIntegerField(help_text="of the checkpoint")
    root = models.BinaryField()
    kind = models.CharField(max_length=16, help_text="file, mailbox, witness or timestamp")
    receipt = models.TextField(help_text="a cosignature, a time stamp in base64, a message's id, or where it lies")
    anchored_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "size"], name="anchoring_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind} holds {self.size} records"


class SigningKey(AppendOnly):
    """The public part of a key that has signed checkpoints. The private one is never in a database (see `keys`)."""

    verifier = models.CharField(max_length=200, unique=True, help_text="C2SP verifier: name+id+base64")
    since_size = models.BigIntegerField(
        help_text="the first checkpoint signed with it; the key before has signed it too"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "signing key"

    def __str__(self) -> str:
        return self.verifier


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


class ComplianceDay(AppendOnly):
    """How a day of the shop was judged the night after."""

    day = models.DateField(primary_key=True, help_text="in SHOP_TIMEZONE")
    score = models.PositiveSmallIntegerField(help_text="0 to 100")
    threshold = models.PositiveSmallIntegerField(help_text="COMPLIANCE_THRESHOLD at that time")
    broken = models.JSONField(default=dict, help_text="cases by the rule that they break")
    judged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "judged day"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(score__lte=100), name="day_score_to_100")]

    def __str__(self) -> str:
        return f"{self.day}: {self.score}"

    @property
    def compliant(self) -> bool:
        return self.score >= self.threshold
