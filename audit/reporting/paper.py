"""A document as a PDF: A4, numbered pages, the same charts. Pure.

Its font is DejaVu Sans, of which only the characters used are put into the file; a character that it does not have
(such as a Chinese one) is shown as ▯.
"""

import logging
import re
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TextEmphasis, XPos, YPos
from fpdf.fonts import FontFace

from .document import Document, Section, Table

FONTS = Path(__file__).parent / "fonts"
FAMILY = "DejaVu Sans"
INK, GREY, RULE = (30, 41, 59), (71, 85, 105), (203, 213, 225)
MARKS = {"good": (22, 101, 52), "bad": (154, 52, 18), "warning": (133, 77, 14)}
UNKNOWN = "▯"
MARGIN, WIDTH = 15, 180
_TITLE = re.compile("<title>.*?</title>")  # for a pointer over the chart, of which paper knows nothing

for _library in ("fontTools", "fpdf"):  # they tell of every table of a font
    logging.getLogger(_library).setLevel(logging.ERROR)


class Paper(FPDF):
    """Pages with the shop's font, margins and a foot."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(FAMILY, style, FONTS / name)
        self.set_margins(MARGIN, 16, MARGIN)
        self.set_auto_page_break(True, margin=20)
        self.set_text_color(*INK)
        self.set_draw_color(*RULE)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(FAMILY, size=7)
        self.set_text_color(*GREY)
        self.cell(WIDTH - 30, 5, self._foot)
        self.cell(30, 5, f"page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(*INK)

    def words(self, text: str, size: float = 9, *, bold: bool = False, after: float = 1, indent: float = 0) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_x(MARGIN + indent)
        self.multi_cell(WIDTH - indent, size * 0.5, shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(after)

    def keep(self, height: float) -> None:
        """Begin a page where so much more does not fit on this one."""
        if self.will_page_break(height):
            self.add_page()


def pdf_of(document: Document, *, made_at: datetime) -> bytes:
    paper = Paper(shown(document.foot))
    paper.set_title(shown(f"{document.title}, {document.period}"))
    paper.set_author(shown(document.shop))
    paper.set_creation_date(made_at.astimezone(UTC))
    paper.set_lang("en")
    paper.add_page()
    paper.words(document.title, 19, bold=True)
    paper.words(f"{document.shop} · {document.period}", 11, after=4)
    _verdict(paper, document)
    for name, value in document.facts:
        paper.set_font(FAMILY, "", 9)
        paper.set_text_color(*GREY)
        paper.cell(28, 5, shown(name))
        paper.set_text_color(*INK)
        paper.multi_cell(WIDTH - 28, 5, shown(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    _heading(paper, "Summary")
    for line in document.summary:
        paper.words(line, 9.5)
    paper.ln(2)
    paper.words("What needs doing", 10, bold=True)
    for number, line in enumerate(document.to_do, 1):
        paper.words(f"{number}. {line}", 9.5, indent=3)
    if not document.to_do:
        paper.words("Nothing.", 9.5)
    for section in document.sections:
        _section(paper, section)
    return bytes(paper.output())


def _verdict(paper: Paper, document: Document) -> None:
    top, height = paper.get_y(), 15
    colour = MARKS.get(document.mark, GREY)
    paper.set_draw_color(*colour)
    paper.set_line_width(0.5)
    paper.rect(MARGIN, top, WIDTH, height)
    paper.set_fill_color(*colour)
    paper.rect(MARGIN, top, 3, height, style="F")
    paper.set_draw_color(*RULE)
    paper.set_line_width(0.2)
    paper.set_xy(MARGIN + 8, top + 3.5)
    paper.set_font(FAMILY, "B", 15)
    paper.cell(75, 8, document.verdict)
    paper.set_font(FAMILY, "", 11)
    paper.cell(0, 8, f"Score: {document.score}")
    paper.set_xy(MARGIN, top + height + 4)


def _heading(paper: Paper, text: str) -> None:
    paper.ln(5)
    paper.keep(30)
    paper.start_section(shown(text))
    paper.words(text, 13, bold=True, after=0)
    y = paper.get_y() + 0.5
    paper.line(MARGIN, y, MARGIN + WIDTH, y)
    paper.ln(3)


def _section(paper: Paper, section: Section) -> None:
    _heading(paper, section.title)
    for line in section.text:
        paper.words(line)
    for chart in section.charts:
        _chart(paper, chart)
    for table in section.tables:
        _table(paper, table)


def _chart(paper: Paper, svg: str) -> None:
    head = svg[: svg.index(">")]
    wide, high = (float(head.split(f' {name}="')[1].split('"')[0]) for name in ("width", "height"))
    height = WIDTH * high / wide
    paper.keep(height)
    paper.set_fill_color(*INK)  # text of the chart has the colour of what is around it
    paper.image(BytesIO(_TITLE.sub("", svg).encode()), x=MARGIN, w=WIDTH, h=height)
    paper.ln(3)


def _table(paper: Paper, table: Table) -> None:
    paper.ln(2)
    paper.keep(24)
    paper.words(table.name, 10, bold=True)
    if not table.rows:
        paper.words(table.empty)
        return
    paper.set_font(FAMILY, "", 7.5)
    paper.set_fill_color(255)
    options: dict[str, Any] = {
        "width": WIDTH,
        "col_widths": [column.width for column in table.columns],
        "text_align": ["RIGHT" if column.number else "LEFT" for column in table.columns],
        "borders_layout": TableBordersLayout.HORIZONTAL_LINES,
        "headings_style": FontFace(emphasis=TextEmphasis.B),
        "line_height": 4,
        "padding": (0.6, 1.2),
    }
    with paper.table(**options) as drawn:
        drawn.row([shown(column.title) for column in table.columns])
        for row in table.rows:
            line = drawn.row()
            for cell in row:
                style = FontFace(color=MARKS[cell.mark]) if cell.mark in MARKS else None
                line.cell(shown(cell.text), style=style)
    paper.ln(2)


@cache
def _characters() -> frozenset[int]:
    return frozenset(TTFont(FONTS / "DejaVuSans.ttf", lazy=True).getBestCmap())


def shown(text: str) -> str:
    """With what the font does not have as a box."""
    known = _characters()
    return "".join(c if ord(c) in known or c == "\n" else UNKNOWN for c in text)
