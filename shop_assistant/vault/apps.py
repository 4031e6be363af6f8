from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "shop_assistant.vault"
    label = "vault"
    verbose_name = "Vault"
