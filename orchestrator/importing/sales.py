"""Bringing in another shop's sales, or another till's: invoices, cancellations, and the stock they moved."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from inventory.models.columns import MAX_QUANTITY
from shop_assistant.money import round_money
from shop_assistant.tables.moments import Order
from shop_assistant.tables.rejects import Rejects, rejects_path

from . import sales_known as known
from .sales_balances import Balances, balances, moves_by_product
from .sales_buyers import people_of
from .sales_model import NOBODY, Item, SaleLine, Seen
from .sales_plan import Batch, batches, keys_of
from .sales_reading import Reading, Report, SalesFile, sales_read
from .sales_result import Imported, ImportRefused
from .sales_returns import Sales
from .sales_rows import Task
from .sales_storing import Stale, batch_store

BUNDLES_A_BATCH = 2000
LINES_A_BATCH = {"postgresql": 25_000, "sqlite": 10_000}
PAUSE = 0.15
"""Seconds between two batches on SQLite, where one writes at a time: the counter gets its turn."""
ATTEMPTS = 5


def sales_import(
    *,
    path: Path,
    user_id: str,
    preset: str | None = None,
    mapping: Mapping[str, str] | None = None,
    zone: ZoneInfo | None = None,
    date_order: Order | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    dry_run: bool = False,
    rejects: Path | None = None,
    progress: Report = lambda what, done, of: None,
) -> Imported:
    """Bring in the sales of a file: CSV or XLSX, one line a product sold. Lines that are in already stay as they are.

    Works in batches, each a transaction of its own: killed at any point, it leaves whole ones, and running it again
    adds the rest.

    :param user_id: who brings them in.
    :param preset: the program that the file comes from; guessed when left out.
    :param mapping: heading by field, where the usual ones mislead.
    :param zone: of times that name none; the shop's when left out.
    :param rejects: where lines that can't be used go; FILE.rejects.csv when left out.
    :param progress: told what is being done, how far it is, and of how much.
    :raises TableError: when the file can't be read as a table of sales.
    :raises MappingError: when the mapping names what is not there.
    :raises ImportRefused: when quantities are beyond what can be booked, or other imports kept getting in between.
    """
    reading = Reading(
        mapping=mapping or {},
        preset=preset,
        zone=zone,
        date_order=date_order,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
    )
    stored = known.products_known()
    pieces = {key for key, item in stored.items() if item.in_pieces}
    barred = known.products_barred()
    file = sales_read(path, reading, pieces, _by_name(stored.values()), progress, barred)
    _refuse_barred(file, barred)
    told = Imported(read=file.read, rejected=len(file.refused), notes=file.notes, dry_run=dry_run)
    aside = rejects_path(path, rejects)
    write = not dry_run and bool(file.refused or aside.exists())  # else a folder that can only be read will do
    with Rejects(aside, file.header, write=write) as refused:
        for row, reason in file.refused:
            refused.add(row, reason)
        told.first_rejects = refused.first
        told.rejects_path = refused.path if refused.count and not dry_run else None
        if dry_run:
            rows = set().union(*(batch.rows for batch in _Plan(file, told).batches))
        else:
            rows = _store(file, told, user_id, progress)
    told.added, told.unchanged = len(rows), file.read - len(file.refused) - len(rows)
    return told


def _store(file: SalesFile, told: Imported, user_id: str, progress: Report) -> set[int]:
    """Plan and store, again where something got in between; the rows taken."""
    rows: set[int] = set()
    reason = Stale()
    for attempt in range(ATTEMPTS):
        plan = _Plan(file, told)
        task = Task(user_id, plan.items, plan.people, plan.since, file.sha256)
        done, size = 0, sum(batch.size for batch in plan.batches)
        try:
            for number, batch in enumerate(plan.batches):
                if number and connection.vendor == "sqlite":
                    time.sleep(PAUSE)
                batch_store(
                    task,
                    batch,
                    plan.balances.balancing[number],
                    plan.balances.opening[number],
                    plan.last_batch + number + 1,
                )
                rows |= batch.rows
                done += batch.size
                progress("storing", done, size)
            return rows
        except Stale as stale:
            reason = stale
            time.sleep(attempt)
    raise ImportRefused(
        f"Something kept getting in between ({reason}). What was stored is whole; run this again when that is over: "
        "it adds the rest."
    )


class _Plan:
    """What is new in a file, fitted into the shop as it is now; also counts it for the one who asked."""

    def __init__(self, file: SalesFile, told: Imported) -> None:
        self.last_batch = known.batches_so_far()
        self.items = _items(file.products)
        self.people, places = people_of(file.buyers)
        usable = [NOBODY if self.people[place].erased else place for place in places]
        self.who = lambda buyer: usable[buyer] if buyer != NOBODY else NOBODY
        new, parts = _new_lines(file.lines, own=file.own)
        self.batches = batches(
            new,
            who=self.who,
            sales=self._sales,
            parts=parts,
            bundles_each=BUNDLES_A_BATCH,
            lines_each=LINES_A_BATCH[connection.vendor],
        )
        self.since = _first_sales(self.batches)
        self.balances = self._balances()
        self._tell(told)

    def _sales(self, back: list[SaleLine]) -> Sales:
        asked = [keys_of(line, self.who) for line in back]
        sales = Sales((invoice for invoice, _ in asked), (buyer for _, buyer in asked if buyer[0] != NOBODY))
        customers = {place: person.pk for place, person in enumerate(self.people) if person.pk}
        known.sales_known(sales, asked, self.items, customers)
        return sales

    def _balances(self) -> Balances:
        moves = moves_by_product(self.batches)
        firsts = {pk: own[0][1].moment for key, own in moves.items() if (pk := self.items[key].pk) is not None}
        locations = known.locations_of(firsts)
        stock = known.stock_known(firsts)
        for key in moves:
            self.items[key].location = locations.get(self.items[key].pk or 0)
        found = {key: stock[pk] for key in moves if (pk := self.items[key].pk) in stock}
        return balances(self.batches, moves, found, MAX_QUANTITY)

    def _tell(self, told: Imported) -> None:
        """Of what was planned last: an import that had to plan again counts what was left."""
        told.orders = sum(len(batch.orders) for batch in self.batches)
        told.returns = sum(len(batch.returns) for batch in self.batches)
        told.of_unknown_sales = sum(made.order is None for batch in self.batches for made in batch.returns)
        told.stock_notes = sum(len(batch.notes) for batch in self.batches)
        keys = {move.sku if isinstance(move, SaleLine) else move.line.sku for b in self.batches for move in b.moves()}
        told.products = sum(self.items[key].pk is None for key in keys)
        told.customers = sum(self.people[place].pk is None for place in self.since)
        told.opened, told.history = self.balances.opened, self.balances.history
        told.topped_up = {self.items[key].sku: quantity for key, quantity in self.balances.topped_up.items()}


def _by_name(items: Iterable[Item]) -> dict[str, str]:
    """SKUs by name, in lower case, of the products that are the only ones with their name."""
    named: dict[str, list[str]] = {}
    for item in items:
        named.setdefault(item.name.casefold(), []).append(item.sku)
    return {name: skus[0] for name, skus in named.items() if len(skus) == 1}


def _items(products: Mapping[str, Seen]) -> dict[str, Item]:
    """The file's products: as the shop has them, or as the file describes them."""
    stored = known.products_known()
    return {key: stored.get(key) or _item(seen) for key, seen in products.items()}


def _item(seen: Seen) -> Item:
    sku = seen.skus.most_common(1)[0][0]
    names = seen.names or seen.other_names
    price = seen.prices.most_common(1)[0][0] if seen.prices else Decimal(0)
    return Item(
        sku=sku,
        name=names.most_common(1)[0][0] if names else sku,
        in_pieces=not seen.fractional,
        list_price=round_money(price, settings.SHOP_CURRENCY),
    )


def _refuse_barred(file: SalesFile, barred: Mapping[str, known.Barred]) -> None:
    """Of products whose stock an import can't change no line is new."""
    numbers = {line.number for line in file.lines if line.row in file.special}
    if not numbers:
        return
    new, _ = _new_lines([line for line in file.lines if line.number in numbers], own=file.own)
    told = {line.row: why for line in new if (found := barred.get(line.sku)) and (why := found.told(line.moment))}
    file.lines = [line for line in file.lines if line.row not in told]
    file.refused += [(file.special[row], why) for row, why in told.items()]
    file.refused.sort(key=lambda pair: pair[0].number)


def _new_lines(lines: list[SaleLine], *, own: bool) -> tuple[list[SaleLine], dict[str, int]]:
    """Those that no earlier import took and no order here has; and how many parts their invoices have so far.

    In the shop's own export every number is an order's or return's, whole: it is here or it is new.
    """
    numbers = dict.fromkeys(line.number for line in lines)
    documents = known.documents_known(numbers)
    here = known.references_known([number for number in numbers if own or number not in documents])
    new: list[SaleLine] = []
    for line in lines:
        document = documents.get(line.number)
        if line.number not in here and not (document and known.is_known(line, document.lines)):
            new.append(line)
    return new, {number: document.parts for number, document in documents.items()}


def _first_sales(made: list[Batch]) -> dict[int, datetime]:
    since: dict[int, datetime] = {}
    for batch in made:
        for order in batch.orders:
            if order.buyer != NOBODY:
                since[order.buyer] = min(order.moment, since.get(order.buyer, order.moment))
    return since
