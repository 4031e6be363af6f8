"""A purchase order as a file to send to its supplier."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from inventory.purchase_files import FORMATS, purchase_file
from inventory.selectors import purchase_get
from orchestrator.exporting.files import whole_file
from shop_assistant.accounts.models import User
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = "Write a purchase order as a PDF, or as a CSV table, to send to its supplier. It changes nothing."
    examples = """\
  manage.py purchase_order PO-000123 --output PO-000123.pdf       the format is the file's ending
  manage.py purchase_order PO-000123 --format csv                 to standard output
  manage.py purchase_order PO-000123 --format pdf --user manager --output order.pdf

exit codes: 0 written; 1 there is no such order, not allowed, or not written; 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", metavar="PO-000123", help="the order's reference")
        parser.add_argument("--format", choices=tuple(FORMATS), help="left out: by the file's ending; pdf to stdout")
        parser.add_argument("--output", default="-", metavar="FILE", help="- (as when left out): standard output")
        parser.add_argument("--user", metavar="USERNAME", help="who asks; left out: this machine's `system`")

    def handle(self, *args: Any, **options: Any) -> None:
        path = None if options["output"] == "-" else Path(options["output"])
        ending = path.suffix.lower().removeprefix(".") if path else ""
        if path and not options["format"] and ending not in FORMATS:
            raise CommandError(f"{path} ends in neither .pdf nor .csv: say which it is to be (--format).", returncode=2)
        format = options["format"] or ending or "pdf"
        if path is None and format == "pdf" and sys.stdout.isatty():
            raise CommandError("A PDF is nothing for a terminal: name a file (--output).", returncode=2)
        try:
            call(
                "inventory",
                "purchase_orders",
                {"order": options["order"]},
                user=_user(options["user"]),
                channel="command",
            )
        except AgentError as error:
            raise CommandError(error.message) from None
        made = purchase_file(order=purchase_get(reference=options["order"]), format=format)
        if path is None:
            self.stdout.flush()
            sys.stdout.buffer.write(made.content)
            return
        try:
            with whole_file(path) as file:
                file.write(made.content)
        except OSError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{path}: {len(made.content):,} bytes")


def _user(name: str | None) -> User:
    """:raises CommandError:"""
    if name is None:
        return system_user()
    found = User.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user {name}.")
    return found
