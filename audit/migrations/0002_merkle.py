from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0001_initial")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="MerkleTile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "level",
                    models.PositiveSmallIntegerField(help_text="1: over 256 leaves, 2: over 256 of level 1 ..."),
                ),
                ("index", models.BigIntegerField(help_text="from 0, which lies leftmost")),
                ("root", models.BinaryField()),
            ],
            options={
                "verbose_name": "Merkle tile",
                "indexes": [models.Index(fields=["level", "index", "id"], name="tile_place")],
            },
        ),
    ]
