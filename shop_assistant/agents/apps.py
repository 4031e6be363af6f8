from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate


class AgentsConfig(AppConfig):
    name = "shop_assistant.agents"
    label = "agents"
    verbose_name = "Agents"

    def ready(self) -> None:
        from .checks import check_operations
        from .permissions import sync_permissions

        register(check_operations)
        post_migrate.connect(sync_permissions, sender=self)
