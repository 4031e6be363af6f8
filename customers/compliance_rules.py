"""What must not happen with customers and their points."""

from collections.abc import Iterator
from typing import Any

from audit.compliance import Case, Period, Proposal, Rule, register

from .models import LoyaltyEntry


def _points_by_hand(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    entries = LoyaltyEntry.objects.filter(
        kind=LoyaltyEntry.Kind.ADJUST,
        points__gt=parameters["points"],
        occurred_at__gte=period.begin,
        occurred_at__lt=period.end,
    ).select_related("account__customer")
    for entry in entries.order_by("pk").iterator(chunk_size=500):
        customer_id = entry.account.customer.public_id
        message = f"{entry.user_id} granted {entry.points} points by hand to {customer_id}"
        yield Case("loyalty_entry", str(entry.pk), message, [str(entry.task_id)])


def _points_proposal(proposal: Proposal, parameters: dict[str, Any]) -> Iterator[Case]:
    payload = proposal.payload
    points = payload.get("points")
    if proposal.operation != "customers.loyalty" or payload.get("operation") != "adjust":
        return
    if isinstance(points, int | float) and points > parameters["points"]:
        yield Case("customer", str(payload.get("customer_id")), f"{points} points would be granted by hand")


register(
    Rule(
        key="points-by-hand",
        title="No large gifts of points",
        explanation="Points are money. Ask who granted them and why; take back what nobody can explain.",
        severity="warning",
        weight=10,
        parameters={"points": 1000},
        past=_points_by_hand,
        proposed=_points_proposal,
    ),
)
