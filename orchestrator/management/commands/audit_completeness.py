"""Was everything told?"""

import json
import logging
import sys
from typing import Any

from django.core.management.base import CommandParser

from audit.completeness import Look, checks, completeness_run, gaps_found
from audit.verification import log_size
from shop_assistant.commands import ShopCommand

SHOWN = 100


class Command(ShopCommand):
    help = (
        "Look for what the trail leaves out: tasks against events, histories against the events that seal them and the "
        "rows they are of, ledgers against balances. The worker does it every hour; the result is kept and told."
    )
    examples = """\
  manage.py audit_completeness
  manage.py audit_completeness --json         one JSON object, for programs
  manage.py audit_completeness --dry-run      keep and tell nothing of it

exit codes: 0 nothing is missing, 1 something is, 2 wrong usage
"""

    shows_log = logging.CRITICAL + 1  # the answer tells all of it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
        parser.add_argument("--dry-run", action="store_true", help="only look: keep no result, write no event")

    def handle(self, *args: Any, **options: Any) -> None:
        result = _look() if options["dry_run"] else _run()
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self._tell(result)
        if result["gaps"]:
            sys.exit(1)

    def _tell(self, result: dict[str, Any]) -> None:
        for gap in result["shown"]:
            self.stdout.write(self.style.ERROR(f"{gap['check']}: {gap['what']} {gap['message']}"))
        if result["gaps"] > len(result["shown"]):
            self.stdout.write(f"... and {result['gaps'] - len(result['shown'])} more")
        titles = {name: title for name, (title, _) in checks().items()}
        for name, count in result["rows"].items():
            self.stdout.write(f"{titles[name]}: {count} looked at")
        self.stdout.write(f"{result['gaps']} gaps" if result["gaps"] else "Nothing is missing.")


def _run() -> dict[str, Any]:
    run = completeness_run()
    return {"ok": not run.gaps, "gaps": run.gaps, "rows": run.rows, "shown": run.shown, "took_ms": run.milliseconds}


def _look() -> dict[str, Any]:
    look, shown, count = Look(size=log_size()), [], 0
    for gap in gaps_found(look):
        count += 1
        if count <= SHOWN:
            shown.append({"check": gap.check, "what": gap.what, "message": gap.message})
    return {"ok": not count, "gaps": count, "rows": dict(look.rows), "shown": shown}
