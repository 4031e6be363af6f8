from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import connections, router
from django.db.models.signals import post_migrate


class OrchestratorConfig(AppConfig):
    name = "orchestrator"
    verbose_name = "Orchestrator"

    def ready(self) -> None:
        from shop_assistant.accounts.roles import sync_admin_permissions
        from shop_assistant.agents import open_door

        from .door import knock

        open_door(knock)
        # This app is the last one installed: the permissions of all others exist when its turn comes.
        post_migrate.connect(sync_admin_permissions, sender=self)
        post_migrate.connect(_install_task_states, sender=self)


def _install_task_states(using: str, **kwargs: Any) -> None:
    from shop_assistant.sql import run_sql_file

    connection = connections[using]
    if (
        router.allow_migrate(using, "orchestrator", model_name="taskstate")
        and "orchestrator_taskstate" in connection.introspection.table_names()
    ):
        run_sql_file(connection, Path(__file__).parent / "sql", "task_states.sql")
