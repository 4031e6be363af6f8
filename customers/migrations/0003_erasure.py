from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("customers", "0002_ticket_assigned"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ErasureRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(help_text="such as E-000001", max_length=64, unique=True)),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("asked", "the person asked for it"),
                            ("consent_withdrawn", "consent was withdrawn"),
                            ("not_needed", "not needed any more"),
                            ("unlawful", "should not have been kept"),
                            ("retention", "kept for its time"),
                            ("restored", "erased before, and brought back by a backup"),
                        ],
                        default="asked",
                        max_length=20,
                    ),
                ),
                (
                    "sealed_reason",
                    models.TextField(blank=True, help_text="under the customer's key: it goes with the rest"),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("requested_by", models.CharField(max_length=32)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, max_length=32)),
                (
                    "self_approved",
                    models.BooleanField(default=False, help_text="nobody else could, so it was confirmed twice"),
                ),
                ("done_at", models.DateTimeField(blank=True, help_text="empty where it was declined", null=True)),
                (
                    "receipt",
                    models.CharField(blank=True, help_text="event id and leaf of SUBJECT_ERASED", max_length=110),
                ),
                ("erased", models.JSONField(blank=True, default=dict, help_text="how much of what was erased")),
                (
                    "keys",
                    models.JSONField(
                        blank=True, default=list, help_text="fingerprints of the keys that were destroyed"
                    ),
                ),
                (
                    "journalled_at",
                    models.DateTimeField(blank=True, help_text="since when the journal knows of it", null=True),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="loyaltyentry",
            index=models.Index(
                condition=models.Q(("kind", "adjust")), fields=["occurred_at"], name="loyalty_adjusted_time"
            ),
        ),
        migrations.AddField(
            model_name="erasurerequest",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="erasures", to="customers.customer"
            ),
        ),
        migrations.AddIndex(
            model_name="erasurerequest",
            index=models.Index(
                condition=models.Q(("decided_at", None)), fields=["requested_at"], name="erasure_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="erasurerequest",
            index=models.Index(
                condition=models.Q(("done_at__isnull", False), ("journalled_at", None)),
                fields=["id"],
                name="erasure_untold",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasurerequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decided_at", None)), fields=("customer",), name="erasure_asked_for_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasurerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decided_by", ""), ("done_at", None)),
                    models.Q(("decided_at__isnull", False), models.Q(("decided_by", ""), _negated=True)),
                    _connector="OR",
                ),
                name="erasure_decided_by_someone",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasurerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("done_at", None), models.Q(("receipt", ""), _negated=True), _connector="OR"),
                name="erasure_done_with_receipt",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasurerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("sealed_reason", ""), ("sealed_reason__startswith", "sealed:"), _connector="OR"),
                name="erasure_ciphertext_only",
            ),
        ),
    ]
