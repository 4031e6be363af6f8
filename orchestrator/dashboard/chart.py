"""A bar chart as SVG, drawn by the server: no script, no request, sharp at any size, readable to screen readers."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10

from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .figures import Day

HEIGHT, LEFT, BOTTOM, TOP = 240, 56, 26, 10
TEXT = "font-size:11px;fill:currentColor;opacity:.75"
SALES, RETURNS = "var(--color-primary-500)", "#f97316"


def step_of(highest: float, lines: int = 4) -> float:
    """A round distance (1, 2, 2.5 or 5 times a power of ten) between that many lines of a scale."""
    if highest <= 0:
        return 1
    rough = highest / lines
    power = 10 ** floor(log10(rough))
    return float(next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough * 0.999))


def bars(days: Sequence[Day], *, width: int, currency: str) -> SafeString:
    """Sales above the line, returns below it.

    :param width: of the drawing, in its own units; text keeps its size relative to it.
    """
    up, down = max(float(d.sold) for d in days), max(float(d.returned) for d in days)
    step = step_of(max(up, down))
    top, low = max(ceil(up / step), 1) * step, -down * 1.1
    scale = (HEIGHT - TOP - BOTTOM) / (top - low)
    zero = TOP + top * scale
    lines = [(n * step, zero - n * step * scale) for n in range(ceil(low / step), round(top / step) + 1)]
    slot = (width - LEFT - 4) / len(days)
    return format_html(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{label}" style="width:100%;height:auto;display:block">'
        "{lines}{bars}{days}</svg>",
        w=width,
        h=HEIGHT,
        label=_spoken(days, currency),
        lines=format_html_join("", "{}", ((_line(value, y, width),) for value, y in lines)),
        bars=format_html_join(
            "", "{}", ((_bar(day, LEFT + n * slot, slot, zero, scale, currency),) for n, day in enumerate(days))
        ),
        days=format_html_join("", "{}", ((_date(day.day, x),) for x, day in _told(days, slot, width))),
    )


def _told(days: Sequence[Day], slot: float, width: int) -> list[tuple[float, Day]]:
    """Every seventh day, counted back from the last, and where its date stands."""
    return [(min(LEFT + (n + 0.5) * slot, width - 20), days[n]) for n in range(len(days) - 1, -1, -7)]


def _spoken(days: Sequence[Day], currency: str) -> str:
    sold, back = sum((d.sold for d in days), Decimal(0)), sum((d.returned for d in days), Decimal(0))
    return (
        f"Sales of {len(days)} days: {_money(sold, 2)} {currency} in {sum(d.orders for d in days)} orders, "
        f"{_money(back, 2)} {currency} returned"
    )


def _line(value: float, y: float, width: int) -> SafeString:
    return format_html(
        '<line x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity="{}"/>'
        '<text x="{}" y="{}" text-anchor="end" style="{}">{}</text>',
        LEFT,
        width,
        0.4 if value == 0 else 0.12,
        LEFT - 8,
        f"{y + 4:.1f}",
        TEXT,
        _money(Decimal(repr(value)), 0 if value == int(value) else 2),
        y=f"{y:.1f}",
    )


def _bar(day: Day, x: float, slot: float, zero: float, scale: float, currency: str) -> SafeString:
    told = f"{date_format(day.day, 'D j M')}: {_money(day.sold, 2)} {currency} in {day.orders} orders"
    if day.returned:
        told += f", {_money(day.returned, 2)} {currency} returned"
    sold, back, wide = float(day.sold) * scale, float(day.returned) * scale, f"{slot * 0.7:.1f}"
    return format_html(
        '<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" fill="transparent"/>'
        '<rect x="{left}" y="{}" width="{wide}" height="{}" rx="2" style="fill:{}"/>'
        '<rect x="{left}" y="{}" width="{wide}" height="{}" rx="2" style="fill:{}"/></g>',
        told,
        f"{x:.1f}",
        TOP,
        f"{slot:.1f}",
        HEIGHT - TOP - BOTTOM,
        f"{zero - sold:.1f}",
        f"{sold:.1f}",
        SALES,
        f"{zero:.1f}",
        f"{back:.1f}",
        RETURNS,
        left=f"{x + slot * 0.15:.1f}",
        wide=wide,
    )


def _date(day: date, x: float) -> SafeString:
    return format_html(
        '<text x="{}" y="{}" text-anchor="middle" style="{}">{}</text>',
        f"{x:.1f}",
        HEIGHT - 8,
        TEXT,
        date_format(day, "j M"),
    )


def _money(value: Decimal, places: int) -> str:
    return number_format(value, places, force_grouping=True)
