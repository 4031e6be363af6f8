from typing import ClassVar

import simple_history.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0004_compliance")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="CompletenessRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("milliseconds", models.PositiveIntegerField()),
                ("records", models.BigIntegerField(help_text="size of the log")),
                ("rows", models.JSONField(help_text="how many rows each check looked at")),
                (
                    "gaps",
                    models.PositiveIntegerField(
                        help_text="what was without its record, or otherwise than recorded"
                    ),
                ),
                ("shown", models.JSONField(help_text="the first hundred of them: check, what, message")),
            ],
            options={
                "verbose_name": "completeness check",
                "ordering": ["-began_at"],
                "indexes": [models.Index(fields=["-began_at"], name="completeness_newest")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalComplianceRule",
            fields=[
                ("key", models.SlugField(max_length=64)),
                (
                    "weight",
                    models.PositiveSmallIntegerField(help_text="points lost from 100 when the rule is broken"),
                ),
                ("parameters", models.JSONField(blank=True, default=dict)),
                (
                    "blocking",
                    models.BooleanField(
                        default=False,
                        help_text="refuse what would break the rule, instead of only finding it afterwards",
                    ),
                ),
                ("active", models.BooleanField(default=True)),
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
                "verbose_name": "historical compliance rule",
                "verbose_name_plural": "historical compliance rules",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
