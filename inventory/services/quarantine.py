"""Units that are taken off sale, and stay in the house."""

from decimal import Decimal
from uuid import UUID

from inventory.models import Location, Lot, Product, StockLevel, Transfer
from inventory.selectors import kits_of
from shop_assistant.agents.errors import ClarificationNeeded, InsufficientStock, ValidationFailed

from .levels import kit_refused
from .restocking import quarantine_of
from .transfers import Item, transfer_send


def quarantine(
    *,
    product: Product,
    quantity: Decimal,
    user_id: str,
    reason: str,
    task_id: UUID | None = None,
    location: Location | None = None,
    lot: Lot | None = None,
    expected_quantity: Decimal | None = None,
) -> Transfer:
    """Take units off sale, into the quarantine of the warehouse where they lie.

    :raises ClarificationNeeded: when they lie in several places, or of several lots, and none is named.
    :param expected_quantity: what the caller believes to be on hand there.
    :raises Conflict: when something else is.
    :raises InsufficientStock: when so many do not lie there.
    :raises ValidationFailed: when they are in quarantine already, or for a kit.
    """
    source = location or _only_place(product, lot)
    if source.kind == Location.Kind.QUARANTINE:
        raise ValidationFailed(fields={"location": f"{source.code} is a quarantine already"})
    return transfer_send(
        source=source,
        destination=quarantine_of(source.warehouse),
        items=[Item(product, quantity, lot, expected_quantity)],
        note=reason,
        receive=True,
        user_id=user_id,
        task_id=task_id,
    )


def _only_place(product: Product, lot: Lot | None) -> Location:
    rows = StockLevel.objects.filter(product=product, on_hand__gt=0, location__kind=Location.Kind.STORAGE)
    if lot is not None:
        rows = rows.filter(lot=lot)
    levels = rows.select_related("location__warehouse").order_by("pk")
    places = list(dict.fromkeys(level.location for level in levels))
    if len(places) > 1:
        raise ClarificationNeeded(
            f"{product.sku} lies in {len(places)} locations: name the one that this is about.",
            sku=product.sku,
            field="location",
            options=[place.code for place in places],
        )
    if not places and kits_of([product]):
        raise kit_refused(product)
    if not places:
        raise InsufficientStock(f"Nothing of {product.sku} lies on a shelf.", sku=product.sku, available=0)
    return places[0]
