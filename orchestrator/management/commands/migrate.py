"""Django's `migrate`, with what `upgrade` does around it where somebody types it."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from audit.history import histories_begin
from orchestrator.upgrading import make_private

PARTIAL = ("app_label", "plan", "check_unapplied", "prune")


class Command(migrate.Command):
    typed = False

    def run_from_argv(self, argv: list[str]) -> None:
        self.typed = True
        for alias in settings.DATABASES:
            make_private(alias)  # before the system's checks, which open it
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        """Rows that migrations have made get their history."""
        super().handle(*args, **options)
        if self.typed and options["database"] == DEFAULT_DB_ALIAS and not any(options[name] for name in PARTIAL):
            histories_begin()
