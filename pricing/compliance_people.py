"""Who changes prices, and when: the rules about people. `compliance` registers them with the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils import timezone
from pydantic import Field, StringConstraints

from audit.rulebook import Case, Parameters, Period, Proposal, Rule
from inventory.models import Product
from shop_assistant.accounts.four_eyes import others_then

from .models import DiscountApproval, PriceChange, PriceRecommendation

TASK = "task "
"""What the history's reason begins with where an operation made the change."""
MOMENT = timedelta(seconds=5)


class HoursParameters(Parameters):
    opens: time = Field(time(6), description="from when on prices are changed, in the shop's time, such as 06:00")
    closes: time = Field(time(22), description="until when, such as 22:00; the same as opens: around the clock")
    weekdays: Annotated[str, StringConstraints(pattern=r"^[1-7]{1,7}$")] = Field(
        "1234567", description="on which days, 1 being Monday"
    )

    def within(self, moment: datetime) -> bool:
        local = timezone.localtime(moment)
        if str(local.isoweekday()) not in self.weekdays:
            return False
        if self.opens == self.closes:
            return True
        now = local.time()
        if self.opens < self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes


@dataclass(frozen=True, slots=True)
class _Decision:
    kind: str
    pk: int
    what: str
    who: str
    at: datetime
    permission: str
    task: UUID | None = None


def _own_approvals(period: Period, parameters: Parameters) -> Iterator[Case]:
    """In a shop of one it is said, and costs nothing."""
    for made in _own_decisions(period):
        alone = not others_then(made.permission, made.who, made.at)
        yield Case(
            made.kind,
            str(made.pk),
            f"{made.who} approved the own proposal: {made.what}" + (" (nobody else may)" if alone else ""),
            at=made.at,
            caused_by=made.who,
            tasks=(made.task,) if made.task else (),
            counts=not alone,
        )


def _own_decisions(period: Period) -> Iterator[_Decision]:
    decided: dict[str, Any] = {"decided_at__gte": period.begin, "decided_at__lt": period.end}
    changes: Any = PriceChange.objects.filter(
        **decided, decided_by=F("user_id"), status__in=[PriceChange.Status.SCHEDULED, PriceChange.Status.APPLIED]
    )
    for change in changes.select_related("product").order_by("pk").iterator(chunk_size=200):
        yield _Decision("price_change", change.pk, str(change), change.user_id, change.decided_at, "pricing.approve")
    advised: Any = PriceRecommendation.objects.filter(
        **decided, decided_by=F("proposed_by"), status__in=["approved", "applied"]
    )
    for found in advised.select_related("product").order_by("pk").iterator(chunk_size=200):
        who = found.proposed_by
        yield _Decision("price_recommendation", found.pk, str(found), who, found.decided_at, "pricing.approve")
    approvals = DiscountApproval.objects.filter(
        approved_at__gte=period.begin, approved_at__lt=period.end, approved_by=F("made_by")
    )
    for row in approvals.select_related("rule").order_by("pk").iterator(chunk_size=200):
        permission = "pricing.approve_discount"
        yield _Decision(
            "discount_approval", row.pk, str(row), row.approved_by, row.approved_at, permission, row.task_id
        )


def _odd_hours(period: Period, parameters: HoursParameters) -> Iterator[Case]:
    """Changes that people plan, decide on or make; not the worker's, who puts into force what was planned."""
    planned = PriceChange.history.filter(history_date__gte=period.begin, history_date__lt=period.end)
    planned = planned.exclude(status=PriceChange.Status.APPLIED).select_related("product").order_by("history_id")
    for row in planned.iterator(chunk_size=500):
        if not parameters.within(row.history_date):
            yield _at_odd_hours("price_change", str(row.id), row.product.sku, row)
    for row in _list_prices_changed(period).iterator(chunk_size=500):
        if not parameters.within(row.history_date):
            yield _at_odd_hours("product", row.sku, row.sku, row)


def _list_prices_changed(period: Period) -> QuerySet[Any]:
    applied = PriceChange.objects.filter(
        product=OuterRef("id"),
        applied_at__gte=OuterRef("history_date") - MOMENT,
        applied_at__lte=OuterRef("history_date") + MOMENT,
    )
    before = Product.history.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id")).order_by("-history_id")
    rows = Product.history.filter(history_date__gte=period.begin, history_date__lt=period.end, history_type="~")
    rows = rows.annotate(before=Subquery(before.values("list_price")[:1])).exclude(list_price=F("before"))
    changed: QuerySet[Any] = rows.filter(~Exists(applied)).order_by("history_id")
    return changed


def _at_odd_hours(kind: str, entity_id: str, sku: str, row: Any) -> Case:
    who, reason = row.history_user_id, row.history_change_reason or ""
    local = timezone.localtime(row.history_date)
    return Case(
        kind,
        entity_id,
        f"{who} changed the price of {sku} at {local:%H:%M} on {local:%Y-%m-%d}",
        at=row.history_date,
        caused_by=who,
        tasks=(UUID(reason.removeprefix(TASK)),) if reason.startswith(TASK) else (),
        about=(("product", sku),),
    )


def _odd_hours_proposal(proposal: Proposal, parameters: HoursParameters) -> Iterator[Case]:
    now = timezone.now()
    if not parameters.within(now):
        told = f"prices are not changed at {timezone.localtime(now):%H:%M}"
        yield Case("user", proposal.user_id, told, caused_by=proposal.user_id)


RULES = (
    Rule(
        key="own-approval",
        title="Nobody approves the own proposal",
        explanation="What one person proposes another approves. Let another person look at it; a shop of one confirms "
        "twice, which is said here and costs nothing.",
        severity="warning",
        weight=20,
        past=_own_approvals,
    ),
    Rule(
        key="price-hours",
        title="Prices change within the hours for it",
        explanation="A price that changes when nobody should be there was changed by somebody who should not. Ask "
        "who it was; change the password if it was not they.",
        severity="warning",
        weight=10,
        parameters=HoursParameters,
        past=_odd_hours,
        proposed=_odd_hours_proposal,
        operations=frozenset({"pricing.approve", "pricing.approve_discount"}),
    ),
)
