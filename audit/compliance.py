"""The compliance engine: rules that each app's `compliance_rules` module defines, judged over a period, an entity or a
transaction that is only proposed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import router
from django.utils.module_loading import autodiscover_modules

from .models import ComplianceRule, Finding

MOST_CASES = 100
"""Of one rule; more of the same say nothing new."""


@dataclass(frozen=True, slots=True)
class Period:
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A transaction to be judged before it happens."""

    operation: str
    """agent.operation"""
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One breach of a rule."""

    entity_type: str
    entity_id: str
    message: str
    evidence: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    key: str
    title: str
    explanation: str
    """Why it matters and how to put it right."""
    severity: str
    weight: int
    parameters: dict[str, Any] = field(default_factory=dict)
    past: Callable[[Period, dict[str, Any]], Iterable[Case]] | None = None
    """Cases within a period."""
    proposed: Callable[[Proposal, dict[str, Any]], Iterable[Case]] | None = None
    """Cases a proposed transaction would make."""


@dataclass(frozen=True, slots=True)
class Judgement:
    rule: ComplianceRule
    cases: list[Case]


_rules: dict[str, Rule] = {}


def register(*rules: Rule) -> None:
    for rule in rules:
        if rule.key in _rules:
            raise TypeError(f"A compliance rule {rule.key!r} is registered already")
        _rules[rule.key] = rule


@cache
def _discover() -> None:
    autodiscover_modules("compliance_rules")


def rules() -> dict[str, Rule]:
    _discover()
    return _rules


def sync_rules(using: str, **kwargs: Any) -> None:
    """After migrate: every defined rule has its row; what the shop has set stays set."""
    if not router.allow_migrate(using, "audit", model_name="compliancerule"):
        return
    for rule in rules().values():
        ComplianceRule.objects.get_or_create(
            key=rule.key,
            defaults={
                "title": rule.title,
                "explanation": rule.explanation,
                "severity": rule.severity,
                "weight": rule.weight,
                "parameters": rule.parameters,
            },
        )


def judge_period(period: Period, *, entity: tuple[str, str] | None = None) -> list[Judgement]:
    """Every active rule over the period; with an entity only the cases about it."""

    def cases(rule: Rule, parameters: dict[str, Any]) -> Iterable[Case]:
        found = rule.past(period, parameters) if rule.past else ()
        return (c for c in found if entity is None or (c.entity_type, c.entity_id) == entity)

    return list(_judge(cases, lambda rule: rule.past is not None))


def judge_proposal(proposal: Proposal) -> list[Judgement]:
    return list(
        _judge(
            lambda rule, parameters: rule.proposed(proposal, parameters) if rule.proposed else (),
            lambda rule: rule.proposed is not None,
        )
    )


def _judge(
    cases: Callable[[Rule, dict[str, Any]], Iterable[Case]], applies: Callable[[Rule], bool]
) -> Iterator[Judgement]:
    defined = rules()
    for row in ComplianceRule.objects.filter(active=True).order_by("key"):
        rule = defined.get(row.key)
        if rule is None or not applies(rule):
            continue
        found: list[Case] = []
        for case in cases(rule, rule.parameters | row.parameters):
            found.append(case)
            if len(found) == MOST_CASES:
                break
        yield Judgement(row, found)


def score(judgements: Iterable[Judgement]) -> int:
    """100 less the weight of each broken rule, at least 0."""
    return max(0, 100 - sum(j.rule.weight for j in judgements if j.cases))


def is_compliant(points: int) -> bool:
    threshold: int = settings.COMPLIANCE_THRESHOLD
    return points >= threshold


def findings_track(judgements: Iterable[Judgement]) -> None:
    """Keep each case as a finding until someone answers for it; one that is known stays as it is."""
    Finding.objects.bulk_create(
        (
            Finding(
                rule=judgement.rule,
                entity_type=case.entity_type,
                entity_id=case.entity_id[:80],
                message=case.message[:300],
                evidence=case.evidence,
            )
            for judgement in judgements
            for case in judgement.cases
        ),
        ignore_conflicts=True,
    )
