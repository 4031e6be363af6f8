from typing import ClassVar

import simple_history.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("vault", "0002_checks_and_retention")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="HistoricalRetentionPeriod",
            fields=[
                ("kind", models.SlugField(max_length=40)),
                ("days", models.PositiveIntegerField(help_text="kept for so many days")),
                (
                    "at_least",
                    models.PositiveIntegerField(default=0, help_text="days below which it may not be set"),
                ),
                ("active", models.BooleanField(default=True, help_text="off: kept until somebody erases it")),
                ("history_user_id", models.CharField(max_length=32)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical retention period",
                "verbose_name_plural": "historical retention periods",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
