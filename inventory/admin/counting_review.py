"""Reviewing a count sheet: what differs, the largest amounts first, and what to do about it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest

from audit.admin_base import told
from audit.admin_columns import list_of, neat, person
from inventory.models import CountEntry, CountLine
from inventory.selectors.counting import count_lines, value_of
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

REVIEWED = 500
"""Lines on the page: those with the largest amounts."""
ZERO = Decimal(0)


class Review:
    """What differs, the largest amounts first."""

    def __init__(self, request: HttpRequest, sheet: Any, *, known: bool) -> None:
        self.request, self.sheet, self.known = request, sheet, known
        self.confirm = False
        lines = count_lines(sheet, only="different", by_value=True) if known else []
        prefetch_related_objects(lines[:REVIEWED], "entries")
        self.cut = len(lines) > REVIEWED
        self.rows = [self._row(line) for line in lines[:REVIEWED]]
        self.values = [value for line in lines if (value := value_of(line)) is not None]
        moves = [units for line in lines if line.entry for units in line.entry.moves.values()]
        self.missing = sum((-units for units in moves if units < 0), ZERO)
        self.surplus = sum((units for units in moves if units > 0), ZERO)
        self.uncounted = sheet.all_lines - sheet.counted_lines
        self.unpriced = sum(1 for line in lines if line.product.cost is None)

    @property
    def tiles(self) -> list[tuple[str, str, str]]:
        lost = sum((value for value in self.values if value < 0), ZERO)
        gained = sum((value for value in self.values if value > 0), ZERO)
        sheet, currency = self.sheet, settings.SHOP_CURRENCY
        return [
            ("Lines counted", f"{sheet.counted_lines} of {sheet.all_lines}", ""),
            ("Lines that differ", str(sheet.differing), ""),
            (f"Missing: {neat(self.missing, 3)} units", f"{neat(lost, 4)} {currency}", "bad" if lost else ""),
            (f"Too many: {neat(self.surplus, 3)} units", f"{neat(gained, 4)} {currency}", ""),
            ("Together", f"{neat(lost + gained, 4)} {currency}", "bad" if lost + gained < 0 else ""),
        ]

    @property
    def movements(self) -> str:
        return list_of("inventory.stockmovement", q=self.sheet.reference)

    def decide(self) -> bool:
        """Approve, have counted again or cancel, as asked; whether that went well."""
        asked: dict[str, Any] = {"sheet": self.sheet.reference}
        for name, operation in (("approve", "count_approve"), ("cancel", "count_cancel")):
            if name in self.request.POST:
                more = self._approval() if name == "approve" else {}
                return self._ask(operation, {**asked, **more})
        chosen = [int(number) for number in self.request.POST.getlist("line") if number.isdigit()]
        return self._ask("count_recount", {**asked, **({"lines": chosen} if chosen else {})})

    def _approval(self) -> dict[str, Any]:
        reasons = [
            {"line": row["line"].number, "reason": reason}
            for row in self.rows
            if (reason := self.request.POST.get(f"reason_{row['line'].number}", "").strip())
        ]
        return {"reasons": reasons, "confirm": "confirm" in self.request.POST}

    def _ask(self, operation: str, asked: dict[str, Any]) -> bool:
        try:
            made = call("inventory", operation, asked, user=self.request.user, channel="admin")
        except AgentError as error:
            self.confirm = error.details.get("missing") == "confirm"
            messages.error(self.request, told(error))
            return False
        done = {
            "count_approve": "Booked {movements} differences ({approval}).",
            "count_cancel": "Cancelled. Nothing was booked.",
            "count_recount": "{recounting} lines are counted again.",
        }
        messages.success(self.request, done[operation].format_map(made))
        return True

    def _row(self, line: CountLine) -> dict[str, Any]:
        entry: Any = line.entry
        earlier = [e for e in line.entries.all() if e.pk != entry.pk]
        value = value_of(line)
        return {
            "line": line,
            "booked": neat(entry.booked, 3),
            "counted": neat(entry.quantity, 3),
            "difference": f"{'+' if entry.difference > 0 else ''}{neat(entry.difference, 3)}",
            "short": entry.difference < 0,
            "value": "-" if value is None else neat(value, 4),
            "by": person(self.request, entry.user_id),
            "earlier": ", ".join(neat(e.quantity, 3) for e in earlier),
            "serials": list(_serials(entry)),
            "reason": self.request.POST.get(f"reason_{line.number}", line.reason),
            "chosen": str(line.number) in self.request.POST.getlist("line"),
        }


def _serials(entry: CountEntry) -> Iterator[str]:
    if entry.serials is not None:
        for code, units in entry.moves.items():
            yield f"{code or 'without a number'} {'is missing' if units < 0 else 'is too many'}"
