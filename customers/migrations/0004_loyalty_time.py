"""Points given by hand are entries of several kinds: the index by time is of all of them."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("customers", "0003_erasure")]

    operations: ClassVar = [
        migrations.RemoveIndex(model_name="loyaltyentry", name="loyalty_adjusted_time"),
        migrations.AddIndex(model_name="loyaltyentry", index=models.Index(fields=["occurred_at"], name="loyalty_time")),
    ]
