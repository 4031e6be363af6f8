"""Entering what was counted: beside each figure stands what is booked at that moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Round
from django.utils import timezone

from inventory.lot_codes import folded_code
from inventory.models import CountEntry, CountLine, CountSheet, StockMovement, Tracking
from inventory.selectors import count_entering
from inventory.selectors.count_entering import Figure, Planned, Refused, Taken
from shop_assistant.agents.errors import AgentError, Conflict, NotFound, ValidationFailed

from .counting import SHOWN, Status, sheet_locked
from .levels import levels_locked
from .lot_naming import lot_for

ZERO = Decimal(0)


@dataclass(slots=True)
class Entered:
    sheet: CountSheet
    lines: list[CountLine] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unchanged: int = 0


def count_enter(
    *,
    sheet: CountSheet,
    figures: Sequence[Figure],
    user_id: str,
    task_id: UUID | None = None,
    counted_at: datetime | None = None,
    partial: bool = False,
    same_is_well: bool = False,
) -> Entered:
    """Enter what was counted. Beside each figure stands what is booked at that moment, so that goods may go on moving.

    :param counted_at: when it was counted; now, when it is left out.
    :param partial: enter what can be; else one refusal refuses all of it.
    :param same_is_well: pass over figures that are there already.
    :raises Conflict: when the sheet is closed, or a figure would replace another one without saying so.
    :raises NotFound: for an unknown SKU or location.
    :raises ValidationFailed: for a figure that can't be, or a time to come.
    """
    now = timezone.now()
    if counted_at is not None and counted_at > now:
        raise ValidationFailed(fields={"counted_at": "lies in the future"})
    locked = sheet_locked(sheet, Status.OPEN, Status.RECOUNT)
    planned = count_entering.figures_planned(locked, figures, same_is_well=same_is_well)
    if planned.refused and not partial:
        raise _refusal(planned.refused)
    done = Entered(locked, refused=planned.refused, unchanged=len(planned.unchanged))
    if planned.taken:
        done.lines = _entries_store(planned, user_id=user_id, task_id=task_id, counted_at=counted_at)
    return done


def _entries_store(
    planned: Planned, *, user_id: str, task_id: UUID | None, counted_at: datetime | None
) -> list[CountLine]:
    lines = _lines_made(planned.taken)
    booked = _booked(lines, counted_at)
    now = timezone.now()
    entries = [
        _entry(taken, line, booked, user_id=user_id, task_id=task_id, counted_at=counted_at or now, entered_at=now)
        for taken, line in zip(planned.taken, lines, strict=True)
    ]
    for line, entry, taken in zip(lines, CountEntry.objects.bulk_create(entries), planned.taken, strict=True):
        line.entry = entry
        line.reason = taken.figure.reason or line.reason
    CountLine.objects.bulk_update(lines, ["entry", "reason"], batch_size=500)
    return lines


def _lines_made(taken: Sequence[Taken]) -> list[CountLine]:
    """The lines, those that were found beside the sheet stored as well."""
    for found in taken:
        if found.line._state.adding:
            product = found.line.product
            if found.lot_code and product.tracking == Tracking.LOT:
                found.line.lot = lot_for(product=product, code=found.lot_code)
            found.line.save()
    return [found.line for found in taken]


Booked = dict[tuple[int, int], dict[tuple[int | None, str], Decimal]]
"""By product and location: what is booked of each lot, by its primary key and code; of none: (None, "")."""


def _booked(lines: Sequence[CountLine], moment: datetime | None) -> Booked:
    """What is on hand by the books, or was at that moment: the levels are locked, so that nothing moves meanwhile."""
    products = {line.product_id: line.product for line in lines}
    found: Booked = {}
    for levels in levels_locked(products.values()).values():
        for level in levels:
            lots = found.setdefault((level.product_id, level.location_id), {})
            lots[level.lot_id, level.lot.code if level.lot else ""] = level.on_hand
    if moment is not None:
        later = StockMovement.objects.filter(product__in=products, occurred_at__gt=moment).order_by()
        sums = later.values("product", "location", "lot", "lot__code").annotate(
            moved=Round(Sum("quantity"), precision=3)
        )
        for row in sums:
            lots = found.setdefault((row["product"], row["location"]), {})
            key = row["lot"], row["lot__code"] or ""
            lots[key] = lots.get(key, ZERO) - row["moved"]
    return found


def _entry(taken: Taken, line: CountLine, booked: Booked, **when: Any) -> CountEntry:
    lots = booked.get((line.product_id, line.location_id), {})
    figure = taken.figure
    entry = CountEntry(line=line, round=line.round, quantity=figure.counted, replaces=line.entry, **when)
    if line.product.tracking == Tracking.SERIAL:
        known = {folded_code(code): code for _, code in lots}
        entry.serials = sorted(known.get(folded_code(code), code) for code in figure.serials or ())
        entry.booked_lots = {code: f"{units:f}" for (_, code), units in lots.items() if units}
        entry.booked = sum(lots.values(), ZERO)
    else:
        entry.booked = next((units for (lot, _), units in lots.items() if lot == line.lot_id), ZERO)
    entry.off = sum((abs(units) for units in entry.moves.values()), ZERO)
    return entry


def _refusal(refused: Sequence[Refused]) -> AgentError:
    """All that is wrong, as the error that fits it best; nothing was entered."""
    kinds = {found.kind for found in refused}
    details: dict[str, Any] = {
        "refused": [{"index": r.index, "reason": r.told, **r.details} for r in refused[:SHOWN]],
        "refused_in_all": len(refused),
    }
    told = refused[0].told
    if "conflict" in kinds:
        return Conflict(told, **details)
    if kinds == {"unknown"}:
        return NotFound(told, **details)
    return ValidationFailed(told, fields={f"lines.{r.index}": r.told for r in refused[:SHOWN]}, **details)
