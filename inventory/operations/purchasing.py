"""Suppliers, purchase orders and what arrives of them."""

from collections.abc import Sequence

from inventory import selectors, services
from inventory.models import LandedCost, Location, Product, PurchaseOrder, Supplier
from inventory.purchasing_presenting import purchase_item, purchase_received, purchase_returned
from inventory.purchasing_schemas import (
    DeliveredLine,
    GoingBackLine,
    PurchaseApprove,
    PurchaseEnd,
    PurchaseLineInput,
    PurchaseNamed,
    PurchaseOrderItem,
    PurchaseOrderPage,
    PurchaseReceive,
    PurchaseReceived,
    PurchaseReturn,
    PurchaseReturned,
    PurchasesQuery,
    PurchaseWrite,
)
from inventory.services import Delivered, GoingBack, LandedAmount, WantedLine
from shop_assistant.agents import Context, Effect, operation
from shop_assistant.agents.errors import ClarificationNeeded
from shop_assistant.agents.roles import COUNTER, MANAGEMENT, STAFF


class PurchasingOperations:
    """Suppliers, purchase orders and what arrives of them."""

    @operation(
        roles=STAFF,
        effect=Effect.READ,
        route="inventory/purchase-orders",
        audit="looked at purchase orders {order}",
    )
    def purchase_orders(self, context: Context, data: PurchasesQuery) -> PurchaseOrderItem | PurchaseOrderPage:
        """Show a purchase order, what of it has arrived and what is missing; or list them, newest first, by supplier,
        state or product.
        """
        if data.order is not None:
            return _shown(selectors.purchase_get(reference=data.order))
        orders, cursor = selectors.purchases_list(
            supplier=selectors.supplier_get(code=data.supplier) if data.supplier else None,
            status=data.status,
            product=selectors.product_get(sku=data.sku) if data.sku else None,
            limit=data.limit,
            cursor=data.cursor,
        )
        return PurchaseOrderPage(
            items=[purchase_item(order, list(order.lines.all())) for order in orders], next_cursor=cursor
        )

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/purchase-order",
        audit="drafted purchase order {order} of {supplier} for {total}",
    )
    def purchase_order(self, context: Context, data: PurchaseWrite) -> PurchaseOrderItem:
        """Make a draft of a purchase order, or change one; it is approved and sent by operations of their own."""
        products = selectors.products_get(skus=[line.sku for line in data.lines or ()])
        lines = [_wanted(line, products) for line in data.lines or ()]
        if data.order is None:
            order = services.purchase_create(
                supplier=_supplier(data, list(products.values())),
                lines=lines,
                expected_on=data.expected_on,
                user_id=context.user_id,
                task_id=context.task_id,
            )
        else:
            if data.supplier is not None:
                raise ClarificationNeeded(
                    "The supplier can't be changed: leave it out, or cancel the draft and make another.",
                    field="supplier",
                )
            if not data.lines and data.expected_on is None:
                raise ClarificationNeeded("Say what to change: its lines, or when it should arrive.", field="lines")
            order = services.purchase_change(
                order=selectors.purchase_get(reference=data.order),
                lines=lines if data.lines else None,
                expected_on=data.expected_on,
                user_id=context.user_id,
                task_id=context.task_id,
            )
        return _shown(order)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/purchase-approve",
        audit="approved purchase order {order} of {supplier} for {total} ({approval})",
    )
    def purchase_approve(self, context: Context, data: PurchaseApprove) -> PurchaseOrderItem:
        """Approve a draft. Beyond the shop's limit another person than who made it has to, where there is one."""
        order = selectors.purchase_get(reference=data.order)
        return _shown(services.purchase_approve(order=order, user_id=context.user_id, confirm=data.confirm))

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/purchase-send",
        audit="marked purchase order {order} of {supplier} as sent, expected on {expected_on}",
    )
    def purchase_send(self, context: Context, data: PurchaseNamed) -> PurchaseOrderItem:
        """Mark an approved purchase order as sent to its supplier. Its PDF or CSV goes there by mail or by hand."""
        return _shown(services.purchase_send(order=selectors.purchase_get(reference=data.order)))

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/purchase-receive",
        audit="received {receipt} of purchase order {order}: goods {goods}, freight and such {landed}",
    )
    def purchase_receive(self, context: Context, data: PurchaseReceive) -> PurchaseReceived:
        """Book what arrived of a purchase order, with lots, serial numbers and what freight and duty have cost. What is
        missing stays on order.
        """
        products = selectors.products_get(skus=[line.sku for line in data.lines or ()])
        places = _places(data.lines or ())
        made = services.purchase_receive(
            order=selectors.purchase_get(reference=data.order),
            delivered=[_delivered(line, products, places) for line in data.lines] if data.lines else None,
            delivery_note=data.delivery_note or "",
            landed_costs=[
                LandedAmount(kind=LandedCost.Kind(cost.kind), amount=cost.amount, by=LandedCost.By(cost.by))
                for cost in data.landed_costs
                if cost.amount
            ],
            update_cost=data.update_cost,
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return purchase_received(made)

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/purchase-return",
        audit="sent {reference} of purchase order {order} back, worth {credit}",
    )
    def purchase_return(self, context: Context, data: PurchaseReturn) -> PurchaseReturned:
        """Send goods that a purchase order brought back to its supplier, and say what is to be credited for them."""
        products = selectors.products_get(skus=[line.sku for line in data.lines])
        places = _places(data.lines)
        made = services.purchase_return(
            order=selectors.purchase_get(reference=data.order),
            items=[
                GoingBack(
                    product=products[line.sku],
                    quantity=line.quantity,
                    lot=line.lot or "",
                    location=places.get(line.location or ""),
                )
                for line in data.lines
            ],
            reason=data.reason,
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return purchase_returned(made)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/purchase-close",
        audit="closed purchase order {order} of {supplier}: {reason}",
    )
    def purchase_close(self, context: Context, data: PurchaseEnd) -> PurchaseOrderItem:
        """Close a purchase order of which the rest will not come: it no longer counts as on order."""
        return _shown(services.purchase_close(order=selectors.purchase_get(reference=data.order)))

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/purchase-cancel",
        audit="cancelled purchase order {order} of {supplier}: {reason}",
    )
    def purchase_cancel(self, context: Context, data: PurchaseEnd) -> PurchaseOrderItem:
        """Cancel a purchase order of which nothing has arrived."""
        return _shown(services.purchase_cancel(order=selectors.purchase_get(reference=data.order)))


def _shown(order: PurchaseOrder) -> PurchaseOrderItem:
    lines = selectors.purchase_lines(order)
    draft = order.status == PurchaseOrder.Status.DRAFT
    offers = selectors.supplier_offers(order.supplier, [line.product for line in lines]) if draft else {}
    return purchase_item(order, lines, offers)


def _wanted(line: PurchaseLineInput, products: dict[str, Product]) -> WantedLine:
    return WantedLine(product=products[line.sku], quantity=line.quantity, unit_cost=line.unit_cost)


def _supplier(data: PurchaseWrite, products: Sequence[Product]) -> Supplier:
    """The one that is named, else the one that all the products have."""
    if not data.lines:
        raise ClarificationNeeded("Say what to order.", field="lines")
    if data.supplier:
        return selectors.supplier_get(code=data.supplier)
    own = {product.supplier for product in products}
    only = own.pop() if len(own) == 1 else None
    if only is None:
        raise ClarificationNeeded(
            "From whom? These products don't have one supplier in common.",
            field="supplier",
            options=sorted(each.code for each in own if each),
        )
    return only


def _places(lines: Sequence[DeliveredLine | GoingBackLine]) -> dict[str, Location]:
    """The locations that lines name, by the code as it was given."""
    return {code: selectors.location_get(code=code) for code in {line.location for line in lines} if code}


def _delivered(line: DeliveredLine, products: dict[str, Product], places: dict[str, Location]) -> Delivered:
    return Delivered(
        product=products[line.sku],
        quantity=line.quantity,
        lot=line.lot or "",
        expires_on=line.expires_on,
        serials=line.serials,
        location=places.get(line.location or ""),
        unit_cost=line.unit_cost,
        expected_received=line.expected_received,
    )
