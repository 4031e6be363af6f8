"""What a compliance report is asked for, and all that it says."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import UtcTime

from .periods import PERIOD


class ReportQuery(Input):
    """A month or a year, or days from and to, or none of them for the last 30 days."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"period": "2024-01"}, {"from": "2024-01-01", "to": "2024-01-31"}]}
    )

    period: Annotated[str, StringConstraints(pattern=PERIOD)] | None = Field(
        None, description="a month such as 2024-01, or a year such as 2024"
    )
    first: date | None = Field(None, alias="from", description="first day, in the shop's time zone")
    last: date | None = Field(None, alias="to", description="last day, included")


class DayScore(Output):
    day: date
    score: int | None = Field(description="0 to 100, as judged the night after; null: not judged")
    compliant: bool | None = Field(description="by the threshold of that night")


class RuleResult(Output):
    rule: str
    title: str
    severity: str
    weight: int = Field(description="points lost from 100 when the rule is broken")
    checked: bool = Field(description="false: the shop has switched the rule off")
    blocking: bool = Field(description="whether it refuses what would break it")
    cases: int = Field(description="breaches within the period, as judged now; of one rule at most 100 are looked for")
    costs: bool = Field(description="whether the score loses the weight: not where somebody else has accepted them")
    explanation: str
    open: int
    explained: int
    fixed: int
    accepted: int


class ReportedFinding(Output):
    finding_id: int
    rule: str
    title: str
    severity: str
    message: str
    entity_type: str
    entity_id: str
    evidence: list[Any] = Field(description="seqs of records, references")
    occurred_at: UtcTime | None = Field(description="null: it was so when it was found")
    found_at: UtcTime
    caused_by: str | None
    status: str
    answer: str | None
    answered_by: str | None
    answered_at: UtcTime | None


class ChangeCount(Output):
    user_id: str
    area: str = Field(description="such as Stock, Prices, Access")
    kind: str = Field(description="such as sales.sell, or product changed")
    count: int


class AccessCount(Output):
    user_id: str
    logins: int
    failed_logins: int
    refused: int = Field(description="minutes in which calls were refused: for want of a permission, or as too many")
    trail_read: int
    personal_read: int = Field(description="times that personal data was looked at, beside operations")
    exports: int


class CheckpointTold(Output):
    size: int
    root: str
    created_at: UtcTime
    signed_by: list[str] = Field(description="names of the shop's keys whose signatures hold")
    holds: bool = Field(description="whether the log still has this root, and a key of the shop's has signed it")
    told: str = Field(description="why it does not hold; empty when it does")


class AnchorTold(Output):
    kind: str
    size: int | None = Field(description="of the newest checkpoint that it took")
    anchored_at: UtcTime | None
    covers: bool = Field(description="whether it covers the last record of the period")
    held: Literal["held", "differs", "lost", "receipt", "nothing"] = Field(
        description="held: it was asked just now, and agrees with the log; receipt: only its receipt tells"
    )


class CompletenessTold(Output):
    began_at: UtcTime
    rows: dict[str, int] = Field(description="looked at, by check")
    gaps: int
    shown: list[str] = Field(description="the first of them")


class Coverage(Output):
    records: int = Field(description="of the trail, within the period")
    first_seq: int | None
    last_seq: int | None
    log_size: int
    waiting: int = Field(description="events that wait to be sealed")
    verified: int = Field(description="so many of the period's newest records were verified for this report")
    problems: list[str] = Field(description="what is wrong with them: the first of it")
    problem_count: int
    refused: str | None = Field(description="why nothing is sealed just now, if so")
    checkpoint: CheckpointTold | None = Field(description="the newest; null: none is written yet")
    anchors: list[AnchorTold]
    completeness: CompletenessTold | None = Field(description="the last run; null: none was made yet")


class ComplianceReport(Output):
    shop: str
    time_zone: str
    first: date
    last: date
    over: bool = Field(description="whether the period is over: otherwise the report is of what happened so far")
    made_at: UtcTime
    made_by: str
    score: int | None = Field(description="0 to 100, of the whole period as judged now; null: nothing was recorded")
    threshold: int
    compliant: bool | None = Field(description="whether the score reaches the threshold")
    summary: list[str] = Field(description="in words")
    to_do: list[str]
    days: list[DayScore]
    rules: list[RuleResult]
    findings: list[ReportedFinding] = Field(description="the open ones first, by severity; at most 200")
    findings_count: int = Field(description="all of the period's")
    changes: list[ChangeCount]
    accesses: list[AccessCount]
    coverage: Coverage
    people: dict[str, str] = Field(description="names that the users log in with, by id")
