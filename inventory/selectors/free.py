"""What can be sold of every product at once: a few grouped queries, where `with_available` asks product by product."""

from datetime import datetime
from decimal import Decimal

from django.db.models import F, Sum

from inventory.models import KitComponent, ReservationLine

from .available import levels_sellable

ZERO = Decimal(0)


def free_of_all(*, now: datetime) -> dict[int, Decimal]:
    """By the product's primary key, of those that have levels in storage: on hand less what is reserved, but for what
    has run out; two queries.
    """
    sellable = levels_sellable()
    rows = sellable.values_list("product_id").annotate(whole=Sum(F("on_hand") - F("reserved")))
    free = {key: round(whole, 3) for key, whole in rows}
    gone = ReservationLine.objects.filter(
        counted=True, level__next_expiry__lte=now, reservation__expires_at__lte=now, level__in=sellable.values("pk")
    )
    for key, whole in gone.order_by().values_list("level__product_id").annotate(whole=Sum("quantity")):
        free[key] = free.get(key, ZERO) + round(whole, 3)
    return free


def free_of_kits(free: dict[int, Decimal]) -> dict[int, Decimal]:
    """How many of each kit what is free makes; one query."""
    made: dict[int, Decimal] = {}
    for kit, component, quantity in KitComponent.objects.order_by().values_list("kit_id", "component_id", "quantity"):
        whole = free.get(component, ZERO) // quantity
        made[kit] = min(made.get(kit, whole), whole)
    return made
