"""What the checks of completeness found, hour by hour."""

from typing import ClassVar

from django.db import models


class CompletenessRun(models.Model):
    """One look at everything: what was looked at, and what was not as recorded."""

    began_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    records = models.BigIntegerField(help_text="size of the log")
    rows = models.JSONField(help_text="how many rows each check looked at")
    gaps = models.PositiveIntegerField(help_text="what was without its record, or otherwise than recorded")
    shown = models.JSONField(help_text="the first hundred of them: check, what, message")

    class Meta:
        verbose_name = "completeness check"
        ordering: ClassVar = ["-began_at"]
        indexes: ClassVar = [models.Index(fields=["-began_at"], name="completeness_newest")]

    def __str__(self) -> str:
        return f"{self.gaps} gaps on {self.began_at:%Y-%m-%d %H:%M}"
