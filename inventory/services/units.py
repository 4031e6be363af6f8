"""Quantities in other units than the product's own, and products by the codes that are scanned."""

from decimal import Decimal

from django.utils.text import get_text_list
from stdnum import ean

from inventory.gtin import spellings
from inventory.models import Barcode, Packaging, Product
from inventory.selectors.catalog import COMPANIONS
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound, ValidationFailed

from .stock import quantity_check


def in_base_units(product: Product, quantity: Decimal, unit: str | None) -> Decimal:
    """So many of a packaging in the product's own unit: 3 boxes of 12 are 36 pieces. One query where a unit other than
    the product's own is named, none where its packagings came along.

    :raises ValidationFailed: for a unit the product does not have, naming those it has; or parts of a piece.
    """
    asked = (unit or product.unit).strip()
    if asked.lower() in (product.unit, product.get_unit_display().lower()):
        return quantity
    packs = {pack.name.lower(): pack for pack in product.packagings.all()}
    pack = packs.get(asked.lower())
    if pack is None:
        known = ", ".join([product.unit, *(f"{p.name} (of {p.quantity.normalize():f})" for p in packs.values())])
        raise ValidationFailed(
            f"{product.sku} has no unit {asked}.", fields={"unit": f"{product.sku} is counted in: {known}"}
        )
    whole = quantity * pack.quantity
    quantity_check(product, whole, "quantity")
    return whole


def product_by_code(code: str) -> tuple[Product, Packaging | None]:
    """The product with this GTIN, its own or a further one, in any of its spellings (12 digits are 13 with a leading
    0), and the packaging that it is printed on. Two queries, four at the most.

    :raises ClarificationNeeded: when it is no GTIN, or its check digit is wrong.
    :raises Conflict: when several have it.
    :raises NotFound: when no product has it; for a case (14 digits) of a known product, with that product.
    """
    asked = code.strip()
    if len(asked) not in (8, 12, 13, 14) or not ean.is_valid(asked):
        raise ClarificationNeeded(
            f"{asked[:20]} is no GTIN: it has 8, 12, 13 or 14 digits, the last one being the check. Scan it again.",
            field="barcode",
        )
    if found := _known(asked):
        return found
    inner = _within(asked)
    if inner and (found := _known(inner)):
        sku = found[0].sku
        raise NotFound(
            f"{asked} is a case of {sku}, but how much is in it is not known: add it to a packaging of {sku}.",
            barcode=asked,
            sku=sku,
        )
    raise NotFound(f"No product has the barcode {asked}.", barcode=asked)


def _known(code: str) -> tuple[Product, Packaging | None] | None:
    """Forms and imports let nobody have another's code; two that save it in the same moment both have it all the same.

    :raises Conflict: naming those that have it.
    """
    asked = spellings(code)
    products = Product.objects.select_related(*COMPANIONS).filter(barcode__in=asked)
    rows = Barcode.objects.select_related("packaging", *(f"product__{name}" for name in COMPANIONS))
    found: list[tuple[Product, Packaging | None]] = [(product, None) for product in products.order_by("pk")]
    found += [(row.product, row.packaging) for row in rows.filter(code__in=asked).order_by("pk")]
    if len(set(found)) > 1:
        named = [f"{pack.name} of {product.sku}" if pack else product.sku for product, pack in found]
        raise Conflict(
            f"{code} is the barcode of {get_text_list(named, 'and')}: name the sku, and take the code off all but one.",
            barcode=code,
            skus=list(dict.fromkeys(product.sku for product, _ in found)),
        )
    return found[0] if found else None


def _within(code: str) -> str | None:
    """The GTIN-13 of what is in a case: its digits without the indicator, with a check digit of their own (GS1 General
    Specifications, 2.1.7).
    """
    if len(code) != 14 or code[0] == "0":
        return None
    return code[1:13] + ean.calc_check_digit(code[1:13])
