"""The day before is judged every night; and whoever is at the terminal can judge any period."""

import json
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.utils import timezone

from audit import events
from audit.judged_days import days_judge, period_of
from audit.models import ComplianceDay, ComplianceRule, Finding, Outbox
from shop_assistant.agents.jobs import jobs
from shop_assistant.tracking import SYSTEM
from tests.compliance.conduct import sale
from tests.compliance.conftest import rule_set

pytestmark = pytest.mark.usefixtures("shop", "users")


def check(*arguments: str) -> tuple[int, str]:
    """Exit code and what was printed."""
    printed = StringIO()
    try:
        call_command("compliance_check", *arguments, stdout=printed, no_color=True)
    except SystemExit as ended:
        return int(ended.code or 0), printed.getvalue()
    return 0, printed.getvalue()


def test_a_job_of_the_worker_judges_yesterday():
    (job,) = [job for job in jobs() if job.name == "audit.jobs.judge_days"]
    order = sale("14.90", days_ago=1)
    assert job.run() == 1
    day = ComplianceDay.objects.get()
    assert (day.day, day.score, day.threshold) == (timezone.localdate() - timedelta(days=1), 85, 50)
    assert day.broken == {"deep-discount": 1}
    finding = Finding.objects.get()
    assert (finding.entity_id, finding.history.get().history_user_id) == (order[1], SYSTEM)
    told = json.loads(Outbox.objects.get(event=events.COMPLIANCE_JUDGED).payload)
    assert (told["day"], told["score"], told["broken"]) == (str(day.day), 85, {"deep-discount": 1})
    assert [row["model"] for row in told["history"]] == ["audit.Finding"]
    assert job.run() == 0


def test_days_that_were_missed_are_judged_afterwards():
    today = timezone.localdate()
    ComplianceDay(day=today - timedelta(days=4), score=100, threshold=50).save()
    sale("14.90", days_ago=2)
    made = days_judge(today=today)
    assert [(today - day.day).days for day in made] == [3, 2, 1]
    assert [day.score for day in made] == [100, 85, 100]


def test_a_month_away_is_enough():
    QuerySet(ComplianceRule).update(active=False)  # to be quick
    today = timezone.localdate()
    ComplianceDay(day=today - timedelta(days=400), score=100, threshold=50).save()
    assert len(days_judge(today=today)) == 31


def test_a_day_is_the_shops(settings):
    period = period_of(date(2026, 7, 1), date(2026, 7, 31))
    assert period.begin.isoformat() == "2026-07-01T00:00:00+01:00"
    assert period.end.isoformat() == "2026-08-01T00:00:00+01:00"


def test_the_command_tells_what_was_broken():
    assert check()[0] == 0
    reference = sale("14.90")[1]
    code, printed = check()
    assert code == 0
    assert "No discount beyond the limit without approval (deep-discount, warning): 1" in printed
    assert f"SKU001 sold with 50.3 % off, approved by nobody ({reference})" in printed
    assert "85 of 100" in printed
    assert "compliant (from 50 on)" in printed


def test_not_compliant_is_exit_code_1():
    rule_set("deep-discount", weight=60)
    sale("14.90")
    code, printed = check("--json")
    verdict = json.loads(printed)
    assert (code, verdict["compliant"], verdict["score"]) == (1, False, 40)


@pytest.mark.parametrize(
    ("arguments", "begin", "end"),
    [
        (("--period", "2026"), "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"),
        (("--period", "2026-02"), "2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"),
        (("--period", "2026-07-31"), "2026-07-30T23:00:00.000Z", "2026-07-31T23:00:00.000Z"),
        (("--from", "2026-01-05", "--to", "2026-01-06"), "2026-01-05T00:00:00.000Z", "2026-01-07T00:00:00.000Z"),
    ],
)
def test_periods(arguments: tuple[str, ...], begin: str, end: str):
    verdict = json.loads(check(*arguments, "--json")[1])
    assert (verdict["begin"], verdict["end"]) == (begin, end)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--period", "2026-13"), ("--period", "0000"), ("--period", "October"), ("--from", "2026-10-01"),
        ("--from", "2026-10-05", "--to", "2026-10-01"), ("--period", "2026", "--to", "2026-01-01"), ("--from", "x"),
    ],
)  # fmt: skip
def test_wrong_usage(arguments: tuple[str, ...]):
    with pytest.raises(CommandError) as refused:
        check(*arguments)
    assert refused.value.returncode in (1, 2)


def test_wrong_usage_is_exit_code_2():
    with pytest.raises(CommandError) as refused:
        check("--from", "2026-10-05", "--to", "2026-10-01")
    told: Any = refused.value
    assert told.returncode == 2
