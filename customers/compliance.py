"""What must not happen with customers' data and points."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum, Window
from django.db.models.functions import TruncDate
from django.utils import timezone
from pydantic import Field

from audit.rulebook import Case, Parameters, Period, Proposal, Rule, Whole, register
from inventory.models import Order
from inventory.selectors import day_start
from shop_assistant.vault.retention import periods

from .accesses import accesses, unexcused
from .loyalty import points_for
from .models import ErasureRequest, LoyaltyEntry
from .schemas import LoyaltyRequest


class PointsParameters(Parameters):
    points: Whole = Field(1000, description="granted by hand, or without a sale, to one customer on one day")


class RetentionParameters(Parameters):
    days_late: Whole = Field(2, description="after which what should be gone is a breach")


class ErasureParameters(Parameters):
    days: Whole = Field(30, description="from the request to the erasure; the law says one month (GDPR, article 12)")


class AccessParameters(Parameters):
    days: Whole = Field(30, description="so long after a sale, a return or a word with the customer looking is allowed")


def _granted() -> QuerySet[LoyaltyEntry]:
    """Points that nobody bought: corrections, and what was booked as earned without a sale or beyond its worth."""
    bought = Q(order__isnull=False, points__lte=F("order__total") * settings.LOYALTY_EARN_RATE)
    sold = Q(task_id__isnull=False, task_id=F("order__task_id"))  # by the sale itself, at the rate of its day
    kinds = Q(kind=LoyaltyEntry.Kind.ADJUST) | Q(kind=LoyaltyEntry.Kind.EARN) & ~bought & ~sold
    return LoyaltyEntry.objects.filter(kinds, points__gt=0)


def _points_by_hand(period: Period, parameters: PointsParameters) -> Iterator[Case]:
    """Each grant that goes beyond the limit together with those before it on that day."""
    so_far = Window(Sum("points"), partition_by=[F("account"), TruncDate("occurred_at")], order_by=F("pk").asc())
    rows: Any = _granted().filter(occurred_at__gte=period.begin, occurred_at__lt=period.end)
    rows = rows.annotate(so_far=so_far).filter(so_far__gt=parameters.points).select_related("account__customer")
    for entry in rows.order_by("pk").iterator(chunk_size=200):
        customer_id = entry.account.customer.public_id
        more = f", {entry.so_far} on that day" if entry.so_far != entry.points else ""
        yield Case(
            "loyalty_entry",
            str(entry.pk),
            f"{entry.user_id} granted {entry.points} points by hand to {customer_id}{more}",
            at=entry.occurred_at,
            caused_by=entry.user_id,
            tasks=(entry.task_id,) if entry.task_id else (),
            about=(("customer", customer_id),),
        )


def _points_proposal(proposal: Proposal, parameters: PointsParameters) -> Iterator[Case]:
    """With what was granted today: where the entry is booked already, the account is locked and nobody grants more."""
    data = proposal.data
    if not isinstance(data, LoyaltyRequest) or data.operation not in ("adjust", "earn") or (data.points or 0) <= 0:
        return
    today = _granted().filter(
        account__customer__public_id__in={data.customer_id, data.customer_id.upper()},
        occurred_at__gte=day_start(timezone.localdate()),
    )
    granted = today.aggregate(sum=Sum("points"))["sum"] or 0
    total = granted if proposal.output or _bought(data) else granted + (data.points or 0)
    if total > parameters.points:
        told = f"{total} points would be granted by hand today"
        yield Case("customer", data.customer_id, told, caused_by=proposal.user_id)


def _bought(data: LoyaltyRequest) -> bool:
    order = Order.objects.filter(reference=data.order).first() if data.order and data.operation == "earn" else None
    return order is not None and (data.points or 0) <= points_for(order.total)


def _kept_too_long(period: Period, parameters: RetentionParameters) -> Iterator[Case]:
    """As it is now. The worker lets go of it every day."""
    for kind, kept, until in periods():
        if overdue := kind.due(until - timedelta(days=parameters.days_late)):
            yield Case("retention", kind.name, f"{overdue} of {kind.name} are kept longer than {kept.days} days")


def _erasures_overdue(period: Period, parameters: ErasureParameters) -> Iterator[Case]:
    """Those that wait too long now, and those of the period that came too late."""
    allowed = timedelta(days=parameters.days)
    waiting = Q(decided_at=None, requested_at__lt=timezone.now() - allowed)
    late = Q(done_at__gte=period.begin, done_at__lt=period.end, done_at__gt=F("requested_at") + allowed)
    rows = ErasureRequest.objects.filter(waiting | late).select_related("customer").order_by("pk")
    for request in rows.iterator(chunk_size=200):
        days = ((request.done_at or timezone.now()) - request.requested_at).days
        yield Case(
            "erasure",
            request.reference,
            f"asked for {days} days ago" + (", and still waiting" if request.done_at is None else ": it came too late"),
            (request.reference,),
            at=request.done_at,
            about=(("customer", request.customer.public_id),),
        )


def _looks_without_cause(period: Period, parameters: AccessParameters) -> Iterator[Case]:
    for access in unexcused(accesses(period.begin, period.end), timedelta(days=parameters.days)):
        yield Case(
            "profile",
            f"{access.customer_id} by {access.user_id}",
            f"{access.user_id} looked at {access.customer_id} without an open ticket or a sale",
            (access.seq,),
            at=access.at,
            caused_by=access.user_id,
            about=(("customer", access.customer_id),),
        )


register(
    Rule(
        key="points-by-hand",
        title="No large gifts of points",
        explanation="Points are money. Ask who granted them and why; take back what nobody can explain.",
        severity="warning",
        weight=10,
        parameters=PointsParameters,
        past=_points_by_hand,
        proposed=_points_proposal,
        operations=frozenset({"customers.loyalty"}),
    ),
    Rule(
        key="retention",
        title="No personal data is kept past its time",
        explanation="What is not needed any more has to go (GDPR, article 5). Let the worker run; look at the "
        "retention periods and at what its log says.",
        severity="warning",
        weight=20,
        parameters=RetentionParameters,
        past=_kept_too_long,
    ),
    Rule(
        key="erasure-overdue",
        title="Who asks to be erased is erased in time",
        explanation="The law gives the shop one month (GDPR, articles 12 and 17). Confirm or decline the request now, "
        "and tell the person.",
        severity="critical",
        weight=25,
        parameters=ErasureParameters,
        past=_erasures_overdue,
    ),
    Rule(
        key="profile-access",
        title="Nobody looks at customers without a cause",
        explanation="A profile is for serving its customer. Ask why it was opened; remind, or take the right away.",
        severity="warning",
        weight=10,
        parameters=AccessParameters,
        past=_looks_without_cause,
    ),
)
