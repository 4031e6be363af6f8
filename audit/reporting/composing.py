"""A report's facts as a document: sections of text, charts and tables."""

from collections import Counter
from collections.abc import Iterable

from .charts import Bar, Point, scores, stacked
from .composing_coverage import coverage
from .composing_findings import by_rule, listed
from .document import Cell, Column, Document, Section, Table
from .schemas import AccessCount, ChangeCount, ComplianceReport, DayScore
from .telling import NONE, Teller, told_count, told_day
from .wording import plural

MOST_USERS = 12
"""Drawn one by one; the others together."""
VERDICTS = {True: ("Compliant", "good"), False: ("Not compliant", "bad"), None: ("Nothing to judge", "")}
LOW_DAYS = [Column("Day", 3), Column("Score", 2, number=True), Column("Compliant", 3)]
CHANGES = [Column("Who", 6), Column("Area", 5), Column("What", 8), Column("Times", 3, number=True)]
ACCESSES = [
    Column("Who", 6),
    *(
        Column(title, 3, number=True)
        for title in ("Logins", "Failed", "Refused", "Trail read", "People read", "Exports")
    ),
]


def compose(report: ComplianceReport) -> Document:
    teller = Teller(report)
    verdict, mark = VERDICTS[report.compliant]
    days = f"{told_day(report.first)} to {told_day(report.last)}"
    return Document(
        title="Compliance report",
        shop=report.shop,
        period=days if report.over else f"{days} (not over yet)",
        facts=[
            ("Shop", report.shop),
            ("Period", f"{days}, both days included ({report.time_zone})"),
            ("Made", f"{teller.moment(report.made_at)}, by {teller.who(report.made_by)}"),
            ("Threshold", f"compliant from a score of {report.threshold} of 100 on"),
        ],
        verdict=verdict,
        mark=mark,
        score=NONE if report.score is None else f"{report.score} of 100",
        summary=report.summary,
        to_do=report.to_do,
        sections=[
            _over_time(report),
            by_rule(report),
            listed(report, teller),
            _changes(report, teller),
            coverage(report, teller),
        ],
        foot=f"{report.shop} · compliance {report.first} to {report.last} · made {teller.moment(report.made_at)}",
    )


def _over_time(report: ComplianceReport) -> Section:
    judged = [day for day in report.days if day.score is not None]
    low = [_low(day) for day in judged if not day.compliant]
    missing = len(report.days) - len(judged)
    text = ["Each day is judged the night after, by the rules as they were set then."]
    if missing:
        has = "has" if missing == 1 else "have"
        text.append(f"{plural(missing, 'day was', 'days were')} not judged, and so {has} no score.")
    if not judged:
        return Section("Score over time", text)
    chart = scores([Point(day.day, day.score) for day in report.days], report.threshold)
    return Section("Score over time", text, [chart], [Table("Days below the threshold", LOW_DAYS, low, "None.")])


def _low(day: DayScore) -> list[Cell]:
    return [Cell(told_day(day.day)), Cell(str(day.score)), Cell("no", mark="bad")]


def _changes(report: ComplianceReport, teller: Teller) -> Section:
    by_user: dict[str, Counter[str]] = {}
    for change in report.changes:
        by_user.setdefault(change.user_id, Counter())[change.area] += change.count
    areas = [area for area, _ in _together(by_user.values()).most_common()]
    users = sorted(by_user, key=lambda user: (-by_user[user].total(), user))
    bars = [_bar(teller.name(user), by_user[user], areas) for user in users[:MOST_USERS]]
    if rest := users[MOST_USERS:]:
        bars.append(_bar(plural(len(rest), "other user"), _together(by_user[user] for user in rest), areas))
    changes = sorted(report.changes, key=lambda c: (users.index(c.user_id), c.area, -c.count, c.kind))
    accesses = [_access(access, teller) for access in report.accesses]
    return Section(
        "Who changed what",
        ["Counted from the audit trail's records of the period."],
        [stacked(bars, areas)] if bars else [],
        [
            Table("Changes", CHANGES, [_change(c, teller) for c in changes], "No change was recorded."),
            Table("Access", ACCESSES, accesses, "No access was recorded."),
        ],
    )


def _together(counters: Iterable[Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for counter in counters:
        found.update(counter)
    return found


def _bar(name: str, counted: Counter[str], areas: list[str]) -> Bar:
    return Bar(name, [(area, counted[area]) for area in areas if counted[area]])


def _change(change: ChangeCount, teller: Teller) -> list[Cell]:
    what = change.kind.rpartition(".")[2].replace("_", " ")
    who = teller.who(change.user_id) if change.user_id else teller.name("")
    return [Cell(who), Cell(change.area), Cell(what), Cell(f"{change.count:,}")]


def _access(access: AccessCount, teller: Teller) -> list[Cell]:
    numbers = (
        access.logins,
        access.failed_logins,
        access.refused,
        access.trail_read,
        access.personal_read,
        access.exports,
    )
    who = teller.who(access.user_id) if access.user_id else teller.name("")
    return [Cell(who), *(Cell(told_count(number)) for number in numbers)]
