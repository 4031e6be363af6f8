"""Which discounts beyond the limit somebody has approved."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .models import DiscountApproval, PriceRule

SCOPE = ("product_id", "category_id", "customer_tier", "channel", "coupon", "min_quantity")
"""For whom and what a rule is. Its value is not among them: what was approved is compared with the discount itself."""

NEXT = timedelta(microseconds=1)
Term = tuple[datetime, datetime | None, Decimal]
"""From when, before when, and how many percent."""


class Approved:
    """Approvals by price rule, read when the first is asked for; two queries. One ends when its rule gets another
    scope: who approved it has not seen that.
    """

    def __init__(self) -> None:
        self._by_rule: dict[str, list[Term]] | None = None

    def percent(self, codes: Iterable[str], at: datetime) -> Decimal:
        """How large a discount these rules together had been approved for by then: the least of theirs. 0 where one has
        no approval, or no rule took part: what nothing has lowered nobody can have approved.
        """
        return min((self._of(code, at) for code in codes), default=Decimal(0))

    def _of(self, code: str, at: datetime) -> Decimal:
        if self._by_rule is None:
            self._by_rule = _terms()
        terms = self._by_rule.get(code, ())
        return max(
            (percent for since, until, percent in terms if since <= at < (until or at + NEXT)), default=Decimal(0)
        )


def _terms() -> dict[str, list[Term]]:
    rows = list(DiscountApproval.objects.values_list("rule_id", "rule__code", "approved_at", "percent"))
    states: dict[int, list[tuple[datetime, tuple[Any, ...]]]] = defaultdict(list)
    history = PriceRule.history.filter(id__in={row[0] for row in rows}).order_by("history_id")
    for rule, moment, *scope in history.values_list("id", "history_date", *SCOPE):
        states[rule].append((moment, tuple(scope)))
    terms: dict[str, list[Term]] = defaultdict(list)
    for rule, code, approved_at, percent in rows:
        terms[code].append((approved_at, _changed(states[rule], approved_at), percent))
    return terms


def _changed(states: list[tuple[datetime, tuple[Any, ...]]], approved_at: datetime) -> datetime | None:
    """When the rule got another scope than it had when it was approved."""
    before = [scope for moment, scope in states if moment <= approved_at]
    approved = before[-1] if before else (states[0][1] if states else ())
    return next((moment for moment, scope in states if moment > approved_at and scope != approved), None)
