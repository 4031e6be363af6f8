"""Lots and serial numbers by the codes printed on them."""

from datetime import date, timedelta

from django.utils import timezone

from inventory.models import Lot, Product, Tracking
from shop_assistant.agents.errors import Conflict, NotFound, ValidationFailed


def lot_for(*, product: Product, code: str, expires_on: date | None = None) -> Lot:
    """The product's lot (or serial number) with this code, made where there is none: it then expires as told, else
    after the product's shelf life.

    :raises Conflict: when the lot is known to expire on another day.
    :raises ValidationFailed: for a product whose units are not told apart.
    """
    if product.tracking == Tracking.NONE:
        raise ValidationFailed(
            f"{product.sku} is told apart neither by lot nor by serial number.", fields={"lot": "must be left out"}
        )
    lot, made = Lot.objects.get_or_create(
        product=product,
        code=code.strip(),
        defaults={
            "expires_on": expires_on or _end_of_shelf_life(product),
            "serial": product.tracking == Tracking.SERIAL,
        },
    )
    if not made and expires_on and expires_on != lot.expires_on:
        when = f"on {lot.expires_on}" if lot.expires_on else "never"
        raise Conflict(
            f"{product.sku} {lot.code} expires {when}, not on {expires_on}: change the lot, or name another.",
            lot=lot.code,
            expires_on=lot.expires_on.isoformat() if lot.expires_on else None,
        )
    return lot


def lot_get(*, product: Product, code: str) -> Lot:
    """:raises NotFound: with the codes of some that lie in stock."""
    found = Lot.objects.filter(product=product, code=code.strip()).first()
    if found is None:
        there = Lot.objects.filter(product=product, levels__on_hand__gt=0).distinct().order_by("expires_on", "code")
        raise NotFound(
            f"{product.sku} has no lot or serial number {code}.",
            sku=product.sku,
            lot=code,
            available=list(there.values_list("code", flat=True)[:10]),
        )
    return found


def _end_of_shelf_life(product: Product) -> date | None:
    days = product.shelf_life_days
    return timezone.localdate() + timedelta(days=days) if days is not None else None
