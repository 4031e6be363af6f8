"""Places, lots and the ledger: goods that go from one place to another, off sale and back."""

from collections.abc import Sequence

from django.db.models import prefetch_related_objects

from inventory import selectors
from inventory.models import Transfer
from inventory.places_presenting import lot_detail, lot_item, movement_item, transfer_item
from inventory.places_schemas import (
    LotBlock,
    LotDetail,
    LotPage,
    LotsQuery,
    MovementPage,
    MovementsQuery,
    QuarantineMove,
    TransferItem,
    TransferLineInput,
    TransferPage,
    TransferReceive,
    TransferSend,
    TransferSendLine,
    TransfersQuery,
)
from inventory.selectors.history import movements_page
from inventory.selectors.places import (
    lot_order_count,
    lot_orders,
    lot_standing,
    lots_list,
    transfer_get,
    transfers_list,
)
from inventory.services.arrivals import transfer_receive
from inventory.services.lot_naming import lot_get, lots_get
from inventory.services.lots import lot_block
from inventory.services.quarantine import quarantine
from inventory.services.transfers import Item, transfer_send
from inventory.services.units import in_base_units
from shop_assistant.agents import Context, Effect, Restriction, operation
from shop_assistant.agents.errors import ClarificationNeeded
from shop_assistant.agents.roles import COUNTER, MANAGEMENT, STAFF

SHOWN_ORDERS = 50


class PlacesOperations:
    """Places, lots and the ledger."""

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/transfer",
        audit="transfer {transfer} from {source} to {destination}: {status}",
    )
    def transfer(self, context: Context, data: TransferSend) -> TransferItem:
        """Move goods from one place to another: between bins, to another warehouse, into quarantine and back. What is
        in transit is on no shelf and can't be sold.
        """
        made = transfer_send(
            source=selectors.location_get(code=data.source),
            destination=selectors.location_get(code=data.destination),
            items=_items(data.lines),
            note=data.note or "",
            receive=data.receive,
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return _shown(made)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/receive-transfer",
        audit="received of transfer {transfer} at {destination}: {status}",
    )
    def receive_transfer(self, context: Context, data: TransferReceive) -> TransferItem:
        """Book what of a transfer has arrived, all of it or a part, and write off what got lost on the way."""
        received = transfer_receive(
            transfer=transfer_get(reference=data.transfer),
            arrived=None if data.lines is None else _items(data.lines),
            lost=_items(data.lost or ()),
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return _shown(received)

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/transfers", audit="looked at transfers {transfer}")
    def transfers(self, context: Context, data: TransfersQuery) -> TransferItem | TransferPage:
        """Show a transfer and what of it is still on its way; or list them, newest first."""
        if data.transfer is not None:
            return _shown(transfer_get(reference=data.transfer))
        found, cursor = transfers_list(
            open_only=data.open,
            location=selectors.location_get(code=data.location) if data.location else None,
            product=selectors.product_get(sku=data.sku) if data.sku else None,
            limit=data.limit,
            cursor=data.cursor,
        )
        return TransferPage(items=[transfer_item(each, each.lines.all()) for each in found], next_cursor=cursor)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/quarantine",
        audit="put {quantity} of {sku} into quarantine at {destination}: {reason}",
    )
    def quarantine(self, context: Context, data: QuarantineMove) -> TransferItem:
        """Take units off sale, into the quarantine of the warehouse where they lie (made where it has none). They come
        back by a transfer from there.
        """
        product = selectors.product_get(sku=data.sku)
        made = quarantine(
            product=product,
            quantity=in_base_units(product, data.quantity, data.unit),
            location=selectors.location_get(code=data.location) if data.location else None,
            lot=lot_get(product=product, code=data.lot) if data.lot else None,
            expected_quantity=data.expected_quantity,
            reason=data.reason,
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return _shown(made)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/block-lot",
        restrictions=(Restriction(name="unblock", when=lambda data: not data.blocked, roles=MANAGEMENT),),
        audit="lot {lot} of {sku} is now {state}: {reason}",
    )
    def block_lot(self, context: Context, data: LotBlock) -> LotDetail:
        """Block a lot, for a recall or when in doubt: nothing of it can be sold, wherever it lies. Answers where it
        lies and which orders got units of it. The management lets it be sold again.
        """
        product = selectors.product_get(sku=data.sku)
        lot = lot_block(product=product, code=data.lot, blocked=data.blocked)
        orders, cursor = lot_orders(lot=lot, limit=SHOWN_ORDERS)
        return lot_detail(lot_standing(lot), lot_order_count(lot), orders, cursor)

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/lots", audit="looked at lots {lot} of {sku}")
    def lots(self, context: Context, data: LotsQuery) -> LotDetail | LotPage:
        """List lots and serial numbers with where they lie and when they expire; or show one, with the orders that got
        units of it.
        """
        product = selectors.product_get(sku=data.sku) if data.sku else None
        if data.lot is not None:
            if product is None:
                raise ClarificationNeeded("Name the sku, too: a lot's code is one product's.", field="sku")
            lot = lot_get(product=product, code=data.lot)
            orders, cursor = lot_orders(lot=lot, limit=data.limit, cursor=data.cursor)
            return lot_detail(lot_standing(lot), lot_order_count(lot), orders, cursor)
        found, cursor = lots_list(
            product=product,
            expiring_within_days=data.expiring_within_days,
            blocked=data.blocked,
            in_stock=data.in_stock,
            limit=data.limit,
            cursor=data.cursor,
        )
        return LotPage(items=[lot_item(each) for each in found], next_cursor=cursor)

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/movements", audit="looked at the movements of {sku}")
    def movements(self, context: Context, data: MovementsQuery) -> MovementPage:
        """List what came in and went out of a product, newest first, with what was on hand after each."""
        product = selectors.product_get(sku=data.sku)
        found, cursor = movements_page(
            product=product,
            location=selectors.location_get(code=data.location) if data.location else None,
            lot=lot_get(product=product, code=data.lot) if data.lot else None,
            kind=data.kind,
            since=data.begin,
            until=data.end,
            limit=data.limit,
            cursor=data.cursor,
        )
        return MovementPage(sku=product.sku, items=[movement_item(each) for each in found], next_cursor=cursor)


def _items(lines: Sequence[TransferLineInput]) -> list[Item]:
    """In the products' own units; three queries, however many."""
    products = selectors.products_get(skus=[line.sku for line in lines]) if lines else {}
    prefetch_related_objects([products[line.sku] for line in lines if line.unit], "packagings")
    lots = lots_get((products[line.sku], line.lot) for line in lines if line.lot)
    return [
        Item(
            product := products[line.sku],
            in_base_units(product, line.quantity, line.unit),
            lots[product.pk, line.lot] if line.lot else None,
            line.expected_quantity if isinstance(line, TransferSendLine) else None,
        )
        for line in lines
    ]


def _shown(transfer: Transfer) -> TransferItem:
    return transfer_item(transfer, transfer.lines.select_related("product", "lot").order_by("pk"))
