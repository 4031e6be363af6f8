from django.apps import AppConfig
from django.db.models.signals import post_migrate


class VaultConfig(AppConfig):
    name = "shop_assistant.vault"
    label = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from .keys import keys_note
        from .retention import periods_sync

        post_migrate.connect(keys_note, sender=self)
        post_migrate.connect(periods_sync, sender=self)
