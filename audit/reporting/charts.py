"""Charts as SVG, the same for the screen, the page and the PDF: no script, and no style sheet. Pure.

What a colour says a word, a sign or a pattern says too. Text takes the colour of the text around it.
"""

from collections.abc import Sequence
from datetime import date
from html import escape
from itertools import pairwise
from math import ceil
from typing import NamedTuple

GOOD, BAD, LINE, MUTED = "#15803d", "#c2410c", "#7e22ce", "#94a3b8"
PALETTE = ("#7e22ce", "#0369a1", "#15803d", "#b45309", "#be185d", "#475569", "#0f766e", "#a16207")
FONT = 'font-family="DejaVu Sans, Verdana, sans-serif"'
LEFT, RIGHT, TOP, BOTTOM = 40, 70, 14, 26
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Point(NamedTuple):
    day: date
    score: int | None


class Bar(NamedTuple):
    name: str
    parts: Sequence[tuple[str, int]]
    """what and how many"""


def scores(points: Sequence[Point], threshold: int, *, width: int = 720, height: int = 210) -> str:
    """Each day's score: a dot where it reaches the threshold, a cross where it does not, nothing where it was not
    judged. The threshold is a dashed line.
    """
    slot = (width - LEFT - RIGHT) / max(len(points), 1)
    size = max(1.6, min(3.2, slot * 0.36))

    def place(number: int, score: int) -> tuple[float, float]:
        return LEFT + (number + 0.5) * slot, TOP + (100 - score) / 100 * (height - TOP - BOTTOM)

    drawn = [_grid(value, place(0, value)[1], width) for value in (0, 25, 50, 75, 100)]
    y = place(0, threshold)[1]
    drawn.append(
        f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{BAD}" stroke-width="1.2" '
        f'stroke-dasharray="5 4"/>{_text(width - RIGHT + 4, y + 4, f"needed {threshold}", size=10)}'
    )
    judged = [(*place(number, point.score), point) for number, point in enumerate(points) if point.score is not None]
    drawn += _joined([(number, *place(number, p.score)) for number, p in enumerate(points) if p.score is not None])
    for x, y, point in judged:
        mark = _dot(x, y, size) if (point.score or 0) >= threshold else _cross(x, y, size + 1)
        drawn.append(f"<g><title>{point.day}: {point.score} of 100</title>{mark}</g>")
    for number in _marked(len(points)):
        drawn.append(_text(LEFT + (number + 0.5) * slot, height - 8, _day(points[number].day), anchor="middle"))
    told = f"{len(judged)} of {len(points)} days judged"
    if judged:
        told += f", scores from {min(p.score or 0 for *_, p in judged)} to {max(p.score or 0 for *_, p in judged)}"
    return _svg(width, height, f"Score by day: {told}; {threshold} is needed", drawn)


def stacked(bars: Sequence[Bar], names: Sequence[str], *, width: int = 720) -> str:
    """A bar a row, of parts in the order of `names`; each part has its number written in it where it fits."""
    row, left = 30, 130
    most = max((sum(count for _, count in bar.parts) for bar in bars), default=0) or 1
    scale = (width - left - 70) / most
    drawn = []
    for number, bar in enumerate(bars):
        x, y = float(left), number * row + 4
        drawn.append(_text(left - 8, y + 15, _short(bar.name, 16), anchor="end"))
        for name, count in bar.parts:
            wide = max(count * scale, 1)
            colour = PALETTE[names.index(name) % len(PALETTE)]
            drawn.append(
                f'<g><title>{escape(f"{bar.name}: {name} {count:,}")}</title><rect x="{x:.1f}" y="{y}" '
                f'width="{wide:.1f}" height="20" fill="{colour}" stroke="#ffffff" stroke-width="1"/></g>'
            )
            if wide > 8 + 7 * len(f"{count:,}"):
                drawn.append(_text(x + wide / 2, y + 14, f"{count:,}", anchor="middle", colour="#ffffff", size=10))
            x += wide
        drawn.append(_text(x + 6, y + 15, f"{sum(count for _, count in bar.parts):,}", bold=True))
    spoken = "; ".join(f"{bar.name} {sum(count for _, count in bar.parts):,}" for bar in bars)
    height = max(len(bars), 1) * row + 6
    keys, lines = _legend(names, left, width, height + 12)
    return _svg(width, height + lines * 18 + 4, f"Changes by user: {spoken or 'none'}", drawn + keys)


def counts(bars: Sequence[tuple[str, int, int]], *, width: int = 720) -> str:
    """Findings by rule: how many are open (filled) and answered (outlined)."""
    row, left = 26, 250
    most = max((open_ + answered for _, open_, answered in bars), default=0) or 1
    scale = (width - left - 60) / most
    drawn = []
    for number, (name, open_, answered) in enumerate(bars):
        y, wide, rest = number * row + 4, open_ * scale, answered * scale
        said = f"{open_:,} open, {answered:,} answered"
        drawn.append(_text(left - 8, y + 13, _short(name, 36), anchor="end"))
        drawn.append(
            f"<g><title>{escape(f'{name}: {said}')}</title>"
            f'<rect x="{left}" y="{y}" width="{wide:.1f}" height="16" fill="{BAD}"/>'
            f'<rect x="{left + wide:.1f}" y="{y + 0.5}" width="{rest:.1f}" height="15" fill="none" '
            f'stroke="{MUTED}" stroke-width="1"/></g>'
        )
        within = wide + rest > width - left - 170  # there is no room beside it
        x = left + 6 if within else left + wide + rest + 6
        drawn.append(_text(x, y + 12, said, size=9, colour="#ffffff" if within and wide > 130 else "currentColor"))
    spoken = "; ".join(f"{name}: {open_} open, {answered} answered" for name, open_, answered in bars)
    return _svg(width, len(bars) * row + 8, f"Findings by rule: {spoken or 'none'}", drawn)


def _svg(width: int, height: int, label: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}" {FONT} font-size="11">{"".join(drawn)}</svg>'
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "currentColor", size: int = 11,
    bold: bool = False,
) -> str:  # fmt: skip
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" {FONT} font-size="{size}"{weight}>'
        f"{escape(text)}</text>"
    )


def _grid(value: int, y: float, width: int) -> str:
    line = f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{MUTED}" stroke-opacity="0.4"/>'
    return line + _text(LEFT - 6, y + 4, str(value), anchor="end")


def _dot(x: float, y: float, size: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{GOOD}"/>'


def _cross(x: float, y: float, size: float) -> str:
    a, b, c, d = f"{x - size:.1f}", f"{x + size:.1f}", f"{y - size:.1f}", f"{y + size:.1f}"
    line = f'stroke="{BAD}" stroke-width="1.8"'
    return f'<line x1="{a}" y1="{c}" x2="{b}" y2="{d}" {line}/><line x1="{a}" y1="{d}" x2="{b}" y2="{c}" {line}/>'


def _joined(places: Sequence[tuple[int, float, float]]) -> list[str]:
    """Lines between days side by side; a day without a score leaves a gap."""
    return [
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{next_x:.1f}" y2="{next_y:.1f}" stroke="{LINE}" stroke-opacity="0.5" '
        'stroke-width="1.2"/>'
        for (number, x, y), (following, next_x, next_y) in pairwise(places)
        if following == number + 1
    ]


def _marked(count: int) -> range:
    """Days whose date is written."""
    return range(0, count, max(1, ceil(count / 10)))


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _legend(names: Sequence[str], left: int, width: int, y: int) -> tuple[list[str], int]:
    drawn, x, line = [], float(left), 0
    for number, name in enumerate(names):
        wide = 22 + 6.8 * len(name)
        if x + wide > width and x > left:
            x, line = float(left), line + 1
        top = y + line * 18
        drawn.append(
            f'<rect x="{x:.1f}" y="{top - 9}" width="10" height="10" fill="{PALETTE[number % len(PALETTE)]}"/>'
        )
        drawn.append(_text(x + 15, top, name, size=10))
        x += wide + 10
    return drawn, line + 1 if names else 0
