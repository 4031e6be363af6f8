"""Looks at the shop while it is tortured, each time at one moment of it."""

import json
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from django.db.models import Sum

from inventory.models import Product, ReservationLine, StockLevel, StockMovement
from inventory.selectors import with_available
from shop_assistant.sql import snapshot

ZERO = Decimal(0)
PAUSE = 0.2
FINDINGS = 20


def watch(*, seconds: float, path: Path) -> None:
    until, looks, lowest, findings = monotonic() + seconds, 0, None, []
    while monotonic() < until:
        with snapshot("default"):
            least = min(with_available(Product.objects.all()).values_list("available", flat=True))
            findings += [] if least >= 0 else [f"{least} available"]
            findings += list(disagreements())
        lowest = least if lowest is None else min(lowest, least)
        looks += 1
        sleep(PAUSE)
    told = {"looks": looks, "lowest_available": str(lowest), "findings": findings[:FINDINGS]}
    path.write_text(json.dumps(told))


def disagreements() -> list[str]:
    """Where balances are impossible, or not what their ledgers add up to; of one moment, if the caller sees to it."""
    place = ("product__sku", "location__code", "lot__code")
    moved = _sums(StockMovement.objects.order_by().values_list(*place).annotate(sum=Sum("quantity")))
    levels = {tuple(row[:3]): row[3:] for row in StockLevel.objects.values_list(*place, "on_hand", "reserved", "pk")}
    counted = _sums(
        ReservationLine.objects.filter(counted=True).order_by().values_list("level").annotate(Sum("quantity"))
    )
    found = []
    for key in moved.keys() | levels.keys():
        on_hand, reserved, pk = levels.get(key, (ZERO, ZERO, 0))
        promised = counted.get((pk,), ZERO)
        if on_hand != moved.get(key, ZERO):
            found.append(f"{key}: {on_hand} on hand, movements say {moved.get(key, ZERO)}")
        if reserved != promised:
            found.append(f"{key}: {reserved} reserved, reservations say {promised}")
        if on_hand < 0 or reserved < 0 or reserved > on_hand:
            found.append(f"{key}: {on_hand} on hand, {reserved} reserved")
    return found


def _sums(rows: Any) -> dict[tuple[Any, ...], Decimal]:
    return {tuple(row[:-1]): round(row[-1], 3) for row in rows}
