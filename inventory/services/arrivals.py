"""What arrives of a transfer, and what got lost on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from inventory.models import Location, StockLevel, Transfer, TransferLine
from shop_assistant.agents.errors import Conflict
from shop_assistant.agents.fields import json_number

from .levels import Place, by_place, levels_locked
from .stock import Kind, Move, Why, quantity_check, stock_book
from .transfers import Item, location_transit, moves_between, only_lot

ZERO = Decimal(0)
LOST = "lost on the way"


def transfer_receive(
    *,
    transfer: Transfer,
    user_id: str,
    task_id: UUID | None = None,
    arrived: Sequence[Item] | None = None,
    lost: Sequence[Item] = (),
) -> Transfer:
    """Book what has arrived of a transfer, and write off what got lost; the rest stays in transit.

    :param arrived: None: everything that is still on its way, less what is lost.
    :raises Conflict: for more than is on its way, or a transfer of which nothing is.
    :raises ClarificationNeeded: when a lot or serial number must be named.
    """
    locked = (
        Transfer.objects.select_for_update(of=("self",)).select_related("source", "destination").get(pk=transfer.pk)
    )
    if locked.closed_at is not None:
        raise Conflict(f"Nothing of transfer {locked.reference} is on its way any more.", transfer=locked.reference)
    rows = locked.lines.select_for_update(of=("self",)).select_related("product", "lot").order_by("pk")
    lines = list(rows)
    gone = _portions(locked, lines, lost, left_of(lines))
    left = {pk: quantity - gone.get(pk, ZERO) for pk, quantity in left_of(lines).items()}
    come = {pk: q for pk, q in left.items() if q} if arrived is None else _portions(locked, lines, arrived, left)
    _book_arrival(locked, lines, come, gone, user_id, task_id)
    for line in lines:
        line.arrived += come.get(line.pk, ZERO)
        line.lost += gone.get(line.pk, ZERO)
    TransferLine.objects.bulk_update(lines, ["arrived", "lost"])
    if not any(left_of(lines).values()):
        locked.closed_at = timezone.now()
        locked.save()
    return locked


def left_of(lines: Sequence[TransferLine]) -> dict[int, Decimal]:
    """What of each line is still on its way, by its primary key."""
    return {line.pk: line.sent - line.arrived - line.lost for line in lines}


def _portions(
    transfer: Transfer, lines: Sequence[TransferLine], items: Sequence[Item], left: Mapping[int, Decimal]
) -> dict[int, Decimal]:
    """How much of each line is meant, by its primary key."""
    meant: dict[int, Decimal] = {}
    for item in items:
        quantity_check(item.product, item.quantity, "quantity")
        own = [line for line in lines if line.product_id == item.product.pk and left[line.pk]]
        if item.lot is None:
            only_lot([line.lot for line in own], item.product)
        line = next((line for line in own if item.lot is None or line.lot_id == item.lot.pk), None)
        free = left[line.pk] - meant.get(line.pk, ZERO) if line else ZERO
        if line is None or item.quantity > free:
            raise Conflict(
                f"Only {json_number(free)} of {item.product.sku} {item.lot.code if item.lot else ''}".rstrip()
                + f" are still on their way with {transfer.reference}.",
                transfer=transfer.reference,
                sku=item.product.sku,
                requested=json_number(item.quantity),
                in_transit=json_number(free),
            )
        meant[line.pk] = meant.get(line.pk, ZERO) + item.quantity
    return meant


def _book_arrival(
    transfer: Transfer,
    lines: Sequence[TransferLine],
    come: Mapping[int, Decimal],
    gone: Mapping[int, Decimal],
    user_id: str,
    task_id: UUID | None,
) -> None:
    transit = location_transit()
    arriving = [Item(line.product, come[line.pk], line.lot) for line in lines if come.get(line.pk)]
    losing = [Item(line.product, gone[line.pk], line.lot) for line in lines if gone.get(line.pk)]
    places = [item.at(transfer.destination) for item in arriving]
    found = levels_locked((item.product for item in (*arriving, *losing)), create=places)
    levels = by_place(found)
    _check_in_transit([*arriving, *losing], levels, transit)
    came = Why(
        kind=Kind.TRANSFER,
        user_id=user_id,
        task_id=task_id,
        reason=transfer.note,
        reference=transfer.reference,
        occurred_at=timezone.now(),
    )
    if arriving:
        moves = moves_between(arriving, levels, transit, transfer.destination)
        stock_book(moves, came)
    if losing:
        moves = [Move(levels[item.at(transit)], -item.quantity) for item in losing]
        stock_book(moves, replace(came, kind=Kind.WRITE_OFF, reason=LOST))


def _check_in_transit(items: Sequence[Item], levels: Mapping[Place, StockLevel], transit: Location) -> None:
    needed: dict[Place, Decimal] = {}
    for item in items:
        place = item.at(transit)
        needed[place] = needed.get(place, ZERO) + item.quantity
        here = levels[place].on_hand if place in levels else ZERO
        if needed[place] > here:
            raise Conflict(
                f"The books have only {json_number(here)} of {item.product.sku} in transit: `manage.py "
                "audit_completeness` says what is missing.",
                sku=item.product.sku,
                in_transit=json_number(here),
            )
