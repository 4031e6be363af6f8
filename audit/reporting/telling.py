"""Days, moments in the shop's time, and users by name."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from .charts import MONTHS
from .schemas import ComplianceReport

NONE = "–"  # noqa: RUF001  (an en dash stands for nothing)


def told_day(value: date) -> str:
    """`1 Oct 2026`"""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def told_count(number: int) -> str:
    return f"{number:,}" if number else NONE


class Teller:
    def __init__(self, report: ComplianceReport) -> None:
        self._zone, self._people = ZoneInfo(report.time_zone), report.people

    def moment(self, value: datetime | None) -> str:
        return NONE if value is None else f"{self.day(value)}, {value.astimezone(self._zone):%H:%M}"

    def day(self, value: datetime | None) -> str:
        return NONE if value is None else told_day(value.astimezone(self._zone).date())

    def who(self, user_id: str | None) -> str:
        """Name and id."""
        if not user_id:
            return NONE
        name = self.name(user_id)
        return f"{name} ({user_id})" if name != user_id else user_id

    def name(self, user_id: str) -> str:
        return self._people.get(user_id) or user_id or "nobody known"
