"""Putting balances right that differ from the ledger. The ledger is never edited: what it lacks is booked."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.db import transaction
from django.utils import timezone

from audit import events
from audit.services import event_record
from inventory.models import StockLevel, StockMovement
from inventory.models.columns import MAX_QUANTITY
from inventory.selectors.history import Difference, ledger_differences
from shop_assistant.agents.errors import Conflict
from shop_assistant.agents.fields import json_number

from .levels import levels_locked, place_of, serial_refused
from .quantities import quantity_check
from .references import next_reference

ZERO = Decimal(0)
SHELF, LEDGER = "shelf", "ledger"
Right = Literal["shelf", "ledger"] | Decimal
"""Whose figure is right: the balance's, the ledger's, or neither, but what was counted."""


@dataclass(frozen=True, slots=True)
class Fixed:
    difference: Difference
    """as it was found under the lock"""
    on_hand: Decimal
    """what both say now"""
    movement: StockMovement | None
    """None: only the balance was wrong"""


def difference_fix(*, difference: Difference, right: Right, reason: str, user_id: str) -> Fixed | None:
    """Make a balance and its ledger agree, in a transaction of its own; None where they do by now. What the ledger
    lacks is booked as a movement of kind count; a balance that is wrong is set to what the movements add up to, and
    `reserved` to the reservations that count. The trail tells of it.

    :raises Conflict: when less than nothing would be left, less than is reserved, more than can be booked, or a serial
        number in two places.
    :raises ValidationFailed: when parts of a piece were counted.
    """
    with transaction.atomic():
        product, place = difference.product, (*difference.key[:2], difference.key[2] or None)
        levels = levels_locked([product], create=[place])[product.pk]
        now = next((d for d in ledger_differences(product=product) if d and d.key == difference.key), None)
        if now is None:
            return None
        level = next(level for level in levels if place_of(level) == place)
        if not isinstance(right, str):
            quantity_check(product, right, "quantity")
        on_hand = {SHELF: now.on_hand, LEDGER: now.moved}.get(right) if isinstance(right, str) else right
        if on_hand is None:
            raise ValueError(f"{right} is neither {SHELF} nor {LEDGER}")
        _check(now, on_hand)
        others = (v for v in levels if v != level and v.serial and v.lot_id == level.lot_id and v.on_hand)
        if on_hand > 0 and (elsewhere := next(others, None)):
            raise serial_refused(product, elsewhere)
        level.on_hand, level.oversold, level.reserved = on_hand, on_hand < 0, now.promised
        level.next_expiry = timezone.now()  # whoever locks it next notes what runs out first
        level.save(update_fields=["on_hand", "oversold", "reserved", "next_expiry"])
        movement = _book(level, on_hand - now.moved, reason, user_id) if on_hand != now.moved else None
        _tell(now, level, movement, reason, user_id)
        return Fixed(now, on_hand, movement)


def _check(found: Difference, on_hand: Decimal) -> None:
    where = f"{found.product.sku} at {found.location.code}"
    if on_hand < min(ZERO, found.on_hand):
        raise Conflict(f"{where}: {json_number(on_hand)} can't lie there; take another figure, or count it.")
    if on_hand > MAX_QUANTITY:
        raise Conflict(f"{where}: more than {MAX_QUANTITY} can't be booked at one location; take another figure.")
    if found.promised > max(on_hand, ZERO):
        raise Conflict(
            f"{where}: {json_number(found.promised)} are reserved, of {json_number(on_hand)}; release some first."
        )
    if found.lot is not None and found.lot.serial and on_hand > 1:
        raise Conflict(f"{where}: a serial number is there or not; take another figure.")


def _book(level: StockLevel, quantity: Decimal, reason: str, user_id: str) -> StockMovement:
    return StockMovement.objects.create(
        product_id=level.product_id,
        location_id=level.location_id,
        lot_id=level.lot_id,
        kind=StockMovement.Kind.COUNT,
        quantity=quantity,
        balance=level.on_hand,
        oversold=level.oversold,
        reason=reason,
        reference=next_reference(prefix="RC"),
        user_id=user_id,
    )


def _tell(found: Difference, level: StockLevel, movement: StockMovement | None, reason: str, user_id: str) -> None:
    event_record(
        events.STOCK_RECONCILED,
        user_id=user_id,
        sku=found.product.sku,
        location=found.location.code,
        lot=found.lot.code if found.lot else None,
        was={name: json_number(getattr(found, name)) for name in ("on_hand", "moved", "reserved", "promised")},
        on_hand=json_number(level.on_hand),
        reserved=json_number(level.reserved),
        movement_id=movement.pk if movement else None,
        reference=movement.reference if movement else None,
        reason=reason,
    )
