"""A report's facts, read as they are when it is made."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from shop_assistant.accounts.models import User
from shop_assistant.agents.errors import ClarificationNeeded

from ..compliance_models import ENTITY_LENGTH
from ..findings import days_judged
from ..judged_days import period_of
from ..judging import Judgement, Key, is_compliant, judge_period, score
from ..models import ComplianceRule, Finding
from ..rulebook import Period
from .activity import accesses_counted, changes_counted, events_counted
from .coverage import coverage_read
from .periods import PeriodError, days_of
from .schemas import ComplianceReport, DayScore, ReportedFinding, ReportQuery, RuleResult
from .wording import summary_of, to_do_of

MOST_FINDINGS = 200
Status = Finding.Status


def days_asked(query: ReportQuery) -> tuple[date, date]:
    """First and last day.

    :raises ClarificationNeeded:
    """
    try:
        return days_of(period=query.period, first=query.first, last=query.last, today=timezone.localdate())
    except PeriodError as error:
        raise ClarificationNeeded(str(error), missing="period") from None


def report_read(*, first: date, last: date, made_by: str) -> ComplianceReport:
    """The report of these days of the shop's, both included. Reads only.

    The score is of the whole period, judged now; the days' scores are those of the nights after them, and a day that
    nobody judged has none.
    """
    period, now = period_of(first, last), timezone.now()
    judgements = _with_answers(judge_period(period)) if period.begin <= now else []
    coverage = coverage_read(period.begin, period.end)
    counted = events_counted(period.begin, period.end)
    found = findings_within(period)
    findings = [_finding(row) for row in found[:MOST_FINDINGS]]
    changes = changes_counted(period.begin, period.end, counted)
    nothing = not coverage.records and not any(j.cases for j in judgements)
    points = None if nothing else score(judgements)
    facts: dict[str, Any] = {
        "shop": settings.SHOP_NAME,
        "time_zone": settings.SHOP_TIMEZONE,
        "first": first,
        "last": last,
        "over": period.end <= now,
        "made_at": now,
        "made_by": made_by,
        "score": points,
        "threshold": settings.COMPLIANCE_THRESHOLD,
        "compliant": None if points is None else is_compliant(points),
        "days": _days(first, last),
        "rules": _rules(judgements, found),
        "findings": findings,
        "findings_count": found.count(),
        "changes": changes,
        "accesses": accesses_counted(counted),
        "coverage": coverage,
    }
    named = {made_by, *(c.user_id for c in changes), *(user_id for user_id, _ in counted)}
    named |= {who for f in findings for who in (f.caused_by, f.answered_by) if who}
    report = ComplianceReport(**facts, summary=[], to_do=[], people=_people(named))
    return report.model_copy(update={"summary": summary_of(report), "to_do": to_do_of(report)})


def findings_within(period: Period) -> QuerySet[Any]:
    """Of what happened, or was found to be so, within the period: the open ones first, the worst of them first."""
    begin, end = period.begin, period.end
    within = Q(occurred_at__gte=begin, occurred_at__lt=end) | Q(occurred_at=None, found_at__gte=begin, found_at__lt=end)
    severity = Case(
        When(rule__severity="critical", then=Value(0)), When(rule__severity="warning", then=Value(1)), default=Value(2)
    )
    state = Case(
        When(status=Status.OPEN, then=Value(0)), When(status=Status.EXPLAINED, then=Value(1)), default=Value(2)
    )
    return Finding.objects.filter(within).select_related("rule").order_by(state, severity, "-pk")


def _with_answers(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The judgements with what was accepted before; nothing new is kept. What has happened since is not accepted."""
    judged = list(judgements)
    known: dict[str, dict[Key, Finding]] = {}
    for row in Finding.objects.filter(rule__in=[j.rule.pk for j in judged if j.cases], status=Status.ACCEPTED):
        known.setdefault(row.rule_id, {})[row.entity_type, row.entity_id] = row
    return [replace(j, findings=_still(j, known.get(j.rule.pk, {}))) for j in judged]


def _still(judgement: Judgement, accepted: dict[Key, Finding]) -> dict[Key, Finding]:
    """Those without a newer case."""
    newer = set()
    for case in judgement.cases:
        key = (case.entity_type, case.entity_id[:ENTITY_LENGTH])
        row = accepted.get(key)
        if row and case.at and row.answered_at and case.at > row.answered_at:
            newer.add(key)
    return {key: row for key, row in accepted.items() if key not in newer}


def _days(first: date, last: date) -> list[DayScore]:
    """Every day of the period, judged or not."""
    judged = {row.day: row for row in days_judged(first=first, last=last)}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [
        DayScore(day=day, score=row.score if row else None, compliant=row.compliant if row else None)
        for day, row in ((day, judged.get(day)) for day in days)
    ]


def _rules(judgements: list[Judgement], found: QuerySet[Any]) -> list[RuleResult]:
    """Every rule: the broken ones first, then by severity."""
    by_rule = {j.rule.pk: j for j in judgements}
    counts: dict[tuple[str, str], int] = {}
    for rule, status in found.order_by().values_list("rule_id", "status"):
        counts[rule, status] = counts.get((rule, status), 0) + 1
    results = [_result(rule, by_rule.get(rule.pk), counts) for rule in ComplianceRule.objects.order_by("key")]
    order = ["critical", "warning", "info"]
    return sorted(results, key=lambda r: (not r.costs, not r.cases, not r.checked, order.index(r.severity), r.rule))


def _result(rule: ComplianceRule, judgement: Judgement | None, counts: dict[tuple[str, str], int]) -> RuleResult:
    return RuleResult(
        rule=rule.pk,
        title=rule.title,
        severity=rule.severity,
        weight=rule.weight,
        checked=rule.active,
        blocking=rule.blocking,
        cases=sum(case.counts for case in judgement.cases) if judgement else 0,
        costs=judgement.broken if judgement else False,
        explanation=rule.explanation,
        **{status: counts.get((rule.pk, status), 0) for status in Status.values},
    )


def _finding(row: Finding) -> ReportedFinding:
    return ReportedFinding(
        finding_id=row.pk,
        rule=row.rule_id,
        title=row.rule.title,
        severity=row.rule.severity,
        message=row.message,
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        evidence=row.evidence,
        occurred_at=row.occurred_at,
        found_at=row.found_at,
        caused_by=row.caused_by or None,
        status=row.status,
        answer=row.answer or None,
        answered_by=row.answered_by or None,
        answered_at=row.answered_at,
    )


def _people(named: Iterable[str]) -> dict[str, str]:
    return dict(User.objects.filter(public_id__in=[n for n in named if n]).values_list("public_id", "username"))
