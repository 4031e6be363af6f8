from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
import simple_history.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0003_anchors")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ComplianceDay",
            fields=[
                ("day", models.DateField(help_text="in SHOP_TIMEZONE", primary_key=True, serialize=False)),
                ("score", models.PositiveSmallIntegerField(help_text="0 to 100")),
                ("threshold", models.PositiveSmallIntegerField(help_text="COMPLIANCE_THRESHOLD at that time")),
                ("broken", models.JSONField(default=dict, help_text="cases by the rule that they break")),
                ("judged_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"verbose_name": "judged day"},
        ),
        migrations.AddConstraint(
            model_name="complianceday",
            constraint=models.CheckConstraint(condition=models.Q(("score__lte", 100)), name="day_score_to_100"),
        ),
        migrations.AlterField(
            model_name="compliancerule",
            name="blocking",
            field=models.BooleanField(
                default=False, help_text="refuse what would break the rule, instead of only finding it afterwards"
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="caused_by",
            field=models.CharField(
                blank=True, help_text="whose doing it is; empty: nobody's in particular", max_length=32
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="occurred_at",
            field=models.DateTimeField(blank=True, help_text="empty: it was so when it was found", null=True),
        ),
        migrations.AlterField(model_name="finding", name="entity_id", field=models.CharField(max_length=120)),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "explained", "fixed", "accepted"])),
                name="finding_status_known",
            ),
        ),
        migrations.AddIndex(
            model_name="finding", index=models.Index(fields=["status", "id"], name="finding_status")
        ),
        migrations.AddIndex(model_name="finding", index=models.Index(fields=["found_at"], name="finding_time")),
        migrations.CreateModel(
            name="HistoricalFinding",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("entity_type", models.CharField(max_length=40)),
                ("entity_id", models.CharField(max_length=120)),
                ("message", models.CharField(max_length=300)),
                ("evidence", models.JSONField(default=list, help_text="what shows it: record seqs, references")),
                (
                    "caused_by",
                    models.CharField(
                        blank=True, help_text="whose doing it is; empty: nobody's in particular", max_length=32
                    ),
                ),
                (
                    "occurred_at",
                    models.DateTimeField(blank=True, help_text="empty: it was so when it was found", null=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("explained", "Explained"),
                            ("fixed", "Fixed"),
                            ("accepted", "Accepted"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("answered_by", models.CharField(blank=True, max_length=32)),
                ("answer", models.CharField(blank=True, max_length=500)),
                ("found_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("history_user_id", models.CharField(max_length=32)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="audit.compliancerule",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical finding",
                "verbose_name_plural": "historical findings",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddIndex(
            model_name="auditrecord",
            index=models.Index(
                condition=models.Q(("agent", "customers"), ("event", "TASK_COMPLETED")),
                fields=["agent", "timestamp"],
                name="record_customers_time",
            ),
        ),
    ]
