from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("vault", "0001_initial")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="KeyCheck",
            fields=[
                (
                    "name",
                    models.CharField(
                        help_text="ENCRYPTION_KEYS:<id> or LOOKUP_KEY",
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("value", models.BinaryField(help_text="16 bytes of a keyed hash of the name")),
            ],
        ),
        migrations.CreateModel(
            name="RetentionPeriod",
            fields=[
                ("kind", models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ("about", models.TextField(help_text="what is meant, and what happens when its time is over")),
                ("days", models.PositiveIntegerField(help_text="kept for so many days")),
                (
                    "at_least",
                    models.PositiveIntegerField(default=0, help_text="days below which it may not be set"),
                ),
                ("active", models.BooleanField(default=True, help_text="off: kept until somebody erases it")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("days__gte", models.F("at_least"))), name="retention_not_too_short"
                    )
                ],
            },
        ),
    ]
