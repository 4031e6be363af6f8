"""Dates and times as shops write them. Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from .table import Cell

Order = Literal["dmy", "mdy", "ymd"]
_EPOCH = datetime(1899, 12, 30)
"""Day 0 of spreadsheets, which count 1900 as a leap year."""
_SERIALS = (10_000, 109_574)
"""From 1927 to 2199: smaller numbers in a column of dates are something else."""
_YEARS = (1900, 2199)
_MONTHS = {
    name: 1 + at
    for at, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
}
_TIME = (
    r"(?:(?:\s*,\s*|\s+|T|\s+at\s+)(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME)
_COMPACT = re.compile(r"(?P<year>(?:19|20|21)\d{2})(?P<month>\d{2})(?P<day>\d{2})" + _TIME)
_FIGURES = re.compile(
    r"(?P<first>\d{1,2})\s*[/.\- ]\s*(?P<second_part>\d{1,2})\s*[/.\- ]\s*(?P<year>\d{4}|\d{2})" + _TIME
)
_WEEKDAY = re.compile(r"(?i:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+")
_DAY_NAME = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?[\s-]+(?P<name>[A-Za-z]{3,9})\.?,?[\s-]+(?P<year>\d{4}|\d{2})" + _TIME
)
_NAME_DAY = re.compile(r"(?P<name>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _TIME)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")


def moment_of(cell: Cell, *, order: Order = "dmy", zone: tzinfo) -> datetime | None:
    """An aware moment; None for an empty cell. A date alone is the start of its day.

    :param order: of a column's dates in figures (see `date_order_of`). Those that begin with the year need none.
    :param zone: of times that name none: the shop's.
    :raises ValueError: with a reason.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=zone)
    if isinstance(cell, str):
        return _written(cell, order, zone)
    return _serial(float(cell), zone)


def date_order_of(samples: Iterable[tuple[int, Cell]]) -> tuple[Order, bool]:
    """The order of day and month in a column, and whether its dates leave no doubt; undecided is day first.

    :param samples: line and cell; best the whole column.
    :raises ValueError: when some can only be read day first and others only month first, naming a line of each.
    """
    seen: dict[Order, tuple[int, str]] = {}
    figures = False
    for line, cell in samples:
        if not isinstance(cell, str) or (match := _FIGURES.match(cell.strip())) is None:
            continue
        if _ISO.match(cell.strip()) is not None:
            continue
        figures = True
        first, second = int(match["first"]), int(match["second_part"])
        if first > 12 >= second:
            seen.setdefault("dmy", (line, cell.strip()))
        elif second > 12 >= first:
            seen.setdefault("mdy", (line, cell.strip()))
        if len(seen) == 2:
            day, month = seen["dmy"], seen["mdy"]
            raise ValueError(
                f"The dates are written in two orders: day first in line {day[0]} ({day[1]}), month first in line "
                f"{month[0]} ({month[1]}). Write them all in one way, best as 2026-12-31."
            )
    if seen:
        return next(iter(seen)), True
    return "dmy", not figures


@lru_cache(maxsize=4096)
def _written(cell: str, order: Order, zone: tzinfo) -> datetime | None:
    text = " ".join(cell.replace("\u202f", " ").lstrip("'").split())
    if not text or text.upper() in {"NULL", "#N/A", "N/A", "\\N"}:
        return None
    if _SERIAL.fullmatch(text):
        return _serial(float(text), zone)
    plain = _WEEKDAY.sub("", text, count=1)
    for pattern in (_ISO, _COMPACT, _FIGURES, _DAY_NAME, _NAME_DAY):
        if match := pattern.fullmatch(plain):
            return _made(match, text, order, zone)
    raise ValueError(f"{text[:40]!r} is no date: write it as 2026-12-31 or 2026-12-31 14:30")


def _made(match: re.Match[str], text: str, order: Order, zone: tzinfo) -> datetime:
    parts = match.groupdict()
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += 2000 if year < 70 else 1900
    if "name" in parts:
        month, day = _MONTHS.get(parts["name"][:3].lower(), 0), int(parts["day"])
    elif "first" in parts:
        day, month = int(parts["first"]), int(parts["second_part"])
        if order == "mdy":
            day, month = month, day
    else:
        month, day = int(parts["month"]), int(parts["day"])
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise ValueError(f"{text[:40]!r} is in the year {year}")
    try:
        return datetime(
            year,
            month,
            day,
            _hour(parts),
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            tzinfo=_zone(parts["zone"], zone),
        )
    except ValueError:
        raise ValueError(f"{text[:40]!r} is a day or time that does not exist") from None


def _hour(parts: dict[str, str | None]) -> int:
    hour = int(parts["hour"] or 0)
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half[0] in "Pp" else 0)
    return hour


def _zone(text: str | None, zone: tzinfo) -> tzinfo:
    if not text:
        return zone
    if text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _serial(days: float, zone: tzinfo) -> datetime:
    if days >= 19_000_101 and days == int(days):
        return _made_of_figures(int(days), zone)
    if not _SERIALS[0] <= days <= _SERIALS[1]:
        raise ValueError(f"{Decimal(repr(days)):f} is no date")
    seconds = round(days * 86400)
    moment = _EPOCH + timedelta(seconds=seconds)
    return moment.replace(tzinfo=zone)


def _made_of_figures(figures: int, zone: tzinfo) -> datetime:
    moment = _written(str(figures), "ymd", zone)
    if moment is None:
        raise ValueError(f"{figures} is no date")
    return moment
