"""The shop that is tortured: fifty hot SKUs, plain ones, some in lots and some kits, in two warehouses."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from inventory.models import KitComponent, Location, Product, Supplier, Tracking, Warehouse
from shop_assistant.agents import call

PLAIN = tuple(f"HOT{number:02}" for number in range(1, 41))
LOTTED = tuple(f"LOT{number:02}" for number in range(1, 6))
KITS = {f"KIT{number:02}": {PLAIN[number]: 2, PLAIN[number + 5]: 1, LOTTED[number - 1]: 1} for number in range(1, 6)}
"""what is in each: units by SKU"""
SHELVES = ("A-01", "A-02", "B-01")
LOTS = ("L1", "L2", "L3")
OPENING = 12
SUPPLIER = "TORTURE"


def shop_fill() -> dict[str, Decimal]:
    """Make it: units of each SKU on hand."""
    supplier = Supplier.objects.create(code=SUPPLIER, name="Torture Ltd")
    for shelf in SHELVES:
        warehouse, _ = Warehouse.objects.get_or_create(code=shelf[0], defaults={"name": f"Warehouse {shelf[0]}"})
        Location.objects.create(code=shelf, warehouse=warehouse)
    made = {
        sku: Product.objects.create(
            sku=sku,
            name=f"Torture {sku}",
            supplier=supplier,
            list_price=Decimal("9.99"),
            cost=Decimal(4),
            tracking=Tracking.LOT if sku in LOTTED else Tracking.NONE,
        )
        for sku in (*PLAIN, *LOTTED, *KITS)
    }
    for sku, parts in KITS.items():
        for component, quantity in parts.items():
            KitComponent.objects.create(kit=made[sku], component=made[component], quantity=quantity)
    return {sku: _open(sku) for sku in (*PLAIN, *LOTTED)}


def _open(sku: str) -> Decimal:
    """Plain ones lie on the first two shelves, the lots of the others on the first."""
    later = timezone.localdate() + timedelta(days=30)
    for number in range(3 if sku in LOTTED else 2):
        place = {"location": SHELVES[0 if sku in LOTTED else number]}
        lot = {"lot": LOTS[number], "expires_on": str(later + timedelta(days=number))} if sku in LOTTED else {}
        told = call("inventory", "update", {"sku": sku, "delta": OPENING, "reason": "delivery", **place, **lot})
    return Decimal(str(told["quantity"]))
