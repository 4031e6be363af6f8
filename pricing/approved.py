"""Which discounts beyond the limit somebody has approved."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from .models import DiscountApproval


class Approved:
    """Approvals by price rule, read when the first is asked for; one query."""

    def __init__(self) -> None:
        self._by_rule: dict[str, list[tuple[datetime, Decimal]]] | None = None

    def percent(self, codes: Iterable[str], at: datetime) -> Decimal:
        """How large a discount these rules together had been approved for by then: the least of theirs. 0 where one has
        no approval, or no rule took part: what nothing has lowered nobody can have approved.
        """
        return min((self._of(code, at) for code in codes), default=Decimal(0))

    def _of(self, code: str, at: datetime) -> Decimal:
        if self._by_rule is None:
            self._by_rule = defaultdict(list)
            rows = DiscountApproval.objects.values_list("rule__code", "approved_at", "percent")
            for rule, approved_at, percent in rows:
                self._by_rule[rule].append((approved_at, percent))
        return max((percent for since, percent in self._by_rule.get(code, ()) if since <= at), default=Decimal(0))
