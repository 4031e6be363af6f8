"""Rate counts may be lost in a crash; unlogged, counting costs PostgreSQL no disk flush."""

from django.db import migrations


def make_unlogged(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_ratecount SET UNLOGGED")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(make_unlogged, migrations.RunPython.noop)]
