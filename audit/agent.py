"""The audit agent: what happened, and whether it was right."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from itertools import islice
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone

from shop_assistant.agents import Agent, Context, Effect, Restriction, Role, operation, registry
from shop_assistant.agents.errors import ClarificationNeeded, NotFound, ValidationFailed
from shop_assistant.agents.roles import MANAGEMENT, OVERSIGHT, STAFF
from shop_assistant.tables.writing import defused
from shop_assistant.vault.services import key_for, sealer

from . import findings, judging, selectors
from .models import Finding
from .reporting.reading import days_asked, report_read
from .reporting.schemas import ComplianceReport, ReportQuery
from .rulebook import Case, Period, Proposal
from .schemas import (
    ComplianceQuery,
    ComplianceVerdict,
    Exported,
    ExportQuery,
    FindingAnswer,
    FindingItem,
    FindingPage,
    FindingQuery,
    FoundCase,
    LogEvent,
    Logged,
    ProposedTransaction,
    RecordItem,
    RecordPage,
    RecordQuery,
)
from .services import event_record

LONGEST_EXPORT = 10_000
LATELY, LIFE = timedelta(days=30), timedelta(days=366)
"""What is judged where no period is named: of the shop, and of one entity."""


class AuditAgent(Agent):
    name = "audit"
    pages = ("audit",)

    @operation(
        roles=STAFF | {Role.SERVICE},
        effect=Effect.WRITE,
        route="audit/log",
        audit="logged {event}",
    )
    def log(self, context: Context, data: LogEvent) -> Logged:
        """Record something that happened outside the shop's own operations."""
        sealed: dict[str, Any] = {}
        if data.details and (key := key_for(f"task:{context.task_id}")):
            sealed = {
                "details": sealer(key, f"task|{context.task_id}")(data.details),
                "sealed_for": str(context.task_id),
            }
        made = event_record(
            data.event, user_id=context.user_id, agent=self.name, task_id=data.task_id or context.task_id, **sealed
        )
        return Logged(
            event_id=made.event_id, event=made.event, task_id=made.task_id or context.task_id, timestamp=made.timestamp
        )

    @operation(roles=OVERSIGHT, effect=Effect.READ, keeps_output=False, audit="read the audit trail")
    def query(self, context: Context, data: RecordQuery) -> RecordPage:
        """Read the audit trail, newest record first."""
        selectors.bring_up_to_date()
        records = selectors.records_filter(
            task_id=data.task_id,
            event=data.event,
            user_id=data.user_id,
            agent=data.agent,
            begin=data.begin,
            end=data.end,
        )
        found, following = selectors.records_page(
            records, limit=data.limit, before=int(data.cursor) if data.cursor else None
        )
        return RecordPage(
            items=[RecordItem(**selectors.record_item(record)) for record in found],
            next_cursor=str(following) if following else None,
        )

    @operation(
        roles=OVERSIGHT | {Role.MANAGER},
        effect=lambda data: Effect.READ if data.transaction else Effect.WRITE,
        route="audit/compliance-check",
        keeps_output=False,
        audit="compliance of the {judged}: {score} of 100",
    )
    def compliance_check(self, context: Context, data: ComplianceQuery) -> ComplianceVerdict:
        """Judge a proposed transaction, a period or one entity by the shop's compliance rules."""
        if data.transaction:
            proposal = _proposal(data.transaction, context.user_id)
            return _verdict("transaction", judging.judge_proposal(proposal), None)
        period = _period(data)
        selectors.bring_up_to_date()
        entity = (data.entity.type, data.entity.id) if data.entity else None
        judgements = findings.findings_track(judging.judge_period(period, entity=entity))
        return _verdict("entity" if entity else "period", judgements, period)

    @operation(
        roles=OVERSIGHT | {Role.MANAGER},
        effect=Effect.READ,
        route="audit/findings",
        keeps_output=False,
        audit="listed findings",
    )
    def findings(self, context: Context, data: FindingQuery) -> FindingPage:
        """What compliance found, and what people answered to it, the newest first."""
        rows = findings.findings_filter(
            status=data.status,
            rule=data.rule,
            severity=data.severity,
            entity=(data.entity.type, data.entity.id) if data.entity else None,
            caused_by=data.caused_by,
            begin=data.begin,
            end=data.end,
        )
        found, following = findings.findings_page(
            rows, limit=data.limit, before=int(data.cursor) if data.cursor else None
        )
        return FindingPage(
            items=[_finding(row) for row in found], next_cursor=str(following) if following is not None else None
        )

    @operation(
        roles=OVERSIGHT | {Role.MANAGER},
        effect=Effect.WRITE,
        route="audit/answer-finding",
        restrictions=(
            Restriction(name="decide", when=lambda data: data.status != Finding.Status.EXPLAINED, roles=MANAGEMENT),
        ),
        audit="answered finding {finding_id} ({rule}): {status}",
    )
    def answer_finding(self, context: Context, data: FindingAnswer) -> FindingItem:
        """Answer for a finding: explain it, call it fixed, accept it or open it again. Who caused it can't accept it
        where another person may decide; a shop of one confirms twice, and the answer says so.
        """
        answered = findings.finding_answer(
            finding_id=data.finding_id,
            status=data.status,
            why=data.why,
            user_id=context.user_id,
            confirm=data.confirm,
        )
        return _finding(answered)

    @operation(
        roles=OVERSIGHT | {Role.MANAGER},
        effect=Effect.READ,
        route="audit/compliance-report",
        keeps_output=False,
        audit="reported on compliance from {first} to {last}: {score} of 100",
    )
    def compliance_report(self, context: Context, data: ReportQuery) -> ComplianceReport:
        """Report on compliance: the score over time, findings and answers, who changed what, and what of it the audit
        trail covers.
        """
        first, last = days_asked(data)
        selectors.bring_up_to_date()
        return report_read(first=first, last=last, made_by=context.user_id)

    @operation(
        roles=OVERSIGHT,
        effect=Effect.READ,
        route="audit/export",
        keeps_output=False,
        audit="exported {records} records as {format}",
    )
    def export(self, context: Context, data: ExportQuery) -> Exported:
        """Export the audit trail for reporting, oldest record first."""
        selectors.bring_up_to_date()
        stream = selectors.records_stream(selectors.records_filter(event=data.event, begin=data.begin, end=data.end))
        found = list(islice(stream, LONGEST_EXPORT + 1))
        records = found[:LONGEST_EXPORT]
        content = _rendered(data.format, [selectors.export_line(record) for record in records])
        return Exported(
            format=data.format,
            filename=f"audit-{timezone.now():%Y%m%d-%H%M%S}.{data.format}",
            records=len(records),
            complete=len(found) <= LONGEST_EXPORT,
            first_seq=records[0].seq if records else None,
            last_seq=records[-1].seq if records else None,
            sha256=hashlib.sha256(content.encode()).hexdigest(),
            content=content,
        )


def _proposal(asked: ProposedTransaction, user_id: str) -> Proposal | None:
    """None for what the operation itself would refuse: it won't happen, so there is nothing to judge.

    :raises NotFound: when there is no such operation.
    """
    known = {operation.label: operation for operation in registry.operations()}
    if asked.operation not in known:
        raise NotFound("There is no such operation.", operation=asked.operation, available=list(known))
    try:
        parsed = known[asked.operation].parse(asked.payload)
    except ValidationFailed:
        return None
    return Proposal(operation=asked.operation, data=parsed, user_id=user_id)


def _period(data: ComplianceQuery) -> Period:
    if data.period:
        if data.period.begin >= data.period.end:
            raise ClarificationNeeded("The period ends before it begins; which one is meant?", missing="period")
        return Period(data.period.begin, data.period.end)
    now = timezone.now()
    return Period(now - (LIFE if data.entity else LATELY), now + timedelta(seconds=1))


def _verdict(
    judged: Literal["transaction", "period", "entity"],
    judgements: list[judging.Judgement],
    period: Period | None,
) -> ComplianceVerdict:
    points = judging.score(judgements)
    return ComplianceVerdict(
        compliant=judging.is_compliant(points),
        score=points,
        threshold=settings.COMPLIANCE_THRESHOLD,
        judged=judged,
        begin=period.begin if period else None,
        end=period.end if period else None,
        rules_checked=[j.rule.key for j in judgements],
        findings=[_found(j, case) for j in judgements for case in j.cases],
    )


def _found(judgement: judging.Judgement, case: Case) -> FoundCase:
    rule, kept = judgement.rule, judgement.answered(case)
    return FoundCase(
        rule=rule.key,
        title=rule.title,
        severity=rule.severity if case.counts else "info",
        message=case.message,
        entity_type=case.entity_type,
        entity_id=case.entity_id,
        evidence=list(case.evidence),
        explanation=rule.explanation,
        counts=case.counts and (kept is None or kept.status != Finding.Status.ACCEPTED),
        finding_id=kept.pk if kept else None,
        status=kept.status if kept else None,
        occurred_at=case.at,
        caused_by=case.caused_by or None,
    )


def _finding(row: Finding) -> FindingItem:
    return FindingItem(
        finding_id=row.pk,
        rule=row.rule_id,
        title=row.rule.title,
        severity=row.rule.severity,
        message=row.message,
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        evidence=row.evidence,
        explanation=row.rule.explanation,
        occurred_at=row.occurred_at,
        caused_by=row.caused_by or None,
        found_at=row.found_at,
        status=row.status,
        answer=row.answer or None,
        answered_by=row.answered_by or None,
        answered_at=row.answered_at,
    )


def _rendered(format: str, lines: list[dict[str, Any]]) -> str:
    if format == "json":
        return json.dumps(lines, ensure_ascii=False)
    if format == "jsonl":
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(_COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(
        {name: defused(value) if isinstance(value, str) else value for name, value in line.items()} for line in lines
    )
    return written.getvalue()


_COLUMNS = ("seq", "event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload", "leaf", "chain")
