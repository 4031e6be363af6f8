from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shop_assistant.accounts"
    label = "accounts"
    verbose_name = "Accounts"
