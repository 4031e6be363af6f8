"""The section on what the trail covers."""

from .document import Cell, Column, Section, Table
from .schemas import AnchorTold, ComplianceReport
from .telling import NONE, Teller
from .wording import plural

HELD = {
    "held": "yes, asked just now",
    "differs": "NO: it differs from the log",
    "lost": "NO: what it held is gone",
    "receipt": "its receipt is kept",
    "nothing": "it has taken nothing yet",
}
HELD_MARKS = {"held": "good", "differs": "bad", "lost": "bad", "nothing": "warning"}
PROBLEMS, GAPS = 5, 3
ANCHORS = [
    Column("Where", 3),
    Column("Records", 3, number=True),
    Column("When", 5),
    Column("Covers the period", 4),
    Column("Still held", 6),
]

Row = tuple[str, str, str]
"""what, result, mark"""


def coverage(report: ComplianceReport, teller: Teller) -> Section:
    cover = report.coverage
    rows = [
        _records(report),
        _verified(report),
        ("The whole trail", f"{plural(cover.log_size, 'record')}, {cover.waiting:,} more on the way into it", ""),
        ("Sealing", cover.refused or "goes on", "bad" if cover.refused else "good"),
        _checkpoint(report, teller),
        _completeness(report, teller),
        _nights(report),
    ]
    facts = [[Cell(what), Cell(result, mark=mark)] for what, result, mark in rows]
    return Section(
        "Coverage",
        ["How much of what happened the trail holds, and what vouches for it."],
        tables=[
            Table("Coverage", [Column("What", 5), Column("Result", 12)], facts, ""),
            Table(
                "Anchors: who else holds the checkpoints",
                ANCHORS,
                [_anchor(anchor, teller) for anchor in cover.anchors],
                "No anchor is configured: nobody outside the shop's own system vouches for the trail.",
            ),
        ],
    )


def _records(report: ComplianceReport) -> Row:
    cover = report.coverage
    seqs = f", from {cover.first_seq:,} to {cover.last_seq:,}" if cover.first_seq and cover.last_seq else ""
    return "Records of the period", f"{cover.records:,}{seqs}", ""


def _verified(report: ComplianceReport) -> Row:
    cover = report.coverage
    if not cover.verified:
        return "Verified for this report", "there is nothing to verify", ""
    which = "all of them" if cover.verified >= cover.records else f"the newest {cover.verified:,} of them"
    wrong = f"{plural(cover.problem_count, 'problem')}: {'; '.join(cover.problems[:PROBLEMS])}"
    said = wrong if cover.problem_count else "the chain is whole"
    return "Verified for this report", f"{which}: {said}", "bad" if cover.problem_count else "good"


def _checkpoint(report: ComplianceReport, teller: Teller) -> Row:
    found = report.coverage.checkpoint
    if found is None:
        return "Newest checkpoint", "none is written yet", "warning"
    said = f"{plural(found.size, 'record')}, root {found.root[:16]}…, {teller.moment(found.created_at)}"
    if not found.holds:
        return "Newest checkpoint", f"{said}: DOES NOT HOLD. {found.told}", "bad"
    return "Newest checkpoint", f"{said}, signed by {', '.join(found.signed_by)}: it holds", "good"


def _completeness(report: ComplianceReport, teller: Teller) -> Row:
    run = report.coverage.completeness
    if run is None:
        return "Completeness", "no check was made yet", "warning"
    looked = ", ".join(f"{count:,} {name}" for name, count in sorted(run.rows.items()))
    gaps = f"{plural(run.gaps, 'gap')}: {'; '.join(run.shown[:GAPS])}" if run.gaps else "nothing is missing"
    said = f"{teller.moment(run.began_at)}, looked at {looked}: {gaps}"
    return "Completeness", said, "bad" if run.gaps else "good"


def _nights(report: ComplianceReport) -> Row:
    judged, days = sum(day.score is not None for day in report.days), len(report.days)
    return "Days judged the night after", f"{judged} of {days}", "good" if judged == days else "warning"


def _anchor(anchor: AnchorTold, teller: Teller) -> list[Cell]:
    return [
        Cell(anchor.kind),
        Cell(f"{anchor.size:,}" if anchor.size else NONE),
        Cell(teller.moment(anchor.anchored_at)),
        Cell("yes" if anchor.covers else "not yet", mark="good" if anchor.covers else "warning"),
        Cell(HELD[anchor.held], mark=HELD_MARKS.get(anchor.held, "")),
    ]
