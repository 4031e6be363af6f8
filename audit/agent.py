"""The audit agent: what happened, and whether it was right."""

import csv
import hashlib
import io
import json
import re
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from shop_assistant.agents import Agent, Context, Effect, Input, Output, Role, operation, registry
from shop_assistant.agents.errors import ClarificationNeeded, NotFound
from shop_assistant.agents.fields import PERSONAL, STORABLE, Code, Limit, UtcTime
from shop_assistant.agents.roles import OVERSIGHT, STAFF
from shop_assistant.vault.services import key_for, sealer

from . import compliance, selectors
from .services import event_record

RESERVED = ("TASK_", "ACCESS_", "LOGGED_", "LOGIN_", "OBJECT_", "REQUEST_", "SUBJECT_", "AUDIT_", "DEMO_")
"""Names of the shop's own events; nobody can claim one by hand."""
OWN_EVENT = r"^(?!" + "|".join(RESERVED) + r")[A-Z][A-Z0-9_]{1,63}$"


def _own_event(name: str) -> str:
    if not re.fullmatch(OWN_EVENT, name):
        raise ValueError(f"must be of A-Z, 0-9 and _, and not begin with {', '.join(RESERVED)}")
    return name


_storable = Field(json_schema_extra={"pattern": STORABLE})
EventName = Annotated[str, StringConstraints(min_length=1, max_length=64), _storable]
ShortName = Annotated[str, StringConstraints(max_length=32), _storable]
Seq = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]


class LogEvent(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"event": "TILL_OPENED", "details": {"till": 2}}]})

    event: Annotated[str, AfterValidator(_own_event), Field(json_schema_extra={"pattern": OWN_EVENT})]
    task_id: UUID | None = Field(None, description="the task it belongs to; left out: this request's own")
    details: Annotated[dict[str, Any], PERSONAL] = Field(default_factory=dict, description="kept sealed")


class Logged(Output):
    event_id: UUID
    event: str
    task_id: UUID
    timestamp: UtcTime


class RecordQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"event": "TASK_FAILED", "limit": 20}, {"from": "2024-01-22T00:00:00.000Z"}]}
    )

    task_id: UUID | None = Field(None, description="records of this task")
    event: EventName | None = Field(None, description="such as TASK_COMPLETED")
    user_id: ShortName | None = Field(None, description="who asked")
    agent: ShortName | None = Field(None, description="such as inventory")
    begin: UtcTime | None = Field(None, alias="from", description="from this moment on")
    end: UtcTime | None = Field(None, alias="to", description="before this moment")
    limit: Limit = Field(50, description="records a page")
    cursor: Seq | None = Field(None, description="next_cursor of the page before")


class RecordItem(Output):
    seq: int
    event_id: UUID
    event: str
    task_id: UUID | None
    user_id: str
    agent: str
    timestamp: UtcTime
    state: dict[str, Any] | None = Field(description="snapshot of the TaskState")
    details: Annotated[dict[str, Any], PERSONAL]
    leaf: str = Field(description="hex of SHA-256(0x00 || payload)")
    chain: str = Field(description="hex of SHA-256(previous chain || leaf)")


class RecordPage(Output):
    items: list[RecordItem] = Field(description="newest first")
    next_cursor: str | None


class ProposedTransaction(Input):
    operation: Annotated[str, StringConstraints(max_length=64), _storable] = Field(
        description="agent.operation, such as sales.sell"
    )
    payload: dict[str, Any] = Field(description="as the operation would get it")


class PeriodInput(Input):
    begin: UtcTime = Field(alias="from")
    end: UtcTime = Field(alias="to")


class EntityInput(Input):
    type: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(description="order, product, task …")
    id: Code


ONE_SUBJECT = ("transaction", "period", "entity")


class ComplianceQuery(Input):
    """One of the three, or none for the last 30 days."""

    model_config = ConfigDict(
        json_schema_extra={
            "maxProperties": 1,
            "examples": [{}, {"entity": {"type": "order", "id": "S-000001"}}],
        }
    )

    transaction: ProposedTransaction | None = None
    period: PeriodInput | None = None
    entity: EntityInput | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(getattr(self, name) is not None for name in ONE_SUBJECT) > 1:
            raise ValueError("name one of transaction, period or entity")
        return self


class FoundCase(Output):
    rule: str
    title: str
    severity: str
    message: str
    entity_type: str
    entity_id: str
    evidence: list[Any] = Field(description="seqs of records, references")
    explanation: str = Field(description="why it matters and how to put it right")


class ComplianceVerdict(Output):
    compliant: bool
    score: int = Field(description="0 to 100")
    threshold: int = Field(description="COMPLIANCE_THRESHOLD; at or above it is compliant")
    judged: Literal["transaction", "period", "entity"]
    begin: UtcTime | None = None
    end: UtcTime | None = None
    rules_checked: list[str]
    findings: list[FoundCase]


class ExportQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"format": "csv", "from": "2024-01-01T00:00:00Z", "to": "2024-02-01T00:00:00Z"}]
        }
    )

    format: Literal["jsonl", "csv", "json"] = "jsonl"
    begin: UtcTime | None = Field(None, alias="from")
    end: UtcTime | None = Field(None, alias="to")
    event: EventName | None = None


class Exported(Output):
    format: str
    filename: str
    records: int
    complete: bool = Field(description="false: there are more; export them by shorter periods")
    first_seq: int | None
    last_seq: int | None
    sha256: str = Field(description="of the content, in UTF-8")
    content: str


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
