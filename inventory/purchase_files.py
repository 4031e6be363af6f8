"""A purchase order as a file to send to its supplier: PDF for people, CSV for programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

from shop_assistant.tables.writing import CsvWriter

from .models import PurchaseOrder, PurchaseOrderLine
from .purchasing_presenting import line_cost
from .selectors import purchase_lines

COLUMNS = (
    "order", "supplier_sku", "sku", "product", "quantity", "unit", "unit_cost", "cost", "currency", "expected_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PurchaseFile:
    name: str
    content_type: str
    content: bytes


def purchase_file(*, order: PurchaseOrder, format: str) -> PurchaseFile:
    """The order, which has to come with its supplier; one query.

    :param format: one of FORMATS.
    """
    content_type, write = FORMATS[format]
    return PurchaseFile(f"{order.reference}.{format}", content_type, write(order, purchase_lines(order)))


def _csv(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> bytes:
    """UTF-8 with a byte order mark, so that Excel knows it."""
    target = BytesIO()
    writer = CsvWriter(target, COLUMNS, bom=True)
    writer.write(
        [
            [
                order.reference,
                line.supplier_sku or None,
                line.product.sku,
                line.product.name,
                line.quantity,
                str(line.product.unit),
                line.unit_cost,
                line_cost(line),
                order.currency,
                order.expected_on.isoformat() if order.expected_on else None,
            ]
            for line in lines
        ]
    )
    writer.close()
    return target.getvalue()


def _pdf(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> bytes:
    from .purchase_paper import pdf_of  # late: what draws a PDF is a sixth of a process's start

    return pdf_of(order, lines)


FORMATS: dict[str, tuple[str, Callable[[PurchaseOrder, Sequence[PurchaseOrderLine]], bytes]]] = {
    "pdf": ("application/pdf", _pdf),
    "csv": ("text/csv; charset=utf-8", _csv),
}
