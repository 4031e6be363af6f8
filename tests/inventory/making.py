"""Products, stock and sales for the tests of the inventory."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from inventory.models import (
    CountEntry,
    CountLine,
    CountSheet,
    KitComponent,
    Location,
    Lot,
    Order,
    Product,
    Reservation,
    ReservationLine,
    StockLevel,
    StockMovement,
    Warehouse,
)
from inventory.services import SoldLine, lot_for, order_create, stock_adjust
from inventory.services.restocking import quarantine_of
from inventory.services.transfers import Item, transfer_send

USER = "USER-TEST"


def product(sku: str = "SKU001", **fields: Any) -> Product:
    made: Product = Product.objects.create(
        sku=sku, **{"name": f"Product {sku}", "list_price": Decimal("9.99"), "cost": Decimal("4"), **fields}
    )
    return made


def location(code: str = "A-01-01") -> Location:
    warehouse, _ = Warehouse.objects.get_or_create(code="MAIN", defaults={"name": "Main"})
    made, _ = Location.objects.get_or_create(code=code, defaults={"warehouse": warehouse})
    return made


def stocked(sku: str = "SKU001", *amounts: int | str, **fields: Any) -> Product:
    """A product with these amounts at A-01-01, A-01-02, …"""
    made = product(sku, **fields)
    for number, amount in enumerate(amounts, start=1):
        receive(made, amount, location(f"A-01-0{number}"))
    return made


def kit(sku: str, **parts: int | str) -> Product:
    """A kit of so many of each of these products, which are there already: `kit("SET", BOLT=4, NUT=4)`."""
    made = product(sku)
    for component, quantity in parts.items():
        KitComponent.objects.create(kit=made, component=Product.objects.get(sku=component), quantity=quantity)
    return made


def lotted(sku: str, *lots: tuple[str, int | str, date | None], at: Location | None = None, **fields: Any) -> Product:
    """A product with so many of each of these lots: code, quantity, last day of sale."""
    made = product(sku, **{"tracking": "lot", **fields})
    for code, amount, expires_on in lots:
        receive(made, amount, at or location(), lot=lot_for(product=made, code=code, expires_on=expires_on))
    return made


def receive(product: Product, amount: int | str, at: Location | None = None, lot: Lot | None = None) -> None:
    with transaction.atomic():
        stock_adjust(
            product=product,
            delta=Decimal(amount),
            location=at,
            lot=lot,
            kind=StockMovement.Kind.RECEIPT,
            user_id=USER,
        )


def promised(reference: str, product: Product, quantity: int | str = 1, **fields: Any) -> Reservation:
    """A reservation of a product that lies in one place."""
    level = StockLevel.objects.get(product=product)
    made: Reservation = Reservation.objects.create(reference=reference, user_id=USER, **fields)
    ReservationLine.objects.create(reservation=made, product=product, level=level, quantity=quantity)
    level.reserved += Decimal(quantity)
    level.next_expiry = min(filter(None, (level.next_expiry, made.expires_at)), default=None)
    level.save(update_fields=["reserved", "next_expiry"])
    return made


def lots_on_their_way() -> None:
    """LOTS, with the lots L-9001 to L-9004, of which L-9004 is blocked; TR-000001 and TR-000002 bring two of L-9003 to
    Q-MAIN.
    """
    made = lotted("LOTS", *((f"L-{number}", 5, None) for number in range(9001, 9005)))
    blocked = Lot.objects.get(product=made, code="L-9004")
    blocked.blocked = True
    blocked.save()
    last = Lot.objects.get(product=made, code="L-9003")
    for _ in range(2):
        with transaction.atomic():
            transfer_send(
                source=location(),
                destination=quarantine_of(location().warehouse),
                items=[Item(made, Decimal(1), last)],
                receive=False,
                user_id=USER,
            )


def line(product: Product, quantity: int | str = 1, price: str = "9.99", tax: str = "0", **fields: Any) -> SoldLine:
    return SoldLine(
        **{
            "product": product,
            "quantity": Decimal(quantity),
            "base_price": Decimal(price),
            "unit_price": Decimal(price),
            "tax_rate": Decimal(20),
            "tax": Decimal(tax),
            "total": (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01")),
            **fields,
        }
    )


def sell(*lines: SoldLine, **fields: Any) -> Order:
    with transaction.atomic():
        total = sum((sold.total for sold in lines), Decimal(0))
        return order_create(lines=lines, **{"subtotal": total, "user_id": USER, **fields})


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def count_sheet(number: int, status: str, counted: Product | None = None, off: int = 0) -> CountSheet:
    """CS-`number` with a line of the product where it mainly lies, counted as booked less `off`."""
    sheet: CountSheet = CountSheet(pk=number, reference=f"CS-{number}", status=status, user_id=USER)
    sheet.save(force_insert=True)
    item = counted or Product.objects.get(sku="SKU002")
    level = item.levels.select_related("location").order_by("pk")[0]
    made = CountLine.objects.create(sheet=sheet, number=1, product=item, location=level.location)
    if counted is not None:
        now = timezone.now()
        made.entry = CountEntry.objects.create(
            line=made, round=1, quantity=level.on_hand - off, booked=level.on_hand, off=off, counted_at=now,
            entered_at=now, user_id="USER-TEST",
        )  # fmt: skip
        made.save()
    return sheet
