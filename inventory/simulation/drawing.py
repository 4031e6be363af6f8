"""A simulation's chart: as text for the terminal, and as SVG."""

from html import escape

import numpy as np

from .replaying import Array
from .running import Outcome, Result

WIDTH = 40
COLOURS = ("#9810fa", "#b45309", "#0f766e")
LEFT, RIGHT, TOP, HIGH, ROW = 250, 130, 40, 220, 26
WIDE = 900


def text_chart(result: Result) -> str:
    """Average stock of each as a bar, with its fill rate."""
    most = max(outcome.stock_units for outcome in result.outcomes) or 1.0
    lines = ["Average stock (units) and fill rate"]
    for outcome in result.outcomes:
        bar = "█" * max(1, round(outcome.stock_units / most * WIDTH))
        lines.append(f"{outcome.name:32} {bar:{WIDTH}} {outcome.stock_units:>12,.0f}  {outcome.fill_rate:6.1%}")
    return "\n".join(lines)


def svg_chart(result: Result) -> str:
    """The same bars, and below them the stock of every day: the policy's and that of the rivals which serve as much."""
    same = (result.outcomes[0], *(o for o in result.outcomes if o.name.endswith("tuned")))
    bars = TOP + ROW * len(result.outcomes)
    high = bars + 60 + HIGH + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#374151">',
        f"<title>Simulation from {result.first_day}, {result.days} days</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="16" y="24" font-weight="600">Average stock in units, and fill rate</text>',
        *_bars(result),
        f'<text x="16" y="{bars + 36}" font-weight="600">Stock by day, at the same fill rate</text>',
        *_lines(same, bars + 50),
        *_legend(same, high - 24),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(result: Result) -> list[str]:
    most = max(outcome.stock_units for outcome in result.outcomes) or 1.0
    made = []
    for row, outcome in enumerate(result.outcomes):
        y = TOP + ROW * row
        width = (WIDE - LEFT - RIGHT) * outcome.stock_units / most
        told = f"{outcome.stock_units:,.0f} · {outcome.fill_rate:.1%}"
        colour = COLOURS[0] if row == 0 else "#9ca3af"
        made += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(outcome.name)}</text>',
            f'<rect x="{LEFT}" y="{y + 2}" width="{max(width, 1):.1f}" height="18" rx="3" fill="{colour}"/>',
            f'<text x="{LEFT + width + 8:.1f}" y="{y + 15}">{told}</text>',
        ]
    return made


def _lines(outcomes: tuple[Outcome, ...], top: int) -> list[str]:
    most = max(float(outcome.course.days_stock.max()) for outcome in outcomes) or 1.0
    left, right = 70, 20
    made = [
        f'<line x1="{left}" y1="{top + HIGH}" x2="{WIDE - right}" y2="{top + HIGH}" stroke="#9ca3af"/>',
        f'<text x="{left - 8}" y="{top + 5}" text-anchor="end">{most:,.0f}</text>',
        f'<text x="{left - 8}" y="{top + HIGH}" text-anchor="end">0</text>',
    ]
    for outcome, colour in zip(outcomes, COLOURS, strict=False):
        made.append(
            f'<polyline points="{_points(outcome.course.days_stock / most, left, WIDE - right, top)}" fill="none" '
            f'stroke="{colour}" stroke-width="2"/>'
        )
    return made


def _points(shares: Array, left: int, right: int, top: int) -> str:
    across = np.linspace(left, right, len(shares))
    return " ".join(f"{x:.1f},{top + HIGH * (1 - share):.1f}" for x, share in zip(across, shares, strict=True))


def _legend(outcomes: tuple[Outcome, ...], y: int) -> list[str]:
    made = []
    for place, (outcome, colour) in enumerate(zip(outcomes, COLOURS, strict=False)):
        x = 70 + place * 270
        made += [
            f'<rect x="{x}" y="{y - 10}" width="14" height="10" fill="{colour}"/>',
            f'<text x="{x + 20}" y="{y}">{escape(outcome.name)}</text>',
        ]
    return made
