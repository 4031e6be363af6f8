"""Lots and serial numbers by the codes printed on them, in any case."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from inventory.lot_codes import folded_code, plain_code
from inventory.models import Lot, Product, Tracking
from shop_assistant.agents.errors import Conflict, NotFound, ValidationFailed

LONGEST = 64


def lot_for(*, product: Product, code: str, expires_on: date | None = None) -> Lot:
    """The product's lot (or serial number) with this code, in any case, made where there is none: it then expires as
    told, else after the product's shelf life.

    :raises Conflict: when the lot is known to expire on another day.
    :raises ValidationFailed: for a product whose units are not told apart, or a code that is none.
    """
    plain = _checked(product, code)
    lot = _lots([product], [plain]).first()
    if lot is None:
        try:
            with transaction.atomic():
                new = _new(product, plain, expires_on)
                new.save()
                return new
        except IntegrityError:  # another was faster
            lot = _lots([product], [plain]).get()
    return _expiring(lot, expires_on)


def lots_for(*, product: Product, codes: Iterable[str], expires_on: date | None = None) -> list[Lot]:
    """As `lot_for` of each code, in their order; a few queries for every five hundred.

    :raises Conflict: when one of them is known to expire on another day.
    :raises ValidationFailed: for a product whose units are not told apart, or a code that is none.
    """
    asked = [_checked(product, code) for code in codes]
    known = {folded_code(lot.code): lot for lot in _lots([product], asked)} if asked else {}
    new = {folded_code(code): code for code in asked if folded_code(code) not in known}
    if new:
        # In one order, so that two who name the same ones don't wait for each other.
        rows = [_new(product, new[key], expires_on) for key in sorted(new)]
        try:
            with transaction.atomic():
                known |= {folded_code(lot.code): lot for lot in Lot.objects.create_all(rows)}
        except IntegrityError:  # another was faster with some of them
            known |= {key: lot_for(product=product, code=new[key], expires_on=expires_on) for key in sorted(new)}
    return [_expiring(known[folded_code(code)], expires_on) for code in asked]


def _checked(product: Product, code: str) -> str:
    """The code as it is stored."""
    if product.tracking == Tracking.NONE:
        raise ValidationFailed(
            f"{product.sku} is told apart neither by lot nor by serial number.", fields={"lot": "must be left out"}
        )
    plain = plain_code(code)
    if not 0 < len(plain) <= LONGEST:
        raise ValidationFailed(fields={"lot": f"must have 1 to {LONGEST} characters"})
    return plain


def _new(product: Product, code: str, expires_on: date | None) -> Lot:
    return Lot(
        product=product,
        code=code,
        expires_on=expires_on or _end_of_shelf_life(product),
        serial=product.tracking == Tracking.SERIAL,
    )


def _expiring(lot: Lot, expires_on: date | None) -> Lot:
    if expires_on and expires_on != lot.expires_on:
        when = f"on {lot.expires_on}" if lot.expires_on else "never"
        raise Conflict(
            f"{lot.product.sku} {lot.code} expires {when}, not on {expires_on}: change the lot, or name another.",
            lot=lot.code,
            expires_on=lot.expires_on.isoformat() if lot.expires_on else None,
        )
    return lot


def lot_get(*, product: Product, code: str) -> Lot:
    """The product's lot (or serial number) with this code, in any case.

    :raises NotFound: with the codes of some that lie in stock.
    """
    found = _lots([product], [code]).first()
    if found is None:
        there = Lot.objects.filter(product=product, levels__on_hand__gt=0).distinct().order_by("expires_on", "code")
        raise NotFound(
            f"{product.sku} has no lot or serial number {code}.",
            sku=product.sku,
            lot=code,
            available=list(there.values_list("code", flat=True)[:10]),
        )
    return found


def lots_get(wanted: Iterable[tuple[Product, str]]) -> dict[tuple[int, str], Lot]:
    """The lots with these codes, by the product's primary key and the code as it was given; one query.

    :raises NotFound: with the codes of some that lie in stock.
    """
    asked = {(product.pk, code): product for product, code in wanted}
    rows = _lots(asked.values(), [code for _, code in asked]) if asked else ()
    found = {(lot.product_id, folded_code(lot.code)): lot for lot in rows}
    return {
        (key, code): found.get((key, folded_code(code))) or lot_get(product=product, code=code)
        for (key, code), product in asked.items()
    }


def _lots(products: Iterable[Product], codes: Iterable[str]) -> QuerySet[Lot]:
    rows: QuerySet[Any] = Lot.objects.select_related("product").alias(folded=Lower("code"))
    return rows.filter(product__in=products, folded__in=[Lower(Value(plain_code(code))) for code in codes])


def _end_of_shelf_life(product: Product) -> date | None:
    days = product.shelf_life_days
    return timezone.localdate() + timedelta(days=days) if days is not None else None
