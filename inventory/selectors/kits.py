"""What kits are made of."""

from collections.abc import Iterable

from inventory.models import KitComponent, Product


def kits_of(products: Iterable[Product]) -> dict[int, list[KitComponent]]:
    """What each kit among these products is made of, by its primary key; one query, none where no kit can be
    among them (products that are read to be sold say `is_kit`).
    """
    maybe = {product.pk for product in products if getattr(product, "is_kit", True)}
    found: dict[int, list[KitComponent]] = {}
    if maybe:
        rows = KitComponent.objects.filter(kit__in=maybe).select_related("component").order_by("kit", "pk")
        for row in rows:
            found.setdefault(row.kit_id, []).append(row)
    return found
