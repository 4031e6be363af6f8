"""What the audit agent is asked and answers."""

import re
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import PERSONAL, STORABLE, Code, Limit, Text, UtcTime

RESERVED = (
    "TASK_",
    "ACCESS_",
    "LOGGED_",
    "LOGIN_",
    "OBJECT_",
    "REQUEST_",
    "SUBJECT_",
    "AUDIT_",
    "DEMO_",
    "DATA_",
    "BACKUP_",
    "COMPLIANCE_",
    "RETENTION_",
    "KEY_",
    "ANCHOR_",
    "OUTBOX_",
    "FORECASTS_",
    "STOCK_RECONCILED",
    "DIGEST_SENT",
)
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
    payload: Annotated[dict[str, Any], PERSONAL, Field(description="as the operation would get it")]


class PeriodInput(Input):
    begin: UtcTime = Field(alias="from")
    end: UtcTime = Field(alias="to")


class EntityInput(Input):
    type: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(description="order, product, task …")
    id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), _storable]


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


STATUSES = Literal["open", "explained", "fixed", "accepted"]
STATES = Field(json_schema_extra={"enum": ["open", "explained", "fixed", "accepted"]})
SEVERITIES = Literal["info", "warning", "critical"]


class FoundCase(Output):
    rule: str
    title: str
    severity: str
    message: str
    entity_type: str
    entity_id: str
    evidence: list[Any] = Field(description="seqs of records, references")
    explanation: str = Field(description="why it matters and how to put it right")
    counts: bool = Field(description="false: it is only said (a shop of one approved itself), or was accepted")
    finding_id: int | None = Field(description="what is kept of it; null: only proposed, or only said")
    status: Annotated[str, STATES] | None = Field(description="what became of the finding")
    occurred_at: UtcTime | None = Field(description="null: it is so now")
    caused_by: str | None = Field(description="whose doing it is")


class ComplianceVerdict(Output):
    compliant: bool
    score: int = Field(description="0 to 100")
    threshold: int = Field(description="COMPLIANCE_THRESHOLD; at or above it is compliant")
    judged: Literal["transaction", "period", "entity"]
    begin: UtcTime | None = None
    end: UtcTime | None = None
    rules_checked: list[str]
    findings: list[FoundCase]


class FindingQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "open"}, {"rule": "deep-discount", "limit": 20}]}
    )

    status: STATUSES | None = None
    rule: Code | None = Field(None, description="key of the rule, such as deep-discount")
    severity: SEVERITIES | None = None
    entity: EntityInput | None = None
    caused_by: ShortName | None = Field(None, description="id of the user whose doing it is")
    begin: UtcTime | None = Field(None, alias="from", description="found at this time or later")
    end: UtcTime | None = Field(None, alias="to", description="found before this time")
    limit: Limit = 50
    cursor: Seq | None = Field(None, description="`next_cursor` of the answer before")


class FindingItem(Output):
    finding_id: int
    rule: str
    title: str
    severity: str
    message: str
    entity_type: str
    entity_id: str
    evidence: list[Any] = Field(description="seqs of records, references")
    explanation: str = Field(description="why it matters and how to put it right")
    occurred_at: UtcTime | None = Field(description="null: it was so when it was found")
    caused_by: str | None = Field(description="whose doing it is")
    found_at: UtcTime
    status: Annotated[str, STATES]
    answer: str | None
    answered_by: str | None
    answered_at: UtcTime | None


class FindingPage(Output):
    items: list[FindingItem] = Field(description="the newest first")
    next_cursor: str | None


class FindingAnswer(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"finding_id": 1, "status": "explained", "why": "a price tag was wrong"}]}
    )

    finding_id: int = Field(ge=1, le=2**53 - 1)
    status: STATUSES = Field(
        description="explained: said why; fixed: put right; accepted: stays so, and counts no more; open: look again"
    )
    why: Text = Field(description="in words, without naming a customer")
    confirm: bool = Field(False, description="true: accept the own doing, where nobody else may decide")


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
