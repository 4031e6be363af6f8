"""In the place of django-simple-history's command of this name, which the shop's histories don't take."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Refuses: histories are append-only, and sealed in the audit trail."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv[:2])  # whatever its options

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "Nothing was removed: histories are append-only and sealed in the audit trail, the oldest and repeated "
            "rows as well. Personal data goes with `manage.py customer_erase` and `manage.py retention`."
        )
