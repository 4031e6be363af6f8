"""A report on compliance, to be read or handed on."""

import re
import sys
from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit.reporting.files import FORMATS, report_file
from audit.reporting.periods import PERIOD
from audit.reporting.schemas import ComplianceReport
from orchestrator.exporting.files import whole_file
from shop_assistant.accounts.models import User
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError, SemanticError
from shop_assistant.commands import ShopCommand

CHANNEL = "command"


class Command(ShopCommand):
    help = (
        "Report on compliance: the score over time, findings by rule and the answers to them, who changed what, and "
        "what of it the audit trail covers. A page (html) or PDF to hand to an accountant, or json and csv for "
        "programs. Customers appear by their ids alone. The trail is told that the report was made, with the file's "
        "SHA-256."
    )
    examples = """\
  manage.py compliance_report --period 2026-10 --format pdf --output october.pdf
  manage.py compliance_report --period 2026 --output year.html      the format is the file's ending
  manage.py compliance_report --from 2026-10-01 --to 2026-10-15 --format json | jq .score
  manage.py compliance_report                                       the last 30 days, as html

exit codes: 0 the report was made, whatever it says (its `compliant` tells); 1 refused or not written; 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--period", metavar="2026-10", help="a month, or a year (2026); days: --from and --to")
        parser.add_argument("--from", type=_day, dest="first", metavar="DAY", help="first day, such as 2026-10-01")
        parser.add_argument("--to", type=_day, dest="last", metavar="DAY", help="last day, included; left out: today")
        parser.add_argument(
            "--format", choices=tuple(FORMATS), help="left out: by the file's ending; html without a file"
        )
        parser.add_argument("--output", default="-", metavar="FILE", help="- (as when left out): standard output")
        parser.add_argument("--user", metavar="USERNAME", help="who makes it; left out: this machine's `system`")

    def handle(self, *args: Any, **options: Any) -> None:
        path = None if options["output"] == "-" else Path(options["output"])
        _check_period(options["period"])
        format = options["format"] or _ending(path)
        if path is None and format == "pdf" and sys.stdout.isatty():
            raise CommandError("A PDF is nothing for a terminal: name a file (--output).", returncode=2)
        asked = {"period": options["period"], "from": options["first"], "to": options["last"]}
        user = _user(options["user"])
        try:
            data = call(
                "audit",
                "compliance_report",
                {name: value for name, value in asked.items() if value},
                user=user,
                channel=CHANNEL,
            )
        except AgentError as error:
            told = " ".join([error.message, *map(str, error.details.get("fields", {}).values())])
            raise CommandError(told, returncode=2 if isinstance(error, SemanticError) else 1) from None
        report = ComplianceReport.model_validate(data)
        made = report_file(report=report, format=format, user_id=user.public_id, channel=CHANNEL)
        if path is None:
            self.stdout.flush()
            sys.stdout.buffer.write(made.content)
            return
        try:
            with whole_file(path) as file:
                file.write(made.content)
        except OSError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{report.summary[0]}\n{path}: {len(made.content):,} bytes, SHA-256 {made.sha256}")


def _ending(path: Path | None) -> str:
    """:raises CommandError: for an ending that is no format's."""
    if path is None:
        return "html"
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise CommandError(
            f"{path.name} does not tell the format by its ending: end it with .{', .'.join(FORMATS)}, or say --format.",
            returncode=2,
        )
    return ending


def _check_period(text: str | None) -> None:
    """:raises CommandError:"""
    if text and not re.fullmatch(PERIOD, text):
        raise CommandError(
            f"--period: {text!r} is no month or year: write 2026-10 or 2026, and for days --from DAY --to DAY.",
            returncode=2,
        )


def _day(text: str) -> str:
    """:raises ArgumentTypeError:"""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2026-10-01") from None


def _user(name: str | None) -> User:
    """:raises CommandError:"""
    if name is None:
        return system_user()
    found = User.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user {name}.")
    return found
