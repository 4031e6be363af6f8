"""The books against the answers that sealed events hold of the operations that wrote them.

Sums show that a book agrees with itself. Who owns the database can change a sale with its lines, or a movement with its
balance, and put the triggers back: this is found here, since the log says what was answered.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from audit import events
from audit.completeness import Gap, Look, check
from audit.models import AuditRecord
from shop_assistant.tracking import history_of

from .models import Order, OrderLine, Product, StockMovement

CHUNK = 500
PLACES = 4

Told = dict[str, tuple[str, Any]]
"""Who did it, and what it said, by what it was about."""


@check("books", "sales and stock updates against what their events say")
def books_as_told(look: Look) -> Iterator[Gap]:
    for operation, (agent, key, found_gaps) in _BOOKS.items():
        for told in _chunks(_told(look, agent, operation, key)):
            look.rows["books"] += len(told)
            yield from found_gaps(told)


def _told(look: Look, agent: str, operation: str, key: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    rows = AuditRecord.objects.filter(
        event=events.TASK_COMPLETED, agent=agent, seq__lte=look.size, payload__contains=f'"operation":"{operation}"'
    )
    for payload, user_id in rows.order_by("seq").values_list("payload", "user_id").iterator(chunk_size=CHUNK):
        outputs = _outputs(payload)
        if outputs.get(key) is not None:
            yield str(outputs[key]), (user_id, outputs)


def _outputs(payload: str) -> dict[str, Any]:
    try:
        found = json.loads(payload, parse_float=Decimal)["state"]["outputs"]
    except (ValueError, LookupError, TypeError):
        return {}  # no record of ours: audit_verify names it
    return found if isinstance(found, dict) else {}


def _chunks(told: Iterator[tuple[str, tuple[str, Any]]]) -> Iterator[Told]:
    while chunk := dict(islice(told, CHUNK)):
        yield chunk


def _sales(told: Told) -> Iterator[Gap]:
    orders = {order.reference: order for order in Order.objects.filter(reference__in=told)}
    lines: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    sold = OrderLine.objects.filter(order__reference__in=told)
    for reference, product, *line in sold.values_list("order__reference", "product_id", "quantity", "total"):
        lines[reference].append((product, *map(_number, line)))
    named = _named({line.get("sku") for _, said in told.values() for line in _lines(said)})
    for reference, (user_id, said) in told.items():
        if (order := orders.get(reference)) is None:
            yield Gap("books", f"order {reference}", "was told of, and is not there")
            continue
        same = {
            "seller": order.user_id == user_id,
            "total": _number(order.total) == _number(said.get("total")),
            "tax": _number(order.tax) == _number(said.get("tax")),
            "lines": _alike(lines[reference], _lines(said), named),
        }
        yield from _unlike(f"order {reference}", same)


def _lines(said: dict[str, Any]) -> list[dict[str, Any]]:
    return said.get("lines") or []


def _alike(sold: list[tuple[Any, ...]], said: list[dict[str, Any]], named: set[tuple[int, str]]) -> bool:
    """Line by line, in whatever order."""
    left = list(sold)
    for line in said:
        numbers = _number(line.get("quantity")), _number(line.get("total"))
        match = next((one for one in left if one[1:] == numbers and (one[0], line.get("sku")) in named), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _named(skus: set[Any]) -> set[tuple[int, str]]:
    """Products and these SKUs, where they have or ever had them: one may be renamed."""
    rows: list[Any] = [Product.objects, history_of(Product).objects]
    return {pair for some in rows for pair in some.filter(sku__in=skus).values_list("id", "sku")}


def _movements(told: Told) -> Iterator[Gap]:
    movements = {str(movement.pk): movement for movement in StockMovement.objects.filter(pk__in=map(int, told))}
    named = _named({said.get("sku") for _, said in told.values()})
    for number, (user_id, said) in told.items():
        if (movement := movements.get(number)) is None:
            yield Gap("books", f"stock movement {number}", "was told of, and is not there")
            continue
        moved = _number(said.get("quantity")) - _number(said.get("previous_quantity"))
        same = {
            "author": movement.user_id == user_id,
            "product": (movement.product_id, said.get("sku")) in named,
            "quantity": _number(movement.quantity) == round(moved, PLACES),
        }
        yield from _unlike(f"stock movement {number}", same)


def _unlike(what: str, same: dict[str, bool]) -> Iterator[Gap]:
    if wrong := [name for name, alike in same.items() if not alike]:
        yield Gap("books", what, f"has another {', '.join(wrong)} than its event says")


def _number(value: Any) -> Decimal:
    return round(Decimal(value if value is not None else 0), PLACES)


_BOOKS: dict[str, tuple[str, str, Callable[[Told], Iterator[Gap]]]] = {
    "sell": ("sales", "order", _sales),
    "update": ("inventory", "movement_id", _movements),
}
"""By operation: its agent, what of its answer names the row, and the comparison."""
