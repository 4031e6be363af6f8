"""Approving discounts beyond the shop's limit."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from pricing.approved import SCOPE
from pricing.models import DiscountApproval, PriceRule
from shop_assistant.accounts.four_eyes import self_approval as own_approval

PERMISSION = "pricing.approve_discount"


@transaction.atomic
def discount_approve(
    *, rule: PriceRule, percent: Decimal, reason: str, user_id: str, confirm: bool = False, task_id: UUID | None = None
) -> DiscountApproval:
    """Let a price rule take part in discounts of up to `percent`. Another person than who gave it its discount and its
    scope has to, where the shop has another who may.

    :raises PermissionDenied: when it is the own rule and another person may approve.
    :raises ClarificationNeeded: when nobody else may, and it was not confirmed.
    """
    locked = PriceRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    made_by = _made_by(locked)
    own = own_approval(
        permission=PERMISSION, proposer=made_by, user_id=user_id, confirm=confirm, what="approve discounts"
    )
    approval = DiscountApproval(
        rule=locked,
        percent=percent,
        reason=reason,
        made_by=made_by,
        approved_by=user_id,
        self_approved=own,
        task_id=task_id,
    )
    approval.save()
    return approval


def _made_by(rule: PriceRule) -> str:
    """Who changed last what the rule takes off, or for whom; somebody else's new name for it hides nobody."""
    rows = rule.history.order_by("-history_id").values_list("history_user_id", "kind", "value", *SCOPE)
    made_by, now = "", None
    for user_id, *what in rows.iterator(chunk_size=100):
        if now is not None and what != now:
            break
        made_by, now = user_id, what
    return made_by
