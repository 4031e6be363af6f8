"""Stores a planned batch: one transaction, whole or not at all."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from audit.history import authored, noted_rows
from audit.services import event_record
from customers.models import CustomerOrder
from customers.services import customers_create_all
from inventory.models import (
    Order,
    OrderLine,
    OrderReturn,
    OrderReturnLine,
    Product,
    ReferenceCounter,
    ReturnedQuantity,
    StockLevel,
    StockMovement,
    Unit,
)
from inventory.services.stock import levels_locked
from inventory.stock_reasons import TOPPED_UP
from orchestrator.models import ImportedDocument
from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.bulk import references_check, rows_insert, rows_update

from .sales_buyers import Person
from .sales_model import NOBODY, Item
from .sales_plan import Batch
from .sales_rows import (
    LINE,
    MOVEMENT,
    ORDER,
    RETURN,
    RETURN_LINE,
    RETURNED_QUANTITY,
    Rows,
    Task,
    line_of,
    movement_row,
    rows_gather,
)
from .sales_stock import JUST, Balancing

ROWS_AN_EVENT = 500


class Stale(Exception):
    """Something changed since the plan was made: make it again."""


def batch_store(
    task: Task, batch: Batch, balancing: Sequence[tuple[str, Balancing]], opening: set[str], number: int
) -> None:
    """Store a batch as the import's number `number` (I-000123).

    :raises Stale: when another import stored something meanwhile, or somebody else a product, customer, return or
        first movement that the plan did not know of; or the database was too busy. Nothing is stored then.
    """
    try:
        with transaction.atomic():
            _take_number(number)
            with authored(task.user_id, "import"):
                people = _people_create(task, batch)
                products = _products_create(task, batch)
                history = noted_rows()
            rows = rows_gather(task, batch, balancing)
            _insert(batch, rows, number)
            references_check()
            _returned_update(rows)
            _levels_update(task, rows, opening)
            _record(task, batch, number, people, products, history)
    except ValidationFailed as error:
        raise Stale(error.message) from error
    except IntegrityError as error:
        if "check constraint" in str(error).lower():
            raise  # no one else's doing
        raise Stale("a row that was not there") from error
    except OperationalError as error:
        connection.close_if_unusable_or_obsolete()
        raise Stale(str(error).partition("\n")[0]) from error


def _take_number(number: int) -> None:
    """The counter's row stays locked to the end: imports take turns, and see when another was faster."""
    if number == 1:
        ReferenceCounter.objects.bulk_create([ReferenceCounter(prefix="I")], ignore_conflicts=True)
    if not ReferenceCounter.objects.filter(prefix="I", last=number - 1).update(last=F("last") + 1):
        raise Stale("another import")


def _people_create(task: Task, batch: Batch) -> int:
    new: dict[int, Person] = {}
    for order in batch.orders:
        if order.buyer != NOBODY and task.people[order.buyer].pk is None:
            new.setdefault(order.buyer, task.people[order.buyer])
    made = customers_create_all([person.as_new(task.since[place]) for place, person in new.items()])
    for person, customer in zip(new.values(), made, strict=True):
        person.pk = customer.pk
    return len(made)


def _products_create(task: Task, batch: Batch) -> int:
    new: dict[str, Item] = {}
    for move in batch.moves():
        key = line_of(move).sku
        if task.items[key].pk is None:
            new.setdefault(key, task.items[key])
    made = Product.objects.create_all(
        Product(
            sku=item.sku,
            name=item.name,
            unit=Unit.PIECE if item.in_pieces else Unit.KILOGRAM,
            list_price=item.list_price,
            needs_review=True,
        )
        for item in new.values()
    )
    for item, product in zip(new.values(), made, strict=True):
        item.pk, item.tax_rate = product.pk, Decimal(product.tax_rate)
    return len(made)


def _insert(batch: Batch, rows: Rows, number: int) -> None:
    rows_insert(Order, ORDER, rows.orders)
    rows_insert(OrderLine, LINE, rows.lines)
    rows_insert(CustomerOrder, ("order_id", "customer_id"), rows.owners)
    rows_insert(OrderReturn, RETURN, rows.returns)
    rows_insert(OrderReturnLine, RETURN_LINE, rows.return_lines)
    rows_insert(StockMovement, MOVEMENT, rows.movements)
    taken = ((name, number, bytes(part.marks), part.parts) for name, part in batch.taken.items())
    rows_insert(ImportedDocument, ("number", "batch", "lines", "parts"), taken)


def _returned_update(rows: Rows) -> None:
    """:raises Stale: when more came back meanwhile than the plan knows."""
    stored = {sold.pk: sold for sold in rows.back if sold.has_row and sold.pk}
    found = ReturnedQuantity.objects.select_for_update().filter(pk__in=stored).order_by("pk")
    for row in found:
        if (row.quantity, row.refunded) != rows.back[stored[row.pk]]:
            raise Stale("a return")
    rows_update(ReturnedQuantity, "quantity", {pk: sold.returned for pk, sold in stored.items()})
    rows_update(ReturnedQuantity, "refunded", {pk: sold.refunded for pk, sold in stored.items()})
    new = [sold for sold in rows.back if not sold.has_row]
    values = ((sold.pk, sold.quantity, sold.returned, sold.refunded) for sold in new)
    rows_insert(ReturnedQuantity, RETURNED_QUANTITY, values)
    for sold in new:
        sold.has_row = True


def _levels_update(task: Task, rows: Rows, opening: set[str]) -> None:
    """Locked as late as can be. Where live sales left less than the plan counts on, what is missing is added.

    :raises Stale: when something came in of a product that was planned to get its opening stock, or it became a kit.
    """
    places = [(product, location, None) for product, location in rows.moved]
    levels = levels_locked((Product(pk=product) for product, _ in rows.moved), create=places)
    first = {task.items[product].pk for product in opening}
    left: dict[int, Decimal] = {}
    added = []
    for found in levels.values():
        for level in found:
            if level.product_id in first and level.on_hand:
                raise Stale("a first movement")
            if getattr(level, "of_kit", False):
                raise Stale("a kit that was made")
            place = (level.product_id, level.location_id)
            if place not in rows.moved or level.lot_id:
                continue
            on_hand = level.on_hand + rows.moved[place]
            if (missing := level.reserved - on_hand) > 0:
                movement = Balancing(rows.earliest[place] - JUST, missing, TOPPED_UP, missing)
                item = Item("", level.product_id)
                added.append(movement_row(task, item, level.location_id, movement, {}))
                on_hand += missing
            if on_hand != level.on_hand:
                left[level.pk] = on_hand
    rows_insert(StockMovement, MOVEMENT, added)
    rows_update(StockLevel, "on_hand", left)


def _record(task: Task, batch: Batch, number: int, people: int, products: int, history: list[dict[str, Any]]) -> None:
    """The batch's event, and more of them where one would list too many rows of history."""
    counts = {
        "lines": batch.size,
        "orders": len(batch.orders),
        "returns": len(batch.returns),
        "notes": len(batch.notes),
        "customers": people,
        "products": products,
    }
    reference = f"I-{number:06d}"
    for start in range(0, len(history) or 1, ROWS_AN_EVENT):
        rows = history[start : start + ROWS_AN_EVENT]
        more = counts if start == 0 else {}
        event_record("SALES_IMPORTED", user_id=task.user_id, batch=reference, sha256=task.sha256, history=rows, **more)
