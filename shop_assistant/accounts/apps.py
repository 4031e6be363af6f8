from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shop_assistant.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers them)
