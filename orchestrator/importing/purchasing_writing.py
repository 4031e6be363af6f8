"""Suppliers, offers and drafts as a file has them, stored. Each writer adds the rows it can't use to `refused`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models.functions import Lower

from inventory.models import PriceBreak, Product, PurchaseOrder, Supplier, SupplierProduct
from inventory.services import WantedLine, purchase_change, purchase_create
from shop_assistant.agents.errors import AgentError
from shop_assistant.tables.reading import Row

from .purchasing_fields import RowOf
from .supplier_codes import supplier_code

Refused = list[tuple[Row, str]]
OURS = re.compile(r"PO-\d+", re.IGNORECASE)
CHUNK = 2000


@dataclass(slots=True)
class Counts:
    """Rows of the file."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


def suppliers_write(rows: Sequence[RowOf], refused: Refused, user_id: str) -> Counts:
    """Known by their code, else by their name, in any case."""
    known = _suppliers()
    codes = {supplier.code.lower() for supplier in known.values()}
    counts = Counts()
    for told in rows:
        code, name = told["code"], told["name"]
        if not code and not name:
            refused.append((told.row, "has no code and no name"))
            continue
        if told["email"] and not _is_email(told["email"]):
            refused.append((told.row, "email: is no address"))
            continue
        supplier = known.get((code or name).lower())
        if supplier is None and not name:
            refused.append((told.row, f"has no name, and there is no supplier {code} yet that it could change"))
            continue
        new = supplier is None
        supplier = supplier or Supplier(code=code or supplier_code(name, codes), name=name)
        _store(supplier, told, ("name", *_SUPPLIER_FIELDS), counts, new=new)
        codes.add(supplier.code.lower())
        known[supplier.code.lower()] = supplier
        known.setdefault(supplier.name.lower(), supplier)
    return counts


def offers_write(rows: Sequence[RowOf], refused: Refused, user_id: str) -> Counts:
    """A row with `from_quantity` is a price break of the offer, which another row, or the shop, has to have."""
    suppliers, products = _suppliers(), _products(rows)
    offers = {
        (offer.supplier_id, offer.product_id): offer
        for offer in SupplierProduct.objects.filter(product__in=products.values())
    }
    breaks = {(each.offer_id, each.quantity): each for each in PriceBreak.objects.filter(offer__in=offers.values())}
    counts = Counts()
    for told in sorted(rows, key=lambda row: bool(row["from_quantity"])):  # the offers themselves first
        supplier, product = suppliers.get(told["supplier"].lower()), products.get(told["sku"].lower())
        if supplier is None or product is None:
            what = f"supplier {told['supplier']}" if supplier is None else f"product {told['sku']}"
            refused.append((told.row, f"there is no {what}: import it first"))
            continue
        key = (supplier.pk, product.pk)
        if quantity := told["from_quantity"]:
            if key not in offers:
                refused.append((told.row, "is a price break of an offer that there is not: add a row without one"))
                continue
            of = offers[key]
            found = breaks.get((of.pk, quantity))
            breaks[of.pk, quantity] = found or PriceBreak(offer=of, quantity=quantity)
            _store(breaks[of.pk, quantity], told, ("unit_cost",), counts, new=found is None)
            continue
        new = key not in offers
        offers.setdefault(key, SupplierProduct(supplier=supplier, product=product))
        changed = told["preferred"] is True and _prefer(product, supplier)
        _store(offers[key], told, _OFFER_FIELDS, counts, new=new, changed=changed)
    return counts


def orders_write(rows: Sequence[RowOf], refused: Refused, user_id: str) -> Counts:
    """Drafts: an order of the file is added under the number it has there, or changed while it is a draft."""
    suppliers, products = _suppliers(), _products(rows)
    orders: dict[str, list[RowOf]] = {}
    for told in rows:
        orders.setdefault(told["order"].lower(), []).append(told)
    known = {
        order.reference.lower(): order
        for order in PurchaseOrder.objects.select_related("supplier")
        .alias(low=Lower("reference"))
        .filter(low__in=orders)
    }
    counts = Counts()
    for key, lines in orders.items():
        try:
            change = _order_write(known.get(key), lines, suppliers, products, user_id)
        except (ValueError, AgentError) as error:
            fields = error.details.get("fields", {}).values() if isinstance(error, AgentError) else ()
            reason = "; ".join([str(error), *map(str, fields)])
            refused += [(told.row, reason) for told in lines]
        else:
            setattr(counts, change, getattr(counts, change) + len(lines))
    return counts


def _order_write(
    known: PurchaseOrder | None,
    rows: Sequence[RowOf],
    suppliers: dict[str, Supplier],
    products: dict[str, Product],
    user_id: str,
) -> str:
    """What was done with the order: added, changed or unchanged.

    :raises ValueError: why none of its rows can be taken.
    """
    first = rows[0]
    supplier = suppliers.get(first["supplier"].lower())
    if supplier is None:
        raise ValueError(f"there is no supplier {first['supplier']}: import it first")
    if any(suppliers.get(told["supplier"].lower()) != supplier for told in rows):
        raise ValueError(f"order {first['order']} has several suppliers: give each an order of its own")
    if unknown := [told["sku"] for told in rows if told["sku"].lower() not in products]:
        raise ValueError(f"there is no product {unknown[0]}: import it first")
    lines = [
        WantedLine(product=products[told["sku"].lower()], quantity=told["quantity"], unit_cost=told["unit_cost"])
        for told in rows
    ]
    expected = next((told["expected_on"] for told in rows if told["expected_on"]), None)
    if known is None:
        if OURS.fullmatch(first["order"]):
            raise ValueError(f"{first['order']} is a number that the shop gives itself: number the order otherwise")
        purchase_create(supplier=supplier, lines=lines, expected_on=expected, user_id=user_id, reference=first["order"])
        return "added"
    if known.supplier_id != supplier.pk:
        raise ValueError(f"order {known.reference} is one of {known.supplier.code}, not of {supplier.code}")
    if _is_same(known, lines, expected):
        return "unchanged"
    purchase_change(order=known, lines=lines, expected_on=expected, user_id=user_id)
    return "changed"


def _is_same(order: PurchaseOrder, lines: Sequence[WantedLine], expected: Any) -> bool:
    has = {line.product_id: (line.quantity, line.unit_cost) for line in order.lines.all()}
    wants = {each.product.pk: (each.quantity, each.unit_cost) for each in lines}
    same = has.keys() == wants.keys() and all(
        has[key][0] == quantity and cost in (None, has[key][1]) for key, (quantity, cost) in wants.items()
    )
    return same and expected in (None, order.expected_on)


_SUPPLIER_FIELDS = ("email", "phone", "lead_time_days", "lead_time_spread", "over_delivery", "active")
_OFFER_FIELDS = ("supplier_sku", "unit_cost", "pack_size", "minimum_order", "lead_time_days")


def _store(row: Any, told: RowOf, names: Sequence[str], counts: Counts, *, new: bool, changed: bool = False) -> None:
    """Take over what the file tells; what it leaves empty stays."""
    for name in names:
        value = told[name]
        if value is not None and value != getattr(row, name):
            setattr(row, name, value)
            changed = True
    if new or changed:
        row.save()
    counts.added += new
    counts.changed += changed and not new
    counts.unchanged += not new and not changed


def _prefer(product: Product, supplier: Supplier) -> bool:
    if product.supplier_id == supplier.pk:
        return False
    product.supplier = supplier
    product.save()
    return True


def _suppliers() -> dict[str, Supplier]:
    """By code and by name, in lower case; codes win."""
    rows = list(Supplier.objects.select_for_update().order_by("-pk"))
    return {row.name.lower(): row for row in rows} | {row.code.lower(): row for row in rows}


def _products(rows: Sequence[RowOf]) -> dict[str, Product]:
    """Those that the rows name, by their SKU in lower case."""
    wanted = sorted({told["sku"].lower() for told in rows})
    found: dict[str, Product] = {}
    for start in range(0, len(wanted), CHUNK):
        part = Product.objects.alias(low=Lower("sku")).filter(low__in=wanted[start : start + CHUNK])
        found |= {product.sku.lower(): product for product in part.select_related("supplier")}
    return found


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


WRITERS: dict[str, Callable[[Sequence[RowOf], Refused, str], Counts]] = {
    "suppliers": suppliers_write,
    "supplier_products": offers_write,
    "purchase_orders": orders_write,
}
