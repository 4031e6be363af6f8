"""What the trail itself shows to be wrong, and who answered for it."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from math import ceil
from typing import Any

from django.conf import settings
from django.db.models import F, Max, Min
from django.utils import timezone
from pydantic import Field

from shop_assistant.accounts.four_eyes import others_then
from shop_assistant.agents.fields import iso_utc

from . import events
from .compliance_models import ENTITY_LENGTH
from .findings import DECIDE
from .models import AuditRecord, CompletenessRun, Finding
from .rulebook import Case, Parameters, Period, Rule, Whole, register
from .standing import refusal
from .verification import Problem, verify_records, verify_triggers
from .verification.reading import CHUNK, Chunk, Looked, in_turn

HOUR = timedelta(hours=1)


class TrailParameters(Parameters):
    records: Whole = Field(20_000, ge=1, description="so many of the newest records are verified each time")


class LoginParameters(Parameters):
    failures_an_hour: Whole = Field(20, description="of one user; more of them within an hour are a burst")


def _bent_trail(period: Period, parameters: TrailParameters) -> Iterator[Case]:
    """Bounded: `manage.py audit_verify` looks at everything."""
    within = AuditRecord.objects.filter(timestamp__gte=period.begin, timestamp__lt=period.end)
    ends = within.aggregate(first=Min("seq"), last=Max("seq"))
    if ends["first"] is not None:
        begin = max(ends["first"], ends["last"] - parameters.records + 1)
        yield from map(_problem, verify_records(begin, look=_at_most(ends["last"] - begin + 1, whole=begin > 1)))
    if why := refusal():
        yield Case("anchor", "latest", why)
    for alias in settings.DATABASES:
        yield from map(_problem, verify_triggers(alias))


def _at_most(count: int, *, whole: bool) -> Callable[[Iterable[Chunk]], Looked]:
    """So many records; the whole log, where its tree is compared, too."""
    return (lambda found: in_turn(islice(found, ceil(count / CHUNK)))) if whole else in_turn


def _problem(found: Problem) -> Case:
    if found.seq is None:
        return Case(found.kind, found.message[:ENTITY_LENGTH], found.message)
    return Case("audit_record" if found.kind == "record" else found.kind, str(found.seq), str(found), (found.seq,))


def _gaps(period: Period, parameters: Parameters) -> Iterator[Case]:
    """What the last completeness check of the period found: no chain of records shows what was left out of it."""
    runs = CompletenessRun.objects.filter(began_at__gte=period.begin, began_at__lt=period.end)
    run = runs.order_by("-began_at").first()
    for gap in run.shown if run else ():
        yield Case(gap["check"][:40], gap["what"], gap["message"], at=run.began_at if run else None)


def _login_bursts(period: Period, parameters: LoginParameters) -> Iterator[Case]:
    """More failures of one user within any sixty minutes; one burst a user and hour is told."""
    records = AuditRecord.objects.filter(
        event=events.LOGIN_FAILED, timestamp__gte=period.begin, timestamp__lt=period.end
    )
    recent: dict[str, deque[tuple[datetime, int]]] = defaultdict(deque)
    told: dict[str, datetime] = {}
    for seq, user_id, moment in records.order_by("seq").values_list("seq", "user_id", "timestamp").iterator():
        failures = recent[user_id]
        failures.append((moment, seq))
        while failures[0][0] <= moment - HOUR:
            failures.popleft()
        if len(failures) > parameters.failures_an_hour and (user_id not in told or moment - told[user_id] >= HOUR):
            told[user_id] = moment
            yield _burst(user_id, failures)
        if len(failures) > parameters.failures_an_hour:
            failures.popleft()


def _burst(user_id: str, failures: deque[tuple[datetime, int]]) -> Case:
    who, (began, first), (ended, last) = user_id or "unknown names", failures[0], failures[-1]
    hour = timezone.localtime(began)
    return Case(
        "user",
        f"{who} {hour:%Y-%m-%dT%H}",
        f"more than {len(failures) - 1} failed logins of {who} within an hour, from {iso_utc(began)} on",
        (first, last),
        at=ended,
        about=(("user", user_id),) if user_id else (),
    )


def _own_findings(period: Period, parameters: Parameters) -> Iterator[Case]:
    """Findings accepted by who caused them."""
    rows: Any = Finding.objects.filter(
        status=Finding.Status.ACCEPTED,
        answered_by=F("caused_by"),
        answered_at__gte=period.begin,
        answered_at__lt=period.end,
    )
    for finding in rows.order_by("pk").iterator(chunk_size=200):
        alone = not others_then(DECIDE, finding.answered_by, finding.answered_at)
        yield Case(
            "finding",
            str(finding.pk),
            f"{finding.answered_by} accepted the own doing" + (": nobody else may decide" if alone else ""),
            (finding.rule_id, finding.entity_id),
            at=finding.answered_at,
            caused_by=finding.answered_by,
            counts=not alone,
        )


register(
    Rule(
        key="audit-chain",
        title="The audit trail is whole",
        explanation="Records were changed, removed or reordered behind the application's back, or could be. Run "
        "manage.py audit_verify, compare with a backup, and find out who can write to the database.",
        severity="critical",
        weight=60,
        parameters=TrailParameters,
        past=_bent_trail,
    ),
    Rule(
        key="audit-gaps",
        title="Nothing is missing from the audit trail",
        explanation="Something was done or changed without its record, or is not as it was recorded. Run manage.py "
        "audit_verify, and find out who can write to the database.",
        severity="critical",
        weight=40,
        past=_gaps,
    ),
    Rule(
        key="login-bursts",
        title="No bursts of failed logins",
        explanation="Somebody may be guessing passwords. Ask the user; change the password; look at the addresses.",
        severity="warning",
        weight=10,
        parameters=LoginParameters,
        past=_login_bursts,
    ),
    Rule(
        key="own-findings",
        title="Nobody accepts what they caused",
        explanation="Who broke a rule can't judge that it may stay so. Let another person look at it and answer.",
        severity="warning",
        weight=10,
        past=_own_findings,
    ),
)
