from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0002_merkle")]

    operations: ClassVar = [
        migrations.RemoveField(model_name="checkpoint", name="frontier"),
        migrations.CreateModel(
            name="Anchoring",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("size", models.BigIntegerField(help_text="of the checkpoint")),
                ("root", models.BinaryField()),
                ("kind", models.CharField(help_text="file, mailbox, witness or timestamp", max_length=16)),
                (
                    "receipt",
                    models.TextField(
                        help_text="a cosignature, a time stamp in base64, a message's id, or where it lies"
                    ),
                ),
                ("anchored_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "size"], name="anchoring_of_kind")],
            },
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verifier",
                    models.CharField(help_text="C2SP verifier: name+id+base64", max_length=200, unique=True),
                ),
                (
                    "since_size",
                    models.BigIntegerField(
                        help_text="the first checkpoint signed with it; the key before has signed it too"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"verbose_name": "signing key"},
        ),
    ]
