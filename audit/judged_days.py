"""Every night the day before is judged, and what came of it is kept."""

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shop_assistant.accounts.models import SYSTEM_USER_ID

from . import events
from .findings import findings_track
from .history import authored, noted_rows
from .judging import judge_period, score
from .models import ComplianceDay
from .rulebook import Period
from .selectors import bring_up_to_date
from .services import event_record

MOST_DAYS = 31
"""So far back a shop that was not running is judged afterwards."""


def period_of(first: date, last: date) -> Period:
    """These days of the shop's, both included."""
    return Period(_begin(first), _begin(last + timedelta(days=1)))


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def days_judge(*, today: date) -> list[ComplianceDay]:
    """Judge the days before today that were not judged yet: yesterday, and those since the last judged one."""
    yesterday = today - timedelta(days=1)
    last = ComplianceDay.objects.order_by("-day").values_list("day", flat=True).first()
    first = yesterday if last is None else max(last + timedelta(days=1), today - timedelta(days=MOST_DAYS))
    days = [first + timedelta(days=number) for number in range((yesterday - first).days + 1)]
    return [judged for day in days if (judged := day_judge(day))]


def day_judge(day: date) -> ComplianceDay | None:
    """Judge a day, keep its findings and its score; None when another worker was faster. The long reading is done
    before the transaction that stores it.
    """
    bring_up_to_date()
    judgements = judge_period(period_of(day, day))
    with transaction.atomic(), authored(SYSTEM_USER_ID, "nightly judgement"):
        judged = findings_track(judgements)
        if ComplianceDay.objects.filter(day=day).exists():
            return None
        made = ComplianceDay(
            day=day,
            score=score(judged),
            threshold=settings.COMPLIANCE_THRESHOLD,
            broken={j.rule.pk: len(j.cases) for j in judged if j.broken},
        )
        made.save()
        event_record(
            events.COMPLIANCE_JUDGED,
            user_id=SYSTEM_USER_ID,
            agent="audit",
            day=str(day),
            score=made.score,
            threshold=made.threshold,
            broken=made.broken,
            history=noted_rows(),
        )
    return made
