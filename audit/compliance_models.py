"""Compliance rules as the shop has set them, and the findings that somebody has to answer for."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.tracking import TrackedManager, tracked

from .blocking import forget
from .rulebook import rules

ENTITY_LENGTH = 120


class ComplianceRule(models.Model):
    """A rule that an app's `compliance` module defines; its weight, parameters and use are the shop's to set."""

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
    blocking = models.BooleanField(
        default=False, help_text="refuse what would break the rule, instead of only finding it afterwards"
    )
    active = models.BooleanField(default=True)

    objects = TrackedManager()
    history = tracked(late=True, excluded_fields=["title", "explanation", "severity"])  # those are the code's

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(weight__range=(0, 100)), name="rule_weight_to_100"),
            models.CheckConstraint(
                condition=Q(severity__in=["info", "warning", "critical"]), name="rule_severity_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Through every door only parameters that fit; and what blocks is known at once in this process."""
        self.clean()
        super().save(*args, **kwargs)
        forget()
        transaction.on_commit(forget, using=self._state.db)

    def clean(self) -> None:
        """:raises ValidationError: when the parameters are not of the rule's types, or it can't block anything."""
        defined = rules().get(self.key)
        if defined is None:
            return
        try:
            defined.read(self.parameters)
        except ValidationFailed as error:
            raise ValidationError({"parameters": error.message}) from None
        if self.blocking and defined.proposed is None:
            raise ValidationError({"blocking": "This rule judges only what has happened: it can't block anything."})


class Finding(models.Model):
    """One case in which a rule was broken, tracked until someone answers for it. Its history keeps every answer."""

    class Status(models.TextChoices):
        OPEN = "open"
        EXPLAINED = "explained"
        FIXED = "fixed"
        ACCEPTED = "accepted"

    rule = models.ForeignKey(ComplianceRule, on_delete=models.PROTECT, related_name="findings")
    entity_type = models.CharField(max_length=40)
    entity_id = models.CharField(max_length=ENTITY_LENGTH)
    message = models.CharField(max_length=300)
    evidence = models.JSONField(default=list, help_text="what shows it: record seqs, references")
    caused_by = models.CharField(
        max_length=32, blank=True, help_text="whose doing it is; empty: nobody's in particular"
    )
    occurred_at = models.DateTimeField(null=True, blank=True, help_text="empty: it was so when it was found")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    answered_by = models.CharField(max_length=32, blank=True)
    answer = models.CharField(max_length=500, blank=True)
    found_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = TrackedManager()
    history = tracked(late=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "entity_type", "entity_id"], name="finding_once_an_entity"),
            models.CheckConstraint(
                condition=Q(status="open", answered_at=None) | (~Q(status="open") & ~Q(answered_by="")),
                name="finding_answer_has_author",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "explained", "fixed", "accepted"]), name="finding_status_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "id"], name="finding_status"),
            models.Index(fields=["found_at"], name="finding_time"),
        ]

    def __str__(self) -> str:
        return self.message
