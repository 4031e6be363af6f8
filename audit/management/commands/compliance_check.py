"""Has the shop kept its rules?"""

import json
import re
import sys
from argparse import ArgumentTypeError
from calendar import monthrange
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from audit.judged_days import period_of
from audit.models import AuditRecord, Outbox
from audit.reporting.wording import CASES_AND_FINDINGS, NOTHING, many
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import iso_utc
from shop_assistant.commands import ShopCommand

SHOWN = 5
"""Cases of a rule that are printed."""


class Command(ShopCommand):
    help = (
        "Judge a period by the shop's compliance rules: a score of 0 to 100, and every rule that was broken. Findings "
        "are kept, for somebody to answer."
    )
    examples = """\
  manage.py compliance_check                                  the last 30 days
  manage.py compliance_check --period 2026-10                 a month (2026: a year, 2026-10-05: a day)
  manage.py compliance_check --from 2026-10-01 --to 2026-10-15  both days included
  manage.py compliance_check --json                           one JSON object, for programs

Days are the shop's (SHOP_TIMEZONE).
exit codes: 0 compliant, or nothing was recorded in the period, 1 not compliant, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--period", type=_period, metavar="YEAR[-MONTH[-DAY]]", help="a year, a month or a day")
        parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first day, such as 2026-10-01")
        parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last day")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        asked: dict[str, Any] = {}
        if days := _days(options):
            period = period_of(*days)
            asked = {"period": {"from": iso_utc(period.begin), "to": iso_utc(period.end)}}
        try:
            verdict = call("audit", "compliance_check", asked, channel="command")
        except AgentError as error:
            raise CommandError(error.message) from None
        verdict["recorded"] = bool(verdict["findings"]) or _recorded(verdict)
        if options["json"]:
            self.stdout.write(json.dumps(verdict))
        else:
            self._show(verdict)
        if not verdict["compliant"]:
            sys.exit(1)

    def _show(self, verdict: dict[str, Any]) -> None:
        by_rule: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for found in verdict["findings"]:
            by_rule[found["rule"]].append(found)
        for key, cases in by_rule.items():
            counts = any(case["counts"] for case in cases)
            title = f"{cases[0]['title']} ({key}, {cases[0]['severity']}): {many(len(cases))}"
            self.stdout.write(self.style.ERROR(title) if counts else title)
            for case in cases[:SHOWN]:
                shown = ", ".join(map(str, case["evidence"]))
                answer = f" [{case['status']}]" if case["status"] not in (None, "open") else ""
                self.stdout.write(f"  {case['message']}{answer}" + (f" ({shown})" if shown else ""))
            if len(cases) > SHOWN:
                self.stdout.write(f"  ... and {many(len(cases) - SHOWN, len(cases))} others")
            self.stdout.write(f"  {cases[0]['explanation']}")
        if by_rule:
            self.stdout.write(CASES_AND_FINDINGS)
        if not verdict["recorded"]:
            self.stdout.write(NOTHING)
            return
        said = "compliant" if verdict["compliant"] else "not compliant"
        self.stdout.write(
            f"{_shop_day(verdict['begin'])} to {_shop_day(verdict['end'], before=True)}: {verdict['score']} of 100, "
            f"{len(verdict['rules_checked'])} rules: {said} (from {verdict['threshold']} on)"
        )


def _recorded(verdict: dict[str, Any]) -> bool:
    """Whether the trail has anything of the period."""
    within = {"timestamp__gte": verdict["begin"], "timestamp__lt": verdict["end"]}
    return AuditRecord.objects.filter(**within).exists() or Outbox.objects.filter(sealed_at=None, **within).exists()


def _shop_day(moment: str, *, before: bool = False) -> date:
    """The shop's day of this moment; of a period's end, which is not in it, the day before it."""
    local = timezone.localtime(datetime.fromisoformat(moment))
    return (local - timedelta(milliseconds=before)).date()


def _days(options: dict[str, Any]) -> tuple[date, date] | None:
    first, last = options["first"], options["last"]
    if options["period"] and (first or last):
        raise CommandError("Take --period, or --from and --to.", returncode=2)
    if options["period"]:
        days: tuple[date, date] = options["period"]
        return days
    if not (first or last):
        return None
    if not (first and last):
        raise CommandError("--from and --to go together.", returncode=2)
    if first > last:
        raise CommandError("The period ends before it begins.", returncode=2)
    return first, last


def _period(text: str) -> tuple[date, date]:
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text, re.ASCII)
    try:
        if found is None:
            raise ValueError
        year, month, day = (int(part) if part else None for part in found.groups())
        if not year:
            raise ValueError
        if day:
            return (only := date(year, month or 1, day)), only
        last = month or 12
        return date(year, month or 1, 1), date(year, last, monthrange(year, last)[1])
    except ValueError:
        raise ArgumentTypeError("takes a year, a month or a day: 2026, 2026-10 or 2026-10-05") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("takes a day such as 2026-10-01") from None
