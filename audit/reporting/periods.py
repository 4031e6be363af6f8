"""Which days a report is of. Pure."""

import re
from calendar import monthrange
from datetime import date, timedelta

PERIOD = r"^[12][0-9]{3}(-(0[1-9]|1[0-2]))?$"
LATELY = 30
MOST_DAYS = 366
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


class PeriodError(ValueError):
    """The period can't be reported on; the message says which could."""


def days_of(*, period: str | None, first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """First and last day, both included: of `2024-01` or `2024`, of two days, of one day and what follows it up to
    today, or the last 30 days.

    :raises PeriodError:
    """
    if period and (first or last):
        raise PeriodError("Name a period, or days from and to, not both.")
    if period:
        begin, end = _named(period)
    else:
        end = last or today
        begin = first or end - timedelta(days=min(LATELY - 1, (end - date.min).days))
    if begin > end:
        raise PeriodError("The period ends before it begins; which one is meant?")
    if not EARLIEST <= begin <= end <= LATEST or (end - begin).days >= MOST_DAYS:
        raise PeriodError(f"A report is of up to {MOST_DAYS} days from {EARLIEST} on.")
    return begin, end


def _named(period: str) -> tuple[date, date]:
    """:raises PeriodError:"""
    if not re.fullmatch(PERIOD, period):
        raise PeriodError(f"{period!r} is no period: name a month such as 2024-01, or a year such as 2024.")
    year, _, month = period.partition("-")
    if not month:
        return date(int(year), 1, 1), date(int(year), 12, 31)
    return date(int(year), int(month), 1), date(int(year), int(month), monthrange(int(year), int(month))[1])
