"""Quantities typed into a text, in the way of any country."""

import re
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Value
from django.db.models.functions import Lower

from inventory.models import Product, Unit

_FIGURE = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,3})?")
_THOUSANDS = re.compile(r".*[.,][0-9]{3}")


def number(text: str, *, pieces: bool) -> Decimal:
    """A figure as typed, with a decimal point or comma.

    :param pieces: of what is counted whole: 1,000 may be meant as a thousand, and is not taken for one.
    :raises ValueError: for what is no number, or not plainly one.
    """
    given = text.strip()
    if not _FIGURE.fullmatch(given) or (pieces and _THOUSANDS.fullmatch(given)):
        raise ValueError
    return Decimal(given.replace(",", "."))


def in_pieces(skus: Iterable[str]) -> set[str]:
    """Those of these SKUs that are counted whole, folded (`casefold`); one query."""
    asked = [Lower(Value(sku)) for sku in skus]
    rows = Product.objects.alias(folded=Lower("sku")).filter(folded__in=asked, unit=Unit.PIECE)
    return {sku.casefold() for sku in rows.values_list("sku", flat=True)}
