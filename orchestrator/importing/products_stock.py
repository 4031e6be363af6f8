"""The stock that a file of products tells, booked as counts: a movement and its level, always together."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from django.utils import timezone

from inventory.models import Location, Product, StockLevel, StockMovement
from inventory.selectors import Stock
from inventory.services.stock import Move, Why, levels_locked, stock_book
from shop_assistant.bulk import rows_insert

from .products_plan import ZERO, Change, chunks, moved_of

Opening = tuple[Product, Location, Decimal]
Places = Callable[[str], Location]
"""The location with a code; for "" the one where goods go that lie nowhere yet."""


def stock_open(opening: Iterable[Opening], why: Why) -> None:
    """The first stock of products at locations where they have none, not even an empty level."""
    rows = list(opening)
    moment = why.occurred_at or timezone.now()
    rows_insert(
        StockLevel,
        ("product_id", "location_id", "on_hand", "reserved", "serial", "oversold"),
        ((product.pk, place.pk, quantity, ZERO, False, False) for product, place, quantity in rows),
    )
    rows_insert(
        StockMovement,
        (
            "product_id", "location_id", "kind", "quantity", "balance", "unit_cost", "reason", "reference", "user_id",
            "task_id", "occurred_at", "oversold",
        ),
        (
            (
                product.pk, place.pk, why.kind.value, quantity, quantity, product.cost, why.reason, why.reference,
                why.user_id, why.task_id, moment, False,
            )
            for product, place, quantity in rows
        ),
    )  # fmt: skip


def stock_of_new(changes: list[Change], places: Places, why: Why) -> None:
    """Products made in this transaction, which nobody else can have moved."""
    stock_open(
        ((c.product, places(place), stock) for c in changes if c.product for place, stock in c.stocks.items()), why
    )


def stock_of_known(changes: list[Change], places: Places, why: Why, *, set_stock: bool) -> None:
    """Levels are locked. What has moved since the plan was made is left alone, unless `set_stock`."""
    for chunk in chunks(changes):
        products = {c.product.pk: c.product for c in chunk if c.product and c.stocks}
        levels = levels_locked(products.values())
        moved = set() if set_stock else moved_of(products.values())
        moves: list[Move] = []
        opening: list[Opening] = []
        for change in chunk:
            if change.product and change.stocks and change.product.pk not in moved:
                stock = Stock(levels[change.product.pk])
                for place, wanted in change.stocks.items():
                    level, location = _level(stock, place, places)
                    if level is None:
                        opening += [(change.product, location, wanted)] if wanted else []
                    elif delta := max(wanted, level.reserved) - level.on_hand:
                        moves.append(Move(level, delta, unit_cost=change.product.cost))
        if moves:
            stock_book(moves, why)
        stock_open(opening, why)


def _level(stock: Stock, place: str, places: Places) -> tuple[StockLevel | None, Location]:
    """Where no location is named, it is where the product mainly lies."""
    if not place and stock.main:
        return stock.main, stock.main.location
    location = places(place)
    return next((level for level in stock.levels if level.location_id == location.pk), None), location
