"""Count sheets, to be filled in, and what was found once they are posted."""

from typing import Any

from django.db.models import Case, DecimalField, F, TextField, Value, When
from django.db.models.functions import Cast

from inventory.models import CountLine, CountSheet

from ..definitions import Column, Dataset, Kind, Part

TIME, NUMBER = Kind.TIME, Kind.NUMBER


def _once_posted(expression: Any) -> Case:
    """Whoever counts is not told what is booked."""
    figure: DecimalField[Any, Any] = DecimalField(max_digits=13, decimal_places=3)
    return Case(When(sheet__status=CountSheet.Status.POSTED, then=expression), default=Value(None), output_field=figure)


COUNTS = Dataset(
    name="counts",
    about="Lines of count sheets, to be filled in (counted, or serials); import_counts takes it as it is.",
    permissions=("inventory.view_countsheet",),
    columns=(
        Column("sheet", "reference of the count sheet"),
        Column("line", "its number on the sheet", NUMBER),
        Column("location", "code of the place"),
        Column("sku", "the product's key"),
        Column("name", "what it is called"),
        Column("barcode", "GTIN"),
        Column("lot", "code of the lot, for products told apart by lot"),
        Column("unit", "piece, kg, l or m"),
        Column("counted", "how many lie there; empty: to count", NUMBER),
        Column("serials", "serial numbers that lie there, for products that have them"),
        Column("reason", "why it differs, if known"),
        Column("replaces", "the figure that is there already; leave it as it is", NUMBER),
        Column("counted_at", "when it was counted; empty: when it is brought in", TIME),
        Column("counted_by", "who entered it"),
        Column("round", "2 and above: counted again", NUMBER),
        Column("status", ", ".join(CountSheet.Status.values)),
        Column("booked", "on hand by the books when it was counted; empty until the sheet is posted", NUMBER),
        Column("difference", "counted less booked; empty until the sheet is posted", NUMBER),
    ),
    parts=(
        Part(
            rows=lambda: CountLine.objects.order_by("sheet_id", "number"),
            sources={
                "sheet": "sheet__reference",
                "line": "number",
                "location": "location__code",
                "sku": "product__sku",
                "name": "product__name",
                "barcode": "product__barcode",
                "lot": "lot__code",
                "unit": "product__unit",
                "counted": "entry__quantity",
                "serials": Cast("entry__serials", TextField()),
                "reason": "reason",
                "replaces": F("entry__quantity"),
                "counted_at": "entry__counted_at",
                "counted_by": "entry__user_id",
                "round": "round",
                "status": "sheet__status",
                "booked": _once_posted(F("entry__booked")),
                "difference": _once_posted(F("entry__quantity") - F("entry__booked")),
            },
            conditions={
                "time": "sheet__created_at",
                "count": "sheet",
                "status": "sheet__status",
                "sku": "product",
                "location": "location",
                "by": "entry__user_id",
            },
        ),
    ),
    choices={"status": tuple(CountSheet.Status.values)},
)
