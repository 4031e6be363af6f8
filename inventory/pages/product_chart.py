"""A product's demand and stock by week: what was, and what is expected. Drawn by the server (see charts)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .charts import BOTTOM, FILL, HEIGHT, LEFT, SECOND, TEXT, TOP, Scale, drawing, scale_of

LATE = "#dc2626"
WEEK = 7
LABEL = 34
"""Room for the name of a month."""


class Range(NamedTuple):
    """An expectation with the ends of its 90 % interval."""

    low: float
    expected: float
    high: float


class Arrival(NamedTuple):
    day: date
    """when it is expected; what is late, today"""
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    today: date
    sold: Sequence[float]
    """by week, the last one ends with yesterday"""
    expected: Sequence[Range]
    """by week, the first one begins today; empty: no forecast"""
    stock: Sequence[float]
    """at the end of each day of the weeks before and, last, now; empty: it has none of its own"""
    left: Sequence[Range]
    """of what is available, now and after each coming day, if nothing comes in; empty: no forecast"""
    point: float | None
    """reorder point"""
    arrivals: Sequence[Arrival]
    runs_out: date | None


class Span(NamedTuple):
    """The weeks that are drawn, and where."""

    today: date
    before: int
    after: int
    width: int

    @property
    def slot(self) -> float:
        return (self.width - LEFT - 4) / (self.before + self.after)

    def x(self, days: float) -> float:
        """So many days after today's beginning."""
        return LEFT + (self.before + days / WEEK) * self.slot

    def shows(self, day: date) -> bool:
        return 0 <= (day - self.today).days < self.after * WEEK


def demand_chart(picture: Picture, *, before: int, after: int, width: int) -> SafeString:
    """Bars of what was sold, and the forecast with its band.

    :param before: weeks drawn before today.
    """
    span = Span(picture.today, before, after, width)
    sold, ahead = picture.sold[-before:], picture.expected[:after]
    scale = scale_of([*sold, *(week.high for week in ahead), 0.0])
    bars = ((_bar(units, n - before, span, scale),) for n, units in enumerate(sold))
    label = f"Units sold in each of the last {before} weeks" + (", and expected" if ahead else "")
    middles = [(n * WEEK + WEEK / 2, week) for n, week in enumerate(ahead)]
    drawn = format_html(
        "{}{}{}{}", _band(middles, span, scale), format_html_join("", "{}", bars), _expected(middles, span, scale),
        _weeks_told(ahead, span),
    )  # fmt: skip
    return drawing(width, HEIGHT, label, format_html("{}{}", scale.lines(width), _calendar(span)), drawn)


def stock_chart(picture: Picture, *, before: int, after: int, width: int) -> SafeString:
    """What lay there by day, the reorder point, how long it lasts and when more is expected."""
    span = Span(picture.today, before, after, width)
    stock, left = picture.stock[-before * WEEK - 1 :], picture.left[: after * WEEK + 1]
    point = [] if picture.point is None else [picture.point]
    scale = scale_of([*stock, *(day.high for day in left), *point, 0.0])
    ahead = list(enumerate(left))
    drawn = format_html(
        "{}{}{}{}{}{}", _band(ahead, span, scale), _held(stock, span, scale), _expected(ahead, span, scale),
        _point(picture.point, span, scale), _arrivals(picture.arrivals, span), _end(picture.runs_out, span, scale),
    )  # fmt: skip
    label = f"Stock on each day of the last {before} weeks" + (", and how long it lasts" if left else "")
    return drawing(width, HEIGHT, label, format_html("{}{}", scale.lines(width), _calendar(span)), drawn)


def _bar(units: float, week: int, span: Span, scale: Scale) -> SafeString:
    x, top = span.x(week * WEEK), scale.y(max(units, 0.0))
    began = span.today + timedelta(days=week * WEEK)
    return format_html(
        "<g><title>{}: {} sold</title>{}"
        '<rect x="{}" y="{}" width="{}" height="{}" rx="1.5" style="fill:{}"/></g>',
        _week(began), units_told(units), _pointed(x, span), f"{x + span.slot * 0.15:.1f}", f"{top:.1f}",
        f"{span.slot * 0.7:.1f}", f"{scale.y(0) - top:.1f}", FILL,
    )  # fmt: skip


def _weeks_told(weeks: Sequence[Range], span: Span) -> SafeString:
    rows = (
        (
            _week(span.today + timedelta(days=n * WEEK)),
            *(units_told(units) for units in (week.expected, week.low, week.high)),
            _pointed(span.x(n * WEEK), span),
        )
        for n, week in enumerate(weeks)
    )
    return format_html_join("", "<g><title>{}: {} expected, {} to {} in nine of ten cases</title>{}</g>", rows)


def _pointed(x: float, span: Span) -> SafeString:
    """Where one points to read a week's figures."""
    height = HEIGHT - TOP - BOTTOM
    form = '<rect x="{}" y="{}" width="{}" height="{}" fill="transparent"/>'
    return format_html(form, f"{x:.1f}", TOP, f"{span.slot:.1f}", height)


def _band(at: Sequence[tuple[float, Range]], span: Span, scale: Scale) -> SafeString:
    if not at:
        return SafeString()
    upper = [(span.x(days), scale.y(each.high)) for days, each in at]
    lower = [(span.x(days), scale.y(each.low)) for days, each in reversed(at)]
    form = '<polygon points="{}" style="fill:{};opacity:.2"/>'
    return format_html(form, _points([*upper, *lower]), SECOND)


def _expected(at: Sequence[tuple[float, Range]], span: Span, scale: Scale) -> SafeString:
    line = [(span.x(days), scale.y(each.expected)) for days, each in at]
    return _polyline(line, f"stroke:{SECOND};stroke-width:2;stroke-dasharray:5 3") if line else SafeString()


def _held(stock: Sequence[float], span: Span, scale: Scale) -> SafeString:
    line = [(span.x(n + 1 - len(stock)), scale.y(units)) for n, units in enumerate(stock)]
    return _polyline(line, f"stroke:{FILL};stroke-width:2;stroke-linejoin:round")


def _polyline(points: Iterable[tuple[float, float]], style: str) -> SafeString:
    return format_html('<polyline points="{}" fill="none" style="{}"/>', _points(points), style)


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _point(units: float | None, span: Span, scale: Scale) -> SafeString:
    if units is None:
        return SafeString()
    y = scale.y(units)
    return format_html(
        "<g><title>reorder point {}</title>"
        '<line x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="#ea580c" stroke-width="1.5" stroke-dasharray="2 3"/></g>',
        units_told(units), LEFT, span.width, y=f"{y:.1f}",
    )  # fmt: skip


def _arrivals(arrivals: Sequence[Arrival], span: Span) -> SafeString:
    rows = (
        (each.told, x, TOP, HEIGHT - BOTTOM, f"{x:.1f},{TOP} {x - 5:.1f},{TOP + 9} {x + 5:.1f},{TOP + 9}")
        for each in arrivals
        if span.shows(each.day)
        for x in [round(span.x((each.day - span.today).days), 1)]
    )
    form = (
        '<g style="color:currentColor"><title>{}</title><line x1="{1}" x2="{1}" y1="{2}" y2="{3}" '
        'stroke="currentColor" stroke-opacity=".35"/><polygon points="{4}" fill="currentColor"/></g>'
    )
    return format_html_join("", form.replace("{}", "{0}"), rows)


def _end(day: date | None, span: Span, scale: Scale) -> SafeString:
    if day is None or not span.shows(day):
        return SafeString()
    x = span.x((day - span.today).days)
    return format_html(
        '<g><title>runs out {}</title><circle cx="{}" cy="{}" r="5" style="fill:{}"/></g>',
        _day(day), f"{x:.1f}", f"{scale.y(0):.1f}", LATE,
    )  # fmt: skip


def _calendar(span: Span) -> SafeString:
    """Names of months where they begin, and a line at today."""
    months, last = [], -float(LABEL)
    for n in range(-span.before * WEEK, span.after * WEEK):
        day = span.today + timedelta(days=n)
        x = span.x(n)
        if day.day == 1 and x - last >= LABEL and x < span.width - LABEL / 2:
            months.append((f"{x:.1f}", HEIGHT - 8, TEXT, date_format(day, "M y" if day.month == 1 else "M")))
            last = x
    today = span.x(0)
    return format_html(
        '{}<line x1="{x}" x2="{x}" y1="{}" y2="{}" stroke="currentColor" stroke-opacity=".4"/>'
        '<text x="{x}" y="{}" text-anchor="middle" style="{}">today</text>',
        format_html_join("", '<text x="{}" y="{}" style="{}">{}</text>', months), TOP, HEIGHT - BOTTOM, TOP - 2, TEXT,
        x=f"{today:.1f}",
    )  # fmt: skip


def _week(began: date) -> str:
    return f"{_day(began)} to {_day(began + timedelta(days=WEEK - 1))}"


def _day(day: date) -> str:
    return date_format(day, "j M Y")


def units_told(units: float) -> str:
    """Without decimals that say nothing."""
    places = 0 if units == int(units) or units >= 10 else 1
    return number_format(round(units, places), places)
