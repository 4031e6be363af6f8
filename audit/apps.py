from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from shop_assistant.commands import key_checks

        from . import append_only, checks, judging  # noqa: F401  (registers itself)
        from .keys import ring_given

        key_checks.append(ring_given)
        post_migrate.connect(append_only.install, sender=self)
        post_migrate.connect(judging.sync_rules, sender=self)
