"""Lots taken off sale, and back."""

from inventory.fixed_sql import stock_stand_still
from inventory.models import Lot, Product
from shop_assistant.agents.errors import Conflict

from .lot_naming import lot_get


def lot_block(*, product: Product, code: str, blocked: bool) -> Lot:
    """Block a lot (recalled, doubtful), wherever it lies: nothing of it can be sold from now on, nor by a sale that has
    begun; or let it be sold again. What was promised of it stays promised, and can't be taken.

    :raises NotFound: with the codes of some that lie in stock.
    :raises Conflict: when it is so already.
    """
    stock_stand_still()
    lot = (
        Lot.objects.select_for_update(of=("self",))
        .select_related("product")
        .get(pk=lot_get(product=product, code=code).pk)
    )
    if lot.blocked == blocked:
        raise Conflict(f"{lot} is {'blocked already' if blocked else 'not blocked'}.", sku=product.sku, lot=lot.code)
    lot.blocked = blocked
    lot.save()
    return lot
