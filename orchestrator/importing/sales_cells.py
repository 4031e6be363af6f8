"""Reading the cells of a sales file, each content once. Pure."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shop_assistant.tables.table import Cell
from shop_assistant.tables.values import code_of, text_of

from .sales_model import Refused

PRICE_GRAIN = Decimal("0.0001")
REMEMBERED = 500_000


class CellReader:
    def __init__(self, places: Mapping[str, int]) -> None:
        """:param places: of the fields' columns."""
        self._places = dict(places)
        self._known: dict[tuple[str, Any], Any] = {}

    def cell(self, cells: list[Cell], name: str) -> Cell:
        at = self._places.get(name)
        return cells[at] if at is not None and at < len(cells) else None

    def get(self, cells: list[Cell], name: str, read: Callable[[Cell], Any]) -> Any:
        at = self._places.get(name)
        if at is None or at >= len(cells) or (cell := cells[at]) is None or cell == "":
            return None
        try:
            return self.once(name, cell, read)
        except ValueError as error:
            raise Refused(f"has a {name.replace('_', ' ')} that can't be read: {error}") from None

    def once(self, name: str, value: Any, read: Callable[[Any], Any]) -> Any:
        """The same cell comes many times: it is read once, and what was read takes memory once."""
        key = (name, value)
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) > REMEMBERED:
                self._known.clear()
            found = self._known[key] = read(value)
            return found


def customer_code(cell: Cell) -> str:
    """Some programs write 0 for a guest, and spreadsheets 16316.0 for a number."""
    code = code_of(cell).removesuffix(".0")
    return "" if code == "0" else code


def word(cell: Cell) -> str:
    return re.sub(r"[\W_]+", "", text_of(cell).casefold()).removeprefix("wc")


def four_places(price: Decimal) -> Decimal:
    return price.quantize(PRICE_GRAIN, ROUND_HALF_UP)
