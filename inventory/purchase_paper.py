"""A purchase order on paper, to send to its supplier."""

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from fpdf.enums import TableBordersLayout, TextEmphasis, XPos, YPos
from fpdf.fonts import FontFace

from audit.reporting.paper import FAMILY, GREY, INK, MARGIN, WIDTH, Paper, shown
from shop_assistant.money import minor_unit
from shop_assistant.tables.writing import number_text

from .models import PurchaseOrder, PurchaseOrderLine, Unit
from .purchasing_presenting import line_cost

Status = PurchaseOrder.Status
ZERO = Decimal(0)
WIDTHS = (8, 30, 68, 20, 14, 20, 20)
NOT_TO_BE_SENT = {Status.DRAFT: "Draft, not approved: not to be sent", Status.CANCELLED: "Cancelled"}


def pdf_of(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> bytes:
    """A4, in the shop's currency and time zone."""
    day = timezone.localtime(order.sent_at or order.approved_at or order.created_at)
    paper = Paper(shown(f"{settings.SHOP_NAME} · {order.reference}"))
    paper.set_title(shown(f"Purchase order {order.reference}"))
    paper.set_author(shown(settings.SHOP_NAME))
    paper.set_creation_date(day.astimezone(UTC))
    paper.set_lang("en")
    paper.add_page()
    paper.words(settings.SHOP_NAME, 11, after=5)
    paper.words(f"Purchase order {order.reference}", 19, bold=True, after=2)
    if warning := NOT_TO_BE_SENT.get(Status(order.status)):
        paper.words(warning, 11, bold=True, after=2)
    for name, value in _facts(order, f"{day:%d %B %Y}"):
        paper.set_font(FAMILY, "", 9)
        paper.set_text_color(*GREY)
        paper.cell(32, 5, name)
        paper.set_text_color(*INK)
        paper.multi_cell(WIDTH - 32, 5, shown(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(5)
    _table(paper, order, lines)
    total = sum((cost for line in lines if (cost := line_cost(line)) is not None), ZERO)
    paper.keep(12)
    paper.set_x(MARGIN)
    paper.set_font(FAMILY, "B", 10)
    paper.cell(WIDTH, 8, f"Total without tax: {_money(total, order.currency)} {order.currency}", align="R")
    return bytes(paper.output())


def _facts(order: PurchaseOrder, day: str) -> list[tuple[str, str]]:
    supplier = order.supplier
    facts = [
        ("Supplier", supplier.name),
        ("", " · ".join(filter(None, (supplier.email, supplier.phone)))),
        ("Date", day),
        ("Please deliver by", f"{order.expected_on:%d %B %Y}" if order.expected_on else ""),
        ("Please state", f"our reference {order.reference} on the delivery note and the invoice"),
    ]
    return [(name, value) for name, value in facts if value]


def _table(paper: Paper, order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> None:
    paper.set_font(FAMILY, "", 8)
    paper.set_fill_color(255)
    options: dict[str, Any] = {
        "width": WIDTH,
        "col_widths": WIDTHS,
        "text_align": ["RIGHT", "LEFT", "LEFT", "RIGHT", "LEFT", "RIGHT", "RIGHT"],
        "borders_layout": TableBordersLayout.HORIZONTAL_LINES,
        "headings_style": FontFace(emphasis=TextEmphasis.B),
        "line_height": 4.5,
        "padding": (0.8, 1.2),
    }
    with paper.table(**options) as drawn:
        drawn.row(["", "Your number", "Product", "Quantity", "Unit", "Each", "Amount"])
        for number, line in enumerate(lines, 1):
            ours = f"{line.product.name}\nour number {line.product.sku}"
            cells = [
                str(number),
                line.supplier_sku,
                ours,
                number_text(line.quantity),
                Unit(line.product.unit).label,
                _money(line.unit_cost, order.currency),
                _money(line_cost(line), order.currency),
            ]
            drawn.row([shown(cell) for cell in cells])
    paper.ln(2)


def _money(amount: Decimal | None, currency: str) -> str:
    """With the currency's decimals, or as many more as the amount needs."""
    if amount is None:
        return ""
    exact, usual = Decimal(number_text(amount)), minor_unit(currency)
    return f"{exact if exact % usual else exact.quantize(usual):,f}"
