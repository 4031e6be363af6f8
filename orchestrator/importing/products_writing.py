"""Writes a plan: new products, changed ones, their stock as counts, and the event that seals their histories."""

from collections.abc import Iterable, Iterator
from typing import Any

from audit.history import authored, noted_rows
from audit.services import event_record
from inventory.models import Category, Location, Product, StockMovement, Supplier, Warehouse
from inventory.services import location_default
from inventory.services.stock import Why

from .products_fields import ProductRow
from .products_plan import ZERO, Change, Plan, chunks, differences
from .products_reading import Progress
from .products_stock import stock_of_known, stock_of_new
from .supplier_codes import supplier_code

EVENT = "PRODUCTS_IMPORTED"
ROWS_AN_EVENT = 500


def plan_write(
    plan: Plan, *, user_id: str, set_stock: bool, source: str, told: dict[str, Any], progress: Progress
) -> None:
    """Within the caller's transaction.

    :param source: what the movements give for their reason.
    :param told: what the events say beside the rows of history.
    """
    total = len(plan.new) + len(plan.changed)
    with authored(user_id, f"import of {source}") as authorship:
        names = _Names(plan)
        for done in _products_written(plan, names):
            progress("writing", done, total)
            if len(authorship.rows) >= ROWS_AN_EVENT:
                _record(noted_rows(), user_id, told)
        why = Why(kind=StockMovement.Kind.COUNT, user_id=user_id, reason=f"import of {source}"[:500])
        stock_of_new(plan.new, names.location, why)
        stock_of_known(plan.changed, names.location, why, set_stock=set_stock)
        _record(noted_rows(), user_id, told)


def _products_written(plan: Plan, names: "_Names") -> Iterator[int]:
    """How many so far, chunk by chunk."""
    done = 0
    for chunk in chunks(plan.new):
        made = Product.objects.create_all([_made(change, names) for change in chunk])
        for change, product in zip(chunk, made, strict=True):
            change.product = product
        done += len(chunk)
        yield done
    for chunk in chunks(plan.changed):
        _change(chunk, names)
        done += len(chunk)
        yield done


class _Names:
    """Categories, suppliers and locations by name; those not seen before are made."""

    def __init__(self, plan: Plan) -> None:
        rows = [change.told for change in plan.changes]
        self.categories = {row.name.lower(): row for row in Category.objects.all()}
        self.suppliers = {row.code.lower(): row for row in Supplier.objects.all()}
        self.suppliers |= {row.name.lower(): row for row in Supplier.objects.all()}
        self.locations = {row.code.lower(): row for row in Location.objects.all()}
        self._make_categories(_unseen((row.category for row in rows), self.categories))
        self._make_suppliers(_unseen((row.supplier for row in rows), self.suppliers))
        places = {place for change in plan.changes for place in change.stocks}
        if "" in places:
            first = location_default()  # the shop's first location, so before others are made
            self.locations[""] = self.locations[first.code.lower()] = first
        self._make_locations(_unseen(sorted(places), self.locations))

    def location(self, code: str) -> Location:
        return self.locations[code.lower()]

    def _make_categories(self, names: list[str]) -> None:
        for row in Category.objects.create_all([Category(name=name) for name in names]):
            self.categories[row.name.lower()] = row

    def _make_suppliers(self, names: list[str]) -> None:
        taken = {row.code.lower() for row in self.suppliers.values()}
        made = []
        for name in names:
            code = supplier_code(name, taken)
            taken.add(code.lower())
            made.append(Supplier(code=code, name=name))
        for row in Supplier.objects.create_all(made):
            self.suppliers[row.name.lower()] = row

    def _make_locations(self, codes: list[str]) -> None:
        if not codes:
            return
        warehouse, _ = Warehouse.objects.get_or_create(code="MAIN", defaults={"name": "Main warehouse"})
        for row in Location.objects.create_all([Location(warehouse=warehouse, code=code) for code in codes]):
            self.locations[row.code.lower()] = row


def _unseen(names: Iterable[str | None], known: dict[str, Any]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        if name and name.lower() not in known:
            found.setdefault(name.lower(), name)
    return list(found.values())


def _made(change: Change, names: _Names) -> Product:
    told = change.told
    values = {name: new for name, (_, new) in change.fields.items()}
    if told.list_price is None:
        values |= {"list_price": ZERO, "active": False, "needs_review": True}
    return Product(sku=told.sku, **_resolved(values, names))


def _change(changes: list[Change], names: _Names) -> None:
    """Locked and compared once more: what others changed meanwhile stays where the file tells nothing."""
    told: dict[int, ProductRow] = {change.product.pk: change.told for change in changes if change.product}
    rows = Product.objects.select_for_update(of=("self",)).select_related("category", "supplier")
    changed: list[Product] = []
    fields: set[str] = set()
    for product in rows.filter(pk__in=told).order_by("pk"):
        values = {name: new for name, (_, new) in differences(told[product.pk], product).items()}
        for name, value in _resolved(values, names).items():
            setattr(product, name, value)
        if values:
            changed.append(product)
            fields |= values.keys()
    if changed:
        Product.objects.change_all(changed, fields)


def _resolved(values: dict[str, Any], names: _Names) -> dict[str, Any]:
    if "category" in values:
        values["category"] = names.categories[values["category"].lower()]
    if "supplier" in values:
        values["supplier"] = names.suppliers[values["supplier"].lower()]
    return values


def _record(rows: list[dict[str, Any]], user_id: str, told: dict[str, Any]) -> None:
    """One event, or as many as it takes: each says what was imported in all."""
    for start in range(0, max(1, len(rows)), ROWS_AN_EVENT):
        event_record(EVENT, user_id=user_id, **told, history=rows[start : start + ROWS_AN_EVENT])
