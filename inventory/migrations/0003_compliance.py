from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("inventory", "0002_import_review_and_old_returns")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="orderreturn",
            index=models.Index(
                condition=models.Q(("order", None)), fields=["occurred_at"], name="return_without_order_time"
            ),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(
                condition=models.Q(("kind", "adjustment"), ("kind", "count"), ("kind", "write_off"), _connector="OR"),
                fields=["occurred_at"],
                name="movement_correction_time",
            ),
        ),
    ]
