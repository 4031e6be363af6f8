"""The rows of a planned batch: orders, returns and movements, with their amounts and primary keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from inventory.models import Order, OrderLine, OrderReturn, StockMovement
from inventory.refunds import part
from inventory.services.stock import location_default
from shop_assistant.bulk import keys_reserve
from shop_assistant.money import minor_unit, round_money, tax_of

from .sales_buyers import Person
from .sales_model import NOBODY, ZERO, Item, SaleLine
from .sales_plan import Back, Batch, NewOrder
from .sales_returns import Sold
from .sales_stock import Balancing

CHANNEL, PAYMENT, RESTOCK = "import", "other", "restock"
RETURNED, WRITTEN_OFF = "returned, from an import", "taken out of stock, from an import"
Kind = StockMovement.Kind

ORDER = (
    "id", "reference", "channel", "occurred_at", "currency", "subtotal", "discount", "points_value", "tax", "total",
    "payment", "coupon", "user_id",
)  # fmt: skip
LINE = (
    "id", "order_id", "number", "product_id", "location_id", "quantity", "base_price", "unit_price", "unit_cost",
    "tax_rate", "tax", "total", "rules",
)  # fmt: skip
RETURN = ("id", "reference", "order_id", "occurred_at", "reason", "restocked", "disposition", "total", "tax", "user_id")
RETURN_LINE = ("order_return_id", "line_id", "quantity", "total", "tax")
RETURNED_QUANTITY = ("line_id", "sold", "quantity", "refunded")
MOVEMENT = (
    "product_id", "location_id", "kind", "quantity", "balance", "unit_price", "unit_cost", "reason", "reference",
    "user_id", "occurred_at", "oversold",
)  # fmt: skip


@dataclass(slots=True)
class Task:
    """What stays the same for all batches of a file."""

    user_id: str
    items: dict[str, Item]
    people: list[Person]
    since: dict[int, datetime]
    """by person: the first sale"""
    sha256: str
    """of the file"""


@dataclass(slots=True)
class Rows:
    """Rows of a batch as they are gathered."""

    orders: list[tuple[Any, ...]] = field(default_factory=list)
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    owners: list[tuple[Any, ...]] = field(default_factory=list)
    returns: list[tuple[Any, ...]] = field(default_factory=list)
    return_lines: list[tuple[Any, ...]] = field(default_factory=list)
    movements: list[tuple[Any, ...]] = field(default_factory=list)
    moved: dict[tuple[int, int], Decimal] = field(default_factory=dict)
    """by product and location: what the batch does to the level"""
    earliest: dict[tuple[int, int], datetime] = field(default_factory=dict)
    back: dict[Sold, tuple[Decimal, Decimal]] = field(default_factory=dict)
    """by line: what had come back and was refunded before this batch"""


def rows_gather(task: Task, batch: Batch, balancing: Sequence[tuple[str, Balancing]]) -> Rows:
    rows = Rows()
    default = location_default().pk if any(item.location is None for item in task.items.values()) else None
    references: dict[int, str] = {}
    _gather_orders(task, batch, rows, default, references)
    _gather_returns(task, batch, rows, references)
    extra = {id(movement): product for product, movement in balancing}
    moves = sorted([*(movement for _, movement in balancing), *batch.moves()], key=lambda move: move.moment)
    for move in moves:
        item = task.items[extra[id(move)] if isinstance(move, Balancing) else line_of(move).sku]
        location = item.location or default
        rows.movements.append(movement_row(task, item, location, move, references))
        place = (_stored(item.pk), _stored(location))
        rows.moved[place] = rows.moved.get(place, ZERO) + move.moved
        rows.earliest.setdefault(place, move.moment)
    return rows


def movement_row(task: Task, item: Item, location: Any, move: Any, references: dict[int, str]) -> tuple[Any, ...]:
    kind, price, cost, reason, reference = Kind.ADJUSTMENT, None, item.cost, "", ""
    if isinstance(move, Balancing):
        reason = move.reason
    elif isinstance(move, Back):
        kind, price, reason, reference = Kind.RETURN, move.line.price, RETURNED, references[id(move)]
    elif id(move) in references:
        kind, price, reference = Kind.SALE, move.price, references[id(move)]
    else:
        kind, reason, reference = Kind.WRITE_OFF, move.text or WRITTEN_OFF, move.number
    balance = max(move.balance, ZERO)
    return (
        item.pk, location, kind.value, move.moved, balance, price, cost, reason, reference, task.user_id, move.moment,
        False,
    )  # fmt: skip


def _gather_orders(task: Task, batch: Batch, rows: Rows, default: int | None, references: dict[int, str]) -> None:
    currency, included = settings.SHOP_CURRENCY, settings.PRICES_INCLUDE_TAX
    line_keys = iter(keys_reserve(OrderLine, sum(len(order.lines) for order in batch.orders)))
    for order, pk in zip(batch.orders, keys_reserve(Order, len(batch.orders)), strict=True):
        order.pk = pk
        subtotal = tax_sum = ZERO
        for place, line in enumerate(order.lines):
            item, key = task.items[line.sku], next(line_keys)
            tax = round_money(tax_of(line.amount, item.tax_rate, included=included), currency)
            total = line.amount if included else line.amount + tax
            subtotal, tax_sum = subtotal + line.amount, tax_sum + tax
            rows.lines.append(
                (
                    key, pk, place + 1, item.pk, item.location or default, line.quantity, line.price, line.price,
                    item.cost, item.tax_rate, tax, total, "",
                )
            )  # fmt: skip
            references[id(line)] = order.reference
            if sold := order.sold.get(place):
                sold.pk, sold.total, sold.tax = key, total, tax
        total = subtotal if included else subtotal + tax_sum
        rows.orders.append(
            (
                pk, order.reference, CHANNEL, order.moment, currency, subtotal, ZERO, ZERO, tax_sum, total, PAYMENT,
                "", task.user_id,
            )
        )  # fmt: skip
        if order.buyer != NOBODY:
            rows.owners.append((pk, task.people[order.buyer].pk))


def _gather_returns(task: Task, batch: Batch, rows: Rows, references: dict[int, str]) -> None:
    for made, pk in zip(batch.returns, keys_reserve(OrderReturn, len(batch.returns)), strict=True):
        total = tax = ZERO
        for back in made.backs:
            amount, its_tax = _refund(task, back, rows)
            total, tax = total + amount, tax + its_tax
            references[id(back)] = made.reference
            if back.sold:
                rows.return_lines.append((pk, back.sold.pk, back.quantity, amount, its_tax))
        order = made.order.pk if isinstance(made.order, NewOrder) else made.order
        rows.returns.append((pk, made.reference, order, made.moment, RETURNED, True, RESTOCK, total, tax, task.user_id))


def _refund(task: Task, back: Back, rows: Rows) -> tuple[Decimal, Decimal]:
    """Money and the tax in it: of what was paid where the sale is known, else what the file says."""
    sold, currency = back.sold, settings.SHOP_CURRENCY
    if sold is None:
        included = settings.PRICES_INCLUDE_TAX
        amount = round_money(back.line.amount * back.quantity / back.line.quantity, currency)
        tax = round_money(tax_of(amount, task.items[back.line.sku].tax_rate, included=included), currency)
        return (amount if included else amount + tax), tax
    rows.back.setdefault(sold, (sold.returned, sold.refunded))
    amount, tax = (
        part(of, sold=sold.quantity, before=sold.returned, now=back.quantity, unit=minor_unit(currency))
        for of in (sold.total, sold.tax)
    )
    sold.returned, sold.refunded = sold.returned + back.quantity, sold.refunded + amount
    return amount, tax


def _stored(key: int | None) -> int:
    if key is None:
        raise ValueError("what a movement refers to must be stored before it")
    return key


def line_of(move: SaleLine | Back) -> SaleLine:
    return move if isinstance(move, SaleLine) else move.line
