"""Many tills, little stock: what is sold is what was there."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, transaction

from inventory.models import Order, OrderReturn, StockMovement
from inventory.selectors import stock_of
from inventory.services import return_create, stock_adjust
from shop_assistant.agents.errors import AgentError, Conflict, InsufficientStock

from .making import USER, line, sell, stocked

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs):
    """Run the jobs in threads of their own; what each gave or was refused with."""

    def run(job):
        try:
            return job()
        except AgentError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, jobs))


def test_ten_pieces_are_sold_ten_times():
    item = stocked("SKU001", 4, 6)
    results = at_once(*[lambda: sell(line(item))] * 24)
    assert sum(isinstance(result, Order) for result in results) == 10
    assert sum(isinstance(result, InsufficientStock) for result in results) == 14
    assert stock_of(item).on_hand == 0
    assert StockMovement.objects.filter(kind="sale").count() == 10
    references = set(Order.objects.values_list("reference", flat=True))
    assert references == {f"S-{number:06d}" for number in range(1, 11)}


def test_sales_of_the_same_products_in_another_order_do_not_block_each_other():
    first, second = stocked("A", 100), stocked("B", 100)
    jobs = [lambda: sell(line(first), line(second)), lambda: sell(line(second), line(first))] * 8
    assert all(isinstance(result, Order) for result in at_once(*jobs))
    assert stock_of(first).on_hand == stock_of(second).on_hand == 84


def test_a_line_comes_back_once():
    item = stocked("SKU001", 10)
    order = sell(line(item, 3))

    def bring_back():
        with transaction.atomic():
            return return_create(order=order, items=[(item, Decimal(3))], user_id=USER)

    results = at_once(*[bring_back] * 8)
    assert sum(isinstance(result, OrderReturn) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7
    assert stock_of(item).on_hand == 10


def test_first_goods_of_a_product_from_several_hands_make_one_level():
    item = stocked("SKU001")

    def receive():
        with transaction.atomic():
            return stock_adjust(product=item, delta=Decimal(1), user_id=USER)

    stocked("OTHER", 1)  # so that the shop has a location
    at_once(*[receive] * 12)
    assert stock_of(item).on_hand == 12
    assert item.levels.count() == 1


def test_of_several_who_expect_the_same_quantity_one_changes_it():
    item = stocked("SKU001", 10)

    def change():
        with transaction.atomic():
            return stock_adjust(product=item, delta=Decimal(-1), expected_quantity=Decimal(10), user_id=USER)

    results = at_once(*[change] * 8)
    assert sum(isinstance(result, Conflict) for result in results) == 7
    assert stock_of(item).on_hand == 9
