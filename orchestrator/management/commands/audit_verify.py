"""Is the trail whole?"""

import json
import sys
from dataclasses import asdict
from itertools import chain
from typing import Any

from django.core.management.base import CommandParser

from audit.models import Outbox
from audit.verification import log_size, verify_all
from orchestrator.completeness import verify_completeness
from shop_assistant.commands import ShopCommand

SHOWN = 100


class Command(ShopCommand):
    help = (
        "Verify the audit trail: every record against its payload and the one before it, the outbox, the triggers, "
        "and that every ended task was told. Reads only."
    )
    examples = """\
  manage.py audit_verify
  manage.py audit_verify --json       one JSON object, for programs

exit codes: 0 whole, 1 something is wrong, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        problems = list(chain(verify_all(), verify_completeness()))
        size, waiting = log_size(), Outbox.objects.filter(sealed_at=None).count()
        if options["json"]:
            told = {
                "ok": not problems,
                "records": size,
                "waiting": waiting,
                "problems": [asdict(problem) for problem in problems],
            }
            self.stdout.write(json.dumps(told))
        else:
            for problem in problems[:SHOWN]:
                where = f" {problem.seq}" if problem.seq else ""
                self.stdout.write(self.style.ERROR(f"{problem.kind}{where}: {problem.message}"))
            if len(problems) > SHOWN:
                self.stdout.write(f"... and {len(problems) - SHOWN} more")
            verdict = f"{len(problems)} problems" if problems else "whole"
            self.stdout.write(f"{size} records, {waiting} events waiting to be sealed: {verdict}")
        if problems:
            sys.exit(1)
