"""Everything that is kept about a customer, as one JSON."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator.exporting.files import whole_file
from shop_assistant.accounts.models import User
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError, ValidationFailed
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Write everything that is kept about a customer as one JSON: profile and its history, orders, returns, points, "
        "tickets, interactions, requests about the person, and who looked at their data (GDPR, articles 15 and 20). "
        "The access is told in the trail."
    )
    examples = """\
  manage.py customer_data CUST001 --user owner --reason "asked for by letter of 3 March" --output CUST001.json

exit codes: 0 written, 1 refused or failed, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", help="the customer's id")
        parser.add_argument("--user", required=True, metavar="USERNAME", help="who gives it out; needs the permission")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why; kept sealed with the task")
        parser.add_argument("--output", default="-", metavar="FILE", help="- (as when left out): standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        asked = {"customer_id": options["customer"], "reason": options["reason"]}
        try:
            found = call("customers", "export_data", asked, user=user, channel="command")
            content = json.dumps(found, ensure_ascii=False, indent=2).encode() + b"\n"
            self._write(content, options["output"])
        except AgentError as error:
            raise CommandError(error.message, returncode=2 if isinstance(error, ValidationFailed) else 1) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise CommandError(str(error)) from None

    def _write(self, content: bytes, output: str) -> None:
        if output == "-":
            with open(sys.stdout.fileno(), "wb", closefd=False) as out:
                out.write(content)
            return
        with whole_file(Path(output), private=True) as file:
            file.write(content)
        self.stdout.write(f"Wrote {output}: keep it safe, it names a person.")
