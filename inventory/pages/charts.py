"""Charts as SVG drawn by the server: no script, sharp at any size, read out by screen readers."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil, floor, log10
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEIGHT, LEFT, BOTTOM, TOP = 230, 64, 26, 12
TEXT = "font-size:11px;fill:currentColor;opacity:.75"
FILL, SECOND = "var(--color-primary-500)", "#0d9488"


class Column(NamedTuple):
    name: str
    value: Decimal
    told: str
    """what is said of it when one points there"""


class Bar(NamedTuple):
    name: str
    whole: Decimal
    part: Decimal
    """of the whole; below zero: a loss"""
    told: str


class Scale(NamedTuple):
    """Heights of values in a chart, and round lines between them."""

    step: float
    top: float
    low: float
    height: int

    def y(self, value: float) -> float:
        return TOP + (self.top - value) * self.height / (self.top - self.low)

    def lines(self, width: int) -> SafeString:
        steps = range(round(self.low / self.step), round(self.top / self.step) + 1)
        drawn = ((_line(n * self.step, self.y(n * self.step), width),) for n in steps)
        return format_html_join("", "{}", drawn)


def columns(found: Sequence[Column], *, width: int, label: str) -> SafeString:
    """A value over time; below zero it hangs from the line.

    :param width: of the drawing, in its own units; text keeps its size relative to it.
    """
    scale = scale_of([float(column.value) for column in found])
    slot = (width - LEFT - 4) / len(found)
    drawn = ((_column(c, LEFT + n * slot, slot, scale),) for n, c in enumerate(found))
    return drawing(width, HEIGHT, label, scale.lines(width), format_html_join("", "{}", drawn))


def scale_of(values: Sequence[float], height: int = HEIGHT) -> Scale:
    """A scale on which all of these fit, and 0."""
    step = _step(max(*values, -min(values), 0.0))
    return Scale(
        step, max(ceil(max(values) / step), 1) * step, min(floor(min(values) / step), 0) * step, height - TOP - BOTTOM
    )


def shares(found: Sequence[Bar], *, width: int, label: str) -> SafeString:
    """A bar a row: the whole, and within it the part that is kept; a loss is told in words beside it."""
    row, left, right = 28, min(150, width // 3), 96
    most = max((float(bar.whole) for bar in found), default=0.0) or 1.0
    scale = (width - left - right) / most
    drawn = ((_share(bar, n * row, left, scale),) for n, bar in enumerate(found))
    return drawing(width, len(found) * row + 4, label, "", format_html_join("", "{}", drawn))


def _share(bar: Bar, y: int, left: int, scale: float) -> SafeString:
    whole, part = max(float(bar.whole), 0.0) * scale, max(float(bar.part), 0.0) * scale
    most = left // 7
    return format_html(
        '<g><title>{told}</title><text x="{end}" y="{line}" text-anchor="end" style="{text}">{name}</text>'
        '<rect x="{left}" y="{top}" width="{whole}" height="18" rx="2" style="fill:{fill};opacity:.35"/>'
        '<rect x="{left}" y="{top}" width="{part}" height="18" rx="2" style="fill:{second}"/>'
        '<text x="{after}" y="{line}" style="{text}">{amount}</text></g>',
        told=bar.told, end=left - 8, line=y + 18, text=TEXT, left=left, top=y + 5, whole=f"{whole:.1f}",
        part=f"{min(part, whole):.1f}", fill=FILL, second=SECOND, after=f"{left + whole + 6:.1f}",
        name=bar.name if len(bar.name) <= most else bar.name[: most - 1] + "…",
        amount=number_format(round(bar.part), 0, force_grouping=True),
    )  # fmt: skip


def _column(column: Column, x: float, slot: float, scale: Scale) -> SafeString:
    end, zero = scale.y(float(column.value)), scale.y(0)
    return format_html(
        '<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" fill="transparent"/>'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="2" style="fill:{}"/>'
        '<text x="{}" y="{}" text-anchor="middle" style="{}">{}</text></g>',
        column.told, f"{x:.1f}", TOP, f"{slot:.1f}", HEIGHT - TOP - BOTTOM,
        f"{x + slot * 0.18:.1f}", f"{min(zero, end):.1f}", f"{slot * 0.64:.1f}", f"{abs(zero - end):.1f}", FILL,
        f"{x + slot / 2:.1f}", HEIGHT - 8, TEXT, column.name,
    )  # fmt: skip


def _line(value: float, y: float, width: int) -> SafeString:
    return format_html(
        '<line x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity="{}"/>'
        '<text x="{}" y="{}" text-anchor="end" style="{}">{}</text>',
        LEFT, width, 0.4 if value == 0 else 0.12, LEFT - 8, f"{y + 4:.1f}", TEXT,
        number_format(Decimal(repr(value)), 0 if value == int(value) else 2, force_grouping=True), y=f"{y:.1f}",
    )  # fmt: skip


def drawing(width: int, height: int, label: str, *parts: str) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" style="width:100%;height:auto;display:block">{}{}</svg>',
        width, height, label, *parts,
    )  # fmt: skip


def _step(highest: float, lines: int = 4) -> float:
    """A round distance (1, 2, 2.5 or 5 times a power of ten) between that many lines of a scale."""
    if highest <= 0:
        return 1.0
    rough = highest / lines
    power = 10.0 ** floor(log10(rough))
    return next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough * 0.999)
