"""Letting go of what has been kept for its time."""

from typing import Any

from django.core.management.base import CommandParser

from customers.keeping import retention_apply, retention_due
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Let go of what has been kept for its time, as the worker does every day. The periods are in the admin "
        "(Retention periods). Ledgers, orders and the trail are never touched. What only serves the moment goes within "
        "the hour, whatever the periods: logins that have ended, counts of requests, files uploaded to be imported."
    )
    examples = """\
  manage.py retention --dry-run       what would go
  manage.py retention
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        done = list(retention_due()) if options["dry_run"] else retention_apply()
        verb = "would go" if options["dry_run"] else "gone"
        for one in done:
            self.stdout.write(f"{one.kind}: {one.count} {verb} (kept for {one.days} days)")
