"""The compliance engine: the rules of `rulebook`, as the shop has set them, judged over a period, about an entity, or
of a transaction that is only proposed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import router

from .compliance_models import ENTITY_LENGTH
from .models import AuditRecord, ComplianceRule, Finding
from .rulebook import Case, Period, Proposal, Rule, rules

MOST_CASES = 100
"""Of one rule; more of the same say nothing new."""
MOST_SEQS = 5
"""Records shown as evidence of one case."""
TASKS_A_QUERY = 400
WRITTEN = ("title", "explanation", "severity")
"""What the code says of a rule, and the shop does not set."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    rule: ComplianceRule
    cases: list[Case]
    findings: dict[Key, Finding] = field(default_factory=dict)
    """What is kept about the cases, by the entity's type and id."""

    def answered(self, case: Case) -> Finding | None:
        """The finding about this case."""
        return self.findings.get((case.entity_type, case.entity_id[:ENTITY_LENGTH])) if case.counts else None

    @property
    def broken(self) -> bool:
        """Whether a case counts: it is not only said, and no one but who caused it has accepted it."""
        return any(case.counts and not _accepted(self.answered(case)) for case in self.cases)


def _accepted(finding: Finding | None) -> bool:
    return finding is not None and finding.status == Finding.Status.ACCEPTED


def sync_rules(using: str, **kwargs: Any) -> None:
    """After migrate: every defined rule has its row, worded as the code has it; what the shop has set stays set."""
    if not router.allow_migrate(using, "audit", model_name="compliancerule"):
        return
    known = ComplianceRule.objects.in_bulk()
    ComplianceRule.objects.define_all(
        ComplianceRule(key=rule.key, weight=rule.weight, parameters=rule.defaults, **_worded(rule))
        for rule in rules().values()
        if rule.key not in known
    )
    for rule in rules().values():
        row = known.get(rule.key)
        if row and any(getattr(row, name) != text for name, text in _worded(rule).items()):
            ComplianceRule.objects.filter(pk=row.pk).update(**_worded(rule))


def _worded(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in WRITTEN}


def judge_period(period: Period, *, entity: Key | None = None) -> list[Judgement]:
    """Every active rule over the period; with an entity only the cases that concern it. Their evidence begins with the
    seqs of the records.
    """

    def cases(rule: Rule, parameters: Any) -> Iterable[Case]:
        found = rule.past(period, parameters) if rule.past else ()
        return (case for case in found if entity is None or case.concerns(entity))

    return with_records(list(_judge(cases, lambda rule: rule.past is not None)))


def judge_proposal(proposal: Proposal | None) -> list[Judgement]:
    """Every active rule that can judge proposals; those that don't judge this operation have no case.

    :param proposal: None where there is nothing to judge: the operation would refuse it.
    """

    def cases(rule: Rule, parameters: Any) -> Iterable[Case]:
        fits = proposal is not None and proposal.operation in rule.operations
        return rule.proposed(proposal, parameters) if fits and proposal and rule.proposed else ()

    return list(_judge(cases, lambda rule: rule.proposed is not None))


def _judge(cases: Callable[[Rule, Any], Iterable[Case]], applies: Callable[[Rule], bool]) -> Iterator[Judgement]:
    defined = rules()
    for row in ComplianceRule.objects.filter(active=True).order_by("key"):
        rule = defined.get(row.key)
        if rule is not None and applies(rule):
            yield Judgement(row, list(islice(cases(rule, rule.read(row.parameters)), MOST_CASES)))


def with_records(judgements: list[Judgement]) -> list[Judgement]:
    """The judgements, each case's evidence led by the seqs of its tasks' records; one query for every 400 tasks."""
    tasks = list(dict.fromkeys(task for j in judgements for case in j.cases for task in case.tasks))
    seqs: dict[UUID | None, list[int]] = {}
    for start in range(0, len(tasks), TASKS_A_QUERY):
        records = AuditRecord.objects.filter(task_id__in=tasks[start : start + TASKS_A_QUERY])
        for task, seq in records.order_by("seq").values_list("task_id", "seq"):
            seqs.setdefault(task, []).append(seq)
    return [replace(j, cases=[_with_seqs(case, seqs) for case in j.cases]) for j in judgements] if tasks else judgements


def _with_seqs(case: Case, seqs: dict[UUID | None, list[int]]) -> Case:
    found = [seq for task in case.tasks for seq in seqs.get(task, ())]
    return replace(case, evidence=(*found[:MOST_SEQS], *case.evidence)) if found else case


def score(judgements: Iterable[Judgement]) -> int:
    """100 less the weight of each broken rule, at least 0. A rule counts once, however often it is broken; cases that
    somebody else than who caused them has accepted, with a reason, count no more.
    """
    return max(0, 100 - sum(j.rule.weight for j in judgements if j.broken))


def is_compliant(points: int) -> bool:
    threshold: int = settings.COMPLIANCE_THRESHOLD
    return points >= threshold
