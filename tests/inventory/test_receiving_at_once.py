"""Many hands at one purchase order: never more than ordered and tolerated, and an order that has ended stays so."""

from decimal import Decimal

import pytest
from django.db import transaction

from inventory.models import PurchaseOrder, ReceiptLine, StockMovement
from inventory.selectors import stock_of
from inventory.services import Delivered, GoingBack, Received, purchase_close, purchase_receive, purchase_return
from shop_assistant.agents.errors import Conflict

from .buying import sent, shelf, supplier
from .making import USER, location
from .test_oversell import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def taking(order, item, quantity):
    def take():
        with transaction.atomic():
            return purchase_receive(
                order=order, delivered=[Delivered(product=item, quantity=Decimal(quantity))], user_id=USER
            )

    return take


def test_receivers_of_the_same_line_never_take_more_than_is_accepted():
    location()
    (item,) = shelf("A")
    order = sent(supplier(over_delivery=Decimal(20)), (item, 20))
    results = at_once(*[taking(order, item, 5)] * 10)
    assert sum(isinstance(result, Received) for result in results) == 4
    assert all(isinstance(result, Received | Conflict) for result in results)
    assert stock_of(item).on_hand == 20
    order.refresh_from_db()
    line = order.lines.get()
    assert (line.received, order.status) == (20, "closed")
    assert sum(ReceiptLine.objects.values_list("quantity", flat=True)) == 20


def test_an_order_that_was_closed_takes_nothing_more():
    location()
    (item,) = shelf("A")
    order = sent(supplier(), (item, 20))
    taking(order, item, 1)()

    def close():
        with transaction.atomic():
            return purchase_close(order=order)

    results = at_once(*[taking(order, item, 1)] * 3, close, *[taking(order, item, 1)] * 3)
    closed = PurchaseOrder.objects.get()
    assert (closed.status, isinstance(results[3], PurchaseOrder)) == ("closed", True)
    booked = 1 + sum(isinstance(result, Received) for result in results)
    assert closed.lines.get().received == stock_of(item).on_hand == booked


def test_what_came_goes_back_once():
    location()
    (item,) = shelf("A")
    order = sent(supplier(), (item, 4))
    taking(order, item, 4)()

    def send_back():
        with transaction.atomic():
            return purchase_return(
                order=order, items=[GoingBack(product=item, quantity=Decimal(3))], reason="broken", user_id=USER
            )

    results = at_once(*[send_back] * 4)
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert stock_of(item).on_hand == 1
    assert StockMovement.objects.filter(kind="sent_back").count() == 1
