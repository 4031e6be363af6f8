"""Findings: kept from judgement to judgement, answered by people, and read by reports."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from shop_assistant.accounts.four_eyes import self_approval
from shop_assistant.agents.errors import Conflict, NotFound

from .compliance_models import ENTITY_LENGTH
from .judging import Judgement, Key
from .models import ComplianceDay, ComplianceRule, Finding
from .rulebook import Case

Status = Finding.Status
DECIDE = "audit.answer_finding.decide"
"""The permission to call a finding fixed or accepted, or to open it again."""


@transaction.atomic
def findings_track(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Keep each case that counts as a finding until someone answers for it; the judgements, with their findings.

    An answer covers what had happened by then: what happens later opens the finding anew, and so does a state that was
    called fixed and is found again. The history keeps the answer.
    """
    judged = list(judgements)
    broken = sorted(j.rule.pk for j in judged if j.cases)
    list(ComplianceRule.objects.select_for_update().filter(pk__in=broken).order_by("pk"))  # one at a time keeps them
    return [replace(j, findings=_kept(j)) if j.cases else j for j in judged]


def _kept(judgement: Judgement) -> dict[Key, Finding]:
    cases: dict[Key, Case] = {}
    for case in judgement.cases:
        if case.counts:
            cases.setdefault((case.entity_type, case.entity_id[:ENTITY_LENGTH]), case)
    rows = Finding.objects.filter(rule=judgement.rule, entity_id__in={entity for _, entity in cases})
    known = {(row.entity_type, row.entity_id): row for row in rows}
    for key in known.keys() & cases.keys():
        _look_again(known[key], cases[key])
    fresh = [_told(Finding(rule=judgement.rule), case) for key, case in cases.items() if key not in known]
    made = Finding.objects.create_all(fresh) if fresh else []
    return known | {(row.entity_type, row.entity_id): row for row in made}


def _look_again(finding: Finding, case: Case) -> None:
    if finding.status == Status.OPEN:
        newer = case.at is not None and (finding.occurred_at is None or case.at > finding.occurred_at)
        if newer:
            _told(finding, case).save()
        return
    since = finding.answered_at or finding.found_at
    if case.at > since if case.at is not None else finding.status == Status.FIXED:
        finding.status, finding.answer, finding.answered_by, finding.answered_at = Status.OPEN, "", "", None
        finding.found_at = timezone.now()
        _told(finding, case).save()


def _told(finding: Finding, case: Case) -> Finding:
    finding.entity_type, finding.entity_id = case.entity_type, case.entity_id[:ENTITY_LENGTH]
    finding.message, finding.evidence = case.message[:300], list(case.evidence)
    finding.occurred_at, finding.caused_by = case.at, case.caused_by
    return finding


@transaction.atomic
def finding_answer(*, finding_id: int, status: str, why: str, user_id: str, confirm: bool = False) -> Finding:
    """Answer for a finding. Another person than who caused it accepts it, where the shop has another who may; in a shop
    of one a second confirmation does, and the answer says so.

    :raises NotFound:
    :raises Conflict: when it has this status already.
    :raises PermissionDenied: when it is the own doing and another person may decide.
    :raises ClarificationNeeded: when nobody else may, and it was not confirmed.
    """
    rows = Finding.objects.select_for_update(of=("self",)).select_related("rule")
    finding: Finding | None = rows.filter(pk=finding_id).first()
    if finding is None:
        raise NotFound("There is no such finding.", finding_id=finding_id)
    if finding.status == status and status != Status.EXPLAINED:
        raise Conflict(f"This finding is {status} already.", finding_id=finding_id, status=status)
    if status == Status.ACCEPTED and self_approval(
        permission=DECIDE, proposer=finding.caused_by, user_id=user_id, confirm=confirm, what="accept findings"
    ):
        why = f"(own doing, nobody else may decide) {why}"
    finding.status = status
    finding.answer = "" if status == Status.OPEN else why[:500]
    finding.answered_by = "" if status == Status.OPEN else user_id
    finding.answered_at = None if status == Status.OPEN else timezone.now()
    finding.save()
    return finding


def findings_filter(
    *,
    status: str | None = None,
    rule: str | None = None,
    severity: str | None = None,
    entity: Key | None = None,
    caused_by: str | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> QuerySet[Any]:
    """Findings found within [begin, end) that match all that is given, the newest first, their rules along."""
    wanted: dict[str, Any] = {
        "status": status,
        "rule": rule,
        "rule__severity": severity,
        "caused_by": caused_by,
        "found_at__gte": begin,
        "found_at__lt": end,
        "entity_type": entity[0] if entity else None,
        "entity_id": entity[1] if entity else None,
    }
    rows = Finding.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return rows.select_related("rule").order_by("-pk")


def findings_page(rows: QuerySet[Any], *, limit: int, before: int | None) -> tuple[list[Finding], int | None]:
    """With the id to go on from; one query."""
    found = list((rows.filter(pk__lt=before) if before is not None else rows)[: limit + 1])
    return found[:limit], found[limit - 1].pk if len(found) > limit else None


def findings_by_rule(*, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """`rule`, `title`, `severity`, `weight` and how many findings of the period are `open`, `explained`, `fixed`,
    `accepted` and in `all`; by what happened then, or was so; one query.
    """
    within = Q(occurred_at__gte=begin, occurred_at__lt=end) | Q(occurred_at=None, found_at__gte=begin, found_at__lt=end)
    counts: dict[str, Any] = {state: Count("pk", filter=Q(status=state)) for state in Status.values}
    rows = Finding.objects.filter(within).order_by("rule").values("rule", "rule__title", "rule__severity")
    return [
        {
            "rule": row["rule"],
            "title": row["rule__title"],
            "severity": row["rule__severity"],
            "weight": row["rule__weight"],
            "all": row["every"],
            **{state: row[state] for state in Status.values},
        }
        for row in rows.annotate(every=Count("pk"), **counts).values(
            "rule", "rule__title", "rule__severity", "rule__weight", "every", *Status.values
        )
    ]


def days_judged(*, first: date, last: date) -> list[ComplianceDay]:
    """The score over time: the days judged, both ends included, in order; one query."""
    return list(ComplianceDay.objects.filter(day__gte=first, day__lte=last).order_by("day"))
