"""The databases, brought up to this version."""

from typing import Any

from orchestrator.upgrading import upgrade
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Bring every database up to this version, as `serve` does at its start. Safe to run from several hosts at "
        "once: one does the work, the others wait."
    )
    examples = """\
  manage.py upgrade
"""

    def handle(self, *args: Any, **options: Any) -> None:
        upgrade()
        self.stdout.write("The databases are up to date.")
