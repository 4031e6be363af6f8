"""Posting a count sheet: what was found to differ is booked on top of what has moved since."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from inventory.models import CountLine, CountSheet, StockLevel, StockMovement, Tracking
from inventory.selectors.counting import has_counted
from shop_assistant.accounts.four_eyes import self_approval
from shop_assistant.agents.errors import Conflict, InsufficientStock, NotFound
from shop_assistant.agents.fields import json_number
from shop_assistant.money import round_money

from .counting import SHOWN, Status, sheet_lines, sheet_locked
from .levels import Place, by_place, levels_locked
from .lot_naming import lots_for
from .stock import Kind, Move, Why, stock_book

PERMISSION = "inventory.count_approve"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Posted:
    sheet: CountSheet
    movements: int
    missing: Decimal
    """units booked off"""
    surplus: Decimal
    """units booked on"""
    value: Decimal
    """of the difference, by cost"""


@dataclass(frozen=True, slots=True)
class _Change:
    """A line's difference in one level."""

    line: CountLine
    lot_id: int | None
    quantity: Decimal

    @property
    def place(self) -> Place:
        return self.line.product_id, self.line.location_id, self.lot_id


def count_approve(
    *,
    sheet: CountSheet,
    user_id: str,
    task_id: UUID | None = None,
    confirm: bool = False,
    reasons: Mapping[int, str] | None = None,
) -> Posted:
    """Book every difference (counted less booked at the moment of counting) as a movement of kind count in the
    approver's name, all of them or none.

    :param confirm: the second confirmation of one who counted, where nobody else may approve.
    :param reasons: why, by line number; what has none is unexplained, and counts as shrinkage.
    :raises PermissionDenied: when who counted wants to approve, and another person may.
    :raises ClarificationNeeded: when nobody else may, and it was not confirmed.
    :raises Conflict: when the sheet does not wait for approval, or lines have been counted in another way since.
    :raises InsufficientStock: when less than nothing, or than what is reserved, would be left.
    :raises NotFound: for the reason of a line that is not there.
    """
    locked = sheet_locked(sheet, Status.COUNTED)
    locked.self_approved = has_counted(locked, user_id) and self_approval(
        permission=PERMISSION, proposer=user_id, user_id=user_id, confirm=confirm, what="approve counts"
    )
    lines = sheet_lines(locked)
    _explain(lines, reasons or {})
    changes = [change for line in lines if line.entry for change in _changes(line)]
    products = {change.line.product_id: change.line.product for change in changes}
    found = levels_locked(products.values(), create=[change.place for change in changes]) if changes else {}
    levels = by_place(found)
    _check_since(changes)
    _check_left(changes, levels)
    _check_serials(changes, levels.values())
    for moves, why in _booking(locked, changes, levels, user_id, task_id):
        stock_book(moves, why)
    locked.status, locked.decided_by, locked.decided_at = Status.POSTED, user_id, timezone.now()
    locked.save()
    value = sum((change.quantity * (change.line.product.cost or ZERO) for change in changes), ZERO)
    return Posted(
        sheet=locked,
        movements=len(changes),
        missing=sum((-change.quantity for change in changes if change.quantity < 0), ZERO),
        surplus=sum((change.quantity for change in changes if change.quantity > 0), ZERO),
        value=round_money(value, settings.SHOP_CURRENCY),
    )


def _explain(lines: list[CountLine], reasons: Mapping[int, str]) -> None:
    known = {line.number: line for line in lines}
    if unknown := [number for number in reasons if number not in known]:
        raise NotFound(f"The sheet has no line {unknown[0]}.", lines=unknown)
    for number, reason in reasons.items():
        known[number].reason = reason
    CountLine.objects.bulk_update([known[number] for number in reasons], ["reason"], batch_size=500)


def _changes(line: CountLine) -> Iterator[_Change]:
    moves = line.entry.moves if line.entry else {}
    serials = [code for code in moves if code] if line.product.tracking == Tracking.SERIAL else []
    lots = dict(zip(serials, lots_for(product=line.product, codes=serials), strict=True))
    for code, quantity in moves.items():
        yield _Change(line, lots[code].pk if code in lots else line.lot_id, quantity)


def _booking(
    sheet: CountSheet,
    changes: list[_Change],
    levels: Mapping[Place, StockLevel],
    user_id: str,
    task_id: UUID | None,
) -> Iterator[tuple[list[Move], Why]]:
    """What goes out first: a serial number leaves its old place before it is in the new one."""
    for out in (True, False):
        by_reason: dict[str, list[Move]] = {}
        for change in changes:
            if (change.quantity < 0) is out:
                move = Move(levels[change.place], change.quantity, unit_cost=change.line.product.cost)
                by_reason.setdefault(change.line.reason, []).append(move)
        for reason, moves in by_reason.items():
            yield (
                moves,
                Why(kind=Kind.COUNT, user_id=user_id, task_id=task_id, reason=reason, reference=sheet.reference),
            )


def _check_since(changes: list[_Change]) -> None:
    """A count that was booked after this one's moment has put the same difference right already.

    :raises Conflict:
    """
    moments = [change.line.entry.counted_at for change in changes if change.line.entry]
    if not moments:
        return
    products = {change.line.product_id for change in changes}
    counts = StockMovement.objects.filter(kind=Kind.COUNT, product__in=products, occurred_at__gt=min(moments))
    latest = counts.order_by().values_list("product", "location", "lot").annotate(latest=Max("occurred_at"))
    since = {(product, location, lot): when for product, location, lot, when in latest}
    late = {
        change.line.number: change.line
        for change in changes
        if (when := since.get(change.place)) and change.line.entry and when > change.line.entry.counted_at
    }
    if late:
        told = next(iter(late.values()))
        raise Conflict(
            f"{told} was counted in another way after this sheet's count, and that is booked: have it counted again "
            "(count_recount).",
            lines=sorted(late)[:SHOWN],
        )


def _check_left(changes: Iterable[_Change], levels: Mapping[Place, StockLevel]) -> None:
    """:raises InsufficientStock: naming every line that would leave less than nothing, or than what is reserved."""
    short = []
    for change in changes:
        level = levels[change.place]
        left = level.on_hand + change.quantity
        if left >= level.reserved or (change.quantity > 0 and left < 0):
            continue
        short.append(
            {
                "line": change.line.number,
                "sku": change.line.product.sku,
                "location": change.line.location.code,
                "on_hand": json_number(level.on_hand),
                "difference": json_number(change.quantity),
                "reserved": json_number(level.reserved),
            }
        )
    if short:
        first = short[0]
        what = "is reserved" if first["reserved"] else "has been sold since"
        raise InsufficientStock(
            f"{first['sku']} at {first['location']}: {first['on_hand']} are booked there now, and a difference of "
            f"{first['difference']} leaves less than what {what}. Release the reservation, or have the line counted "
            "again (count_recount).",
            lines=short[:SHOWN],
        )


def _check_serials(changes: Iterable[_Change], levels: Iterable[StockLevel]) -> None:
    """:raises Conflict: for a serial number that was found here, while the books have it at another place still."""
    moved = {(change.lot_id, change.line.location_id) for change in changes if change.quantity < 0}
    here = {level.lot_id: level for level in levels if level.serial and level.on_hand > 0}
    for change in changes:
        level = here.get(change.lot_id) if change.lot_id and change.quantity > 0 else None
        if level and level.location_id != change.line.location_id and (level.lot_id, level.location_id) not in moved:
            raise Conflict(
                f"{change.line.product.sku} {level.lot} was found at {change.line.location.code}, but is booked at "
                f"{level.location.code}: count that place as well, or book its transfer, and have it counted again.",
                line=change.line.number,
                serial=str(level.lot),
                location=level.location.code,
            )
