"""What is left after the torture against what everybody was told."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from statistics import quantiles
from typing import Any

from django.db import connection
from django.db.models import Sum

from inventory.models import Order, OrderReturn, Reservation, StockLevel, StockMovement, Transfer
from inventory.selectors.history import transit_differences
from orchestrator.models import TaskState

from .watch import FINDINGS, disagreements

ZERO = Decimal(0)
BUSINESS = {"INSUFFICIENT_STOCK", "CONFLICT", "CLARIFICATION_NEEDED"}
"""What callers may be told when others were faster; anything else is a fault."""
BOOKS: dict[str, Any] = {"order": Order, "return": OrderReturn, "reservation": Reservation, "transfer": Transfer}


def judge(*, folder: Path, opening: dict[str, str], processes: int) -> dict[str, Any]:
    """The report; `ok` says whether all is well."""
    told = [json.loads(path.read_text()) for path in sorted(folder.glob("load-*.json"))]
    watched = json.loads((folder / "watch.json").read_text()) if (folder / "watch.json").exists() else None
    checks = {
        "every process came to its end": [] if len(told) == processes else [f"{len(told)} of {processes}"],
        "nothing but business errors reached a caller": list(_faults(told)),
        "available was never negative, and the books agreed at every look": (
            watched["findings"] if watched and watched["looks"] else ["nobody looked"]
        ),
        "ledger = balance, reserved = reservations": disagreements(),
        "in transit = transfers under way": [
            f"{product.sku}: {here} in transit, transfers say {sent}" for product, here, sent in transit_differences()
        ],
        "every movement's balance follows from the one before": list(_broken_chains()),
        "stock is what callers were told": list(_stock(told, opening)),
        "what callers were told of is there once, and nothing else": list(_references(told)),
    }
    return {
        "ok": not any(checks.values()),
        "checks": {name: found[:FINDINGS] or "ok" for name, found in checks.items()},
        "operations": _operations(told),
        "refused": {way: dict(codes) for way, codes in sorted(_merged(run["refused"] for run in told).items())},
        "movements": StockMovement.objects.count(),
        "retried": _retried(),
        "deadlocks": _deadlocks(),
        "looks": watched["looks"] if watched else 0,
        "lowest_available": watched["lowest_available"] if watched else None,
    }


def _faults(told: list[dict[str, Any]]) -> Iterator[str]:
    for run in told:
        yield from run["crashes"]
        for way, codes in run["refused"].items():
            for code in codes.keys() - BUSINESS:
                yield f"{way}: {codes[code]} x {code}"


def _broken_chains() -> Iterator[str]:
    balances: dict[tuple[int, int, int | None], Decimal] = {}
    rows = StockMovement.objects.order_by("pk")
    columns = ("pk", "product_id", "location_id", "lot_id", "quantity", "balance")
    for pk, product, location, lot, quantity, balance in rows.values_list(*columns).iterator(chunk_size=2000):
        expected = balances.get((product, location, lot), ZERO) + quantity
        if balance != expected:
            yield f"movement {pk} leaves {balance} where {expected} should be"
        balances[product, location, lot] = balance


def _stock(told: list[dict[str, Any]], opening: dict[str, str]) -> Iterator[str]:
    sums = StockLevel.objects.order_by().values_list("product__sku").annotate(Sum("on_hand"))
    actual = {sku: round(units, 3) for sku, units in sums}
    for sku, units in opening.items():
        expected = Decimal(units) + sum((Decimal(run["moved"].get(sku, "0")) for run in told), ZERO)
        if actual.get(sku, ZERO) != expected:
            yield f"{sku}: {actual.get(sku, ZERO)} are there, callers were told of {expected}"


def _references(told: list[dict[str, Any]]) -> Iterator[str]:
    for kind, model in BOOKS.items():
        heard = Counter(reference for run in told for reference in run["references"].get(kind, ()))
        there = set(model.objects.values_list("reference", flat=True))
        yield from (f"{kind} {reference} was told {n} times" for reference, n in heard.items() if n > 1)
        yield from (f"{kind} {reference} was told, but is not there" for reference in heard.keys() - there)
        yield from (f"{kind} {reference} is there, but nobody was told" for reference in there - heard.keys())


def _operations(told: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    times: dict[str, list[float]] = {}
    for run in told:
        for name, taken in run["milliseconds"].items():
            times.setdefault(name, []).extend(taken)
    return {name: _summary(taken) for name, taken in sorted(times.items())}


def _summary(taken: list[float]) -> dict[str, float]:
    cuts = quantiles(taken, n=20) if len(taken) > 1 else taken * 19
    return {"done": len(taken), "median_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}


def _merged(parts: Iterable[dict[str, dict[str, int]]]) -> dict[str, Counter[str]]:
    whole: dict[str, Counter[str]] = {}
    for part in parts:
        for way, codes in part.items():
            whole.setdefault(way, Counter()).update(codes)
    return whole


def _retried() -> int:
    """Tasks that needed more than one attempt."""
    calls = TaskState.objects.values_list("agent_calls", flat=True)
    return sum(any(call.get("attempt", 1) > 1 for call in made) for made in calls.iterator(chunk_size=1000))


def _deadlocks() -> int | None:
    """As the server counts them; None: SQLite knows none."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        (found,) = cursor.fetchone()
    return int(found)
