"""The sections on rules and findings."""

from typing import Any

from .charts import counts
from .document import Cell, Column, Reference, Section, Table
from .schemas import ComplianceReport, ReportedFinding, RuleResult
from .telling import NONE, Teller, told_count
from .wording import CASES_AND_FINDINGS, many, plural

MARKS = {"critical": "bad", "warning": "warning", "open": "bad", "fixed": "good", "accepted": "good"}
RULES = [
    Column("Rule", 8),
    Column("Severity", 3),
    Column("Weight", 2, number=True),
    Column("Result", 4),
    Column("Open", 2, number=True),
    Column("Explained", 3, number=True),
    Column("Fixed", 2, number=True),
    Column("Accepted", 3, number=True),
]
OPEN = [
    Column("No.", 2, number=True),
    Column("Severity", 3),
    Column("What", 14),
    Column("When", 4),
    Column("By", 4),
    Column("Evidence", 4),
]
ANSWERED = [
    Column("No.", 2, number=True),
    Column("Status", 3),
    Column("What", 10),
    Column("Answer", 9),
    Column("By", 4),
    Column("When", 4),
]


def by_rule(report: ComplianceReport) -> Section:
    found = [(r.title, r.open, r.explained + r.fixed + r.accepted) for r in report.rules]
    found = [bar for bar in found if bar[1] or bar[2]]
    return Section(
        "Findings by rule",
        [
            "What was broken costs its weight once, however often. Explained, fixed and accepted findings are "
            "answered.",
            CASES_AND_FINDINGS,
        ],
        [counts(found)] if found else [],
        [Table("Rules", RULES, [_rule(rule) for rule in report.rules], "There are no rules.")],
    )


def listed(report: ComplianceReport, teller: Teller) -> Section:
    waiting = [_open(found, teller) for found in report.findings if found.status == "open"]
    answered = [_answer(found, teller) for found in report.findings if found.status != "open"]
    more = report.findings_count - len(report.findings)
    left_out = f"{plural(more, 'finding is', 'findings are')} not listed here; audit.findings lists them all."
    return Section(
        "Findings",
        [left_out] if more else [],
        tables=[
            Table("Open findings", OPEN, waiting, "None: every finding was answered." if answered else "None."),
            Table("Answers given", ANSWERED, answered, "No finding was answered."),
        ],
    )


def _rule(rule: RuleResult) -> list[Cell]:
    mark = MARKS.get(rule.severity, "") if rule.costs else ""
    numbers = (rule.open, rule.explained, rule.fixed, rule.accepted)
    return [
        Cell(rule.title),
        Cell(rule.severity, mark=mark),
        Cell(str(rule.weight)),
        _result(rule),
        *(Cell(told_count(number)) for number in numbers),
    ]


def _result(rule: RuleResult) -> Cell:
    if not rule.checked:
        return Cell("switched off", mark="warning")
    if rule.costs:
        return Cell(f"broken, {many(rule.cases)} {'case' if rule.cases == 1 else 'cases'}", mark="bad")
    return Cell(f"kept, {many(rule.cases)} accepted" if rule.cases else "kept", mark="good")


def _open(found: ReportedFinding, teller: Teller) -> list[Cell]:
    return [
        _number(found),
        Cell(found.severity, mark=MARKS.get(found.severity, "")),
        Cell(f"{found.title}: {found.message}"),
        Cell(teller.day(found.occurred_at or found.found_at)),
        Cell(teller.who(found.caused_by)),
        _evidence(found.evidence),
    ]


def _answer(found: ReportedFinding, teller: Teller) -> list[Cell]:
    return [
        _number(found),
        Cell(found.status, mark=MARKS.get(found.status, "")),
        Cell(f"{found.title}: {found.message}"),
        Cell(found.answer or NONE),
        Cell(teller.who(found.answered_by)),
        Cell(teller.day(found.answered_at)),
    ]


def _number(found: ReportedFinding) -> Cell:
    return Cell(str(found.finding_id), [Reference("finding", str(found.finding_id))])


def _evidence(evidence: list[Any]) -> Cell:
    """The trail's records first, by their seqs; then other references."""
    seqs = [str(item) for item in evidence if isinstance(item, int)]
    others = [str(item) for item in evidence if not isinstance(item, int)]
    told = [f"record{'s' if len(seqs) > 1 else ''} {', '.join(seqs)}"] if seqs else []
    return Cell("; ".join([*told, *others[:3]]) or NONE, [Reference("record", seq) for seq in seqs])
