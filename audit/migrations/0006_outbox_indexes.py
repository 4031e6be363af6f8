from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0005_completeness")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="outbox", name="outbox_one_event_an_attempt"),
        migrations.RemoveIndex(model_name="outbox", name="outbox_task"),
    ]
