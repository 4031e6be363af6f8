"""The audit agent: what happened, and whether it was right."""

import csv
import hashlib
import io
import json
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone

from shop_assistant.agents import Agent, Context, Effect, Role, operation, registry
from shop_assistant.agents.errors import ClarificationNeeded, NotFound
from shop_assistant.agents.roles import OVERSIGHT, STAFF
from shop_assistant.vault.services import key_for, sealer

from . import compliance, selectors
from .schemas import (
    ComplianceQuery,
    ComplianceVerdict,
    Exported,
    ExportQuery,
    FoundCase,
    LogEvent,
    Logged,
    RecordItem,
    RecordPage,
    RecordQuery,
)
from .services import event_record

LONGEST_EXPORT = 10_000


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
        audit="compliance of the {judged}: {score} of 100",
    )
    def compliance_check(self, context: Context, data: ComplianceQuery) -> ComplianceVerdict:
        """Judge a proposed transaction, a period or one entity by the shop's compliance rules."""
        if data.transaction:
            _check_operation(data.transaction.operation)
            proposal = compliance.Proposal(data.transaction.operation, data.transaction.payload)
            return _verdict("transaction", compliance.judge_proposal(proposal), None)
        period = compliance.Period(*_period(data))
        selectors.bring_up_to_date()
        entity = (data.entity.type, data.entity.id) if data.entity else None
        judgements = compliance.judge_period(period, entity=entity)
        compliance.findings_track(judgements)
        return _verdict("entity" if entity else "period", judgements, period)

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


def _check_operation(label: str) -> None:
    known = [operation.label for operation in registry.operations()]
    if label not in known:
        raise NotFound("There is no such operation.", operation=label, available=known)


def _period(data: ComplianceQuery) -> tuple[datetime, datetime]:
    if data.period:
        if data.period.begin >= data.period.end:
            raise ClarificationNeeded("The period ends before it begins; which one is meant?", missing="period")
        return data.period.begin, data.period.end
    now = timezone.now()
    return now - timedelta(days=30), now + timedelta(seconds=1)


def _verdict(
    judged: Literal["transaction", "period", "entity"],
    judgements: list[compliance.Judgement],
    period: compliance.Period | None,
) -> ComplianceVerdict:
    points = compliance.score(judgements)
    return ComplianceVerdict(
        compliant=compliance.is_compliant(points),
        score=points,
        threshold=settings.COMPLIANCE_THRESHOLD,
        judged=judged,
        begin=period.begin if period else None,
        end=period.end if period else None,
        rules_checked=[j.rule.key for j in judgements],
        findings=[
            FoundCase(
                rule=j.rule.key,
                title=j.rule.title,
                severity=j.rule.severity,
                message=case.message,
                entity_type=case.entity_type,
                entity_id=case.entity_id,
                evidence=case.evidence,
                explanation=j.rule.explanation,
            )
            for j in judgements
            for case in j.cases
        ],
    )


def _rendered(format: str, lines: list[dict[str, Any]]) -> str:
    if format == "json":
        return json.dumps(lines, ensure_ascii=False)
    if format == "jsonl":
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(_COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in line.items()} for line in lines)
    return written.getvalue()


_COLUMNS = ("seq", "event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload", "leaf", "chain")


def _harmless(value: Any) -> Any:
    """No spreadsheet takes a cell for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else value
