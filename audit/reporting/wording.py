"""A report's plain words: what came of it, and what needs doing."""

from ..judging import MOST_CASES
from .schemas import ComplianceReport

NOTHING = "Nothing was recorded in this period, so there is nothing to judge."
CASES_AND_FINDINGS = (
    "A case is a breach that a rule sees in the period, now; a finding is the shop's note of it, kept once and for "
    "good, which somebody answers."
)
SEVERE = ("critical", "warning", "info")


def plural(count: int, word: str, more: str = "") -> str:
    """`1 record`, `1,200 records`"""
    return f"{count:,} {word if count == 1 else more or word + 's'}"


def many(count: int, of: int | None = None) -> str:
    """`3`, or `100 or more`: of so many cases of a rule no more are looked for."""
    return f"{count:,} or more" if (of or count) >= MOST_CASES else f"{count:,}"


def summary_of(report: ComplianceReport) -> list[str]:
    """What came of it, in a few sentences."""
    return [_verdict(report), _rules(report), _nights(report), _findings(report), _trail(report)]


def to_do_of(report: ComplianceReport) -> list[str]:
    """What needs doing, the most urgent first; empty when nothing does."""
    cover, todo = report.coverage, []
    if cover.problem_count:
        todo.append(f"The trail was bent ({plural(cover.problem_count, 'problem')}): run `manage.py audit_verify`.")
    if cover.refused:
        todo.append(f"The trail takes no more records: {cover.refused}")
    if cover.checkpoint and not cover.checkpoint.holds:
        todo.append(f"The newest checkpoint does not hold: {cover.checkpoint.told}")
    todo += [f"The {a.kind} anchor {_HELD[a.held]}." for a in cover.anchors if a.held in ("differs", "lost")]
    if cover.completeness and cover.completeness.gaps:
        todo.append(f"Explain what is without its record: {plural(cover.completeness.gaps, 'gap')}.")
    for severity in SEVERE:
        count = sum(r.open for r in report.rules if r.severity == severity)
        if count:
            todo.append(f"Answer {plural(count, f'open {severity} finding')}: explain, put right, or accept.")
    if unkept := [r for r in report.rules if r.costs and not (r.open or r.explained or r.fixed or r.accepted)]:
        titles = ", ".join(f"“{r.title}”" for r in unkept)
        todo.append(f"Nobody has looked at what broke {titles}: `manage.py compliance_check` keeps it as findings.")
    if not cover.anchors:
        todo.append("Name an anchor for the trail's checkpoints: none is configured.")
    if cover.completeness is None:
        todo.append("Run `manage.py audit_completeness`: no completeness check was made yet.")
    if report.over and (missing := sum(day.score is None for day in report.days)) and missing < len(report.days):
        todo.append(f"Keep the worker running at night: {plural(missing, 'day was', 'days were')} not judged.")
    return todo


_HELD = {
    "differs": "holds something else than the log says: run `manage.py audit_verify`",
    "lost": "has lost what it was given: restore its file, or find out who removed it",
}


def _verdict(report: ComplianceReport) -> str:
    if report.score is None:
        return NOTHING
    so_far = "" if report.over else " so far"
    words = "compliant" if report.compliant else "not compliant"
    reach = "reaches" if report.compliant else "does not reach"
    return (
        f"The shop was {words}{so_far}: its score is {report.score} of 100, which {reach} the threshold of "
        f"{report.threshold}."
    )


def _rules(report: ComplianceReport) -> str:
    checked = [r for r in report.rules if r.checked]
    broken = [r for r in checked if r.costs]
    off = len(report.rules) - len(checked)
    told = f"Of {plural(len(checked), 'rule')} that were checked, {len(checked) - len(broken)} were kept"
    told += f" and {len(broken)} broken ({', '.join(r.title.lower() for r in broken)})." if broken else "."
    return told + (f" {plural(off, 'rule is', 'rules are')} switched off." if off else "")


def _nights(report: ComplianceReport) -> str:
    scores = [day.score for day in report.days if day.score is not None]
    if not scores:
        return f"None of the {plural(len(report.days), 'day')} was judged the night after."
    failed = sum(day.compliant is False for day in report.days)
    return (
        f"{len(scores)} of {plural(len(report.days), 'day')} were judged the night after: the lowest score was "
        f"{min(scores)}, and {plural(failed, 'day was', 'days were') if failed else 'none was'} below the threshold."
    )


def _findings(report: ComplianceReport) -> str:
    open_ = sum(r.open for r in report.rules)
    answered = report.findings_count - open_
    if not report.findings_count:
        return "There are no findings."
    return f"There are {plural(report.findings_count, 'finding')}: {open_:,} open, {answered:,} answered."


def _trail(report: ComplianceReport) -> str:
    cover = report.coverage
    if not cover.records:
        return "The audit trail has no records of this period."
    whole = "are whole" if not cover.problem_count else f"have {plural(cover.problem_count, 'problem')}"
    part = "they" if cover.verified >= cover.records else f"the newest {cover.verified:,} of them"
    return f"The audit trail has {plural(cover.records, 'record')} of this period; {part} were verified and {whole}."
