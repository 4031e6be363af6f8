from typing import Any, ClassVar

from django.db import migrations


def take(apps: Any, schema_editor: Any) -> None:
    """Managers may not read the trail by any other door; in the admin they could see its records."""
    held = apps.get_model("auth", "Group").permissions.through.objects.using(schema_editor.connection.alias)
    records = ("view_auditrecord", "view_outbox")
    held.filter(
        group__name="manager", permission__content_type__app_label="audit", permission__codename__in=records
    ).delete()


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0004_user_history"), ("auth", "0012_alter_user_first_name_max_length")]

    operations: ClassVar = [migrations.RunPython(take, migrations.RunPython.noop)]
