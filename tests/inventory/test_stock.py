"""Stock changes only together with a movement, never below what is reserved, and never twice."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from inventory.models import Location, StockLevel, StockMovement
from inventory.selectors import stock_of
from inventory.services import location_default, stock_adjust, stock_set
from inventory.services.quarantine import quarantine
from inventory.services.transfers import Item as Sent
from inventory.services.transfers import transfer_send
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, InsufficientStock, ValidationFailed

from .making import USER, location, lotted, product, stocked

pytestmark = pytest.mark.django_db
D = Decimal


def test_a_change_writes_a_movement_with_the_balance_after_it():
    item = stocked("SKU001", 10)
    change = stock_adjust(product=item, delta=D(-3), reason="damaged", user_id=USER, expected_quantity=D(10))
    assert (change.previous, change.stock.on_hand, change.location.code) == (10, 7, "A-01-01")
    movement = StockMovement.objects.get(pk=change.movement.pk)
    assert (movement.quantity, movement.balance, movement.reason, movement.user_id) == (-3, 7, "damaged", USER)
    assert stock_of(item).on_hand == 7


def test_a_count_books_the_difference_and_nothing_when_there_is_none():
    item = stocked("SKU001", 10)
    assert stock_set(product=item, quantity=D(8), user_id=USER).movement.quantity == -2
    assert stock_set(product=item, quantity=D(8), user_id=USER).movement is None
    assert list(item.movements.order_by("pk").values_list("kind", "balance")) == [("receipt", 10), ("count", 8)]


def test_a_count_of_a_product_in_two_places_asks_which():
    item = stocked("SKU001", 10, 5)
    with pytest.raises(ClarificationNeeded) as refused:
        stock_set(product=item, quantity=D(8), user_id=USER)
    assert refused.value.details["options"] == ["A-01-01", "A-01-02"]
    change = stock_set(product=item, quantity=D(8), location=location("A-01-02"), user_id=USER)
    assert (change.previous, change.stock.on_hand) == (15, 18)


@pytest.mark.parametrize("delta", [-11, -7])
def test_neither_below_zero_nor_below_what_is_reserved(delta):
    item = stocked("SKU001", 10)
    StockLevel.objects.update(reserved=4)
    with pytest.raises(InsufficientStock) as refused:
        stock_adjust(product=item, delta=D(delta), user_id=USER)
    assert refused.value.details["available"] == 6
    assert stock_of(item).on_hand == 10
    assert item.movements.count() == 1


def test_expected_quantity_is_compared_with_what_the_caller_could_see():
    item = stocked("SKU001", 10, 5)
    with pytest.raises(Conflict) as refused:
        stock_adjust(product=item, delta=D(1), expected_quantity=D(10), user_id=USER)
    assert refused.value.details == {"expected_quantity": 10, "quantity": 15}
    stock_adjust(product=item, delta=D(1), expected_quantity=D(15), user_id=USER)
    stock_adjust(product=item, delta=D(1), expected_quantity=D(5), location=location("A-01-02"), user_id=USER)
    assert stock_of(item).on_hand == 17


def test_what_is_in_transit_is_not_counted_with_the_lot_that_is_looked_at():
    item = lotted("MILK", ("L1", 8, None))
    send = Sent(item, D(3), item.lots.get())
    transfer_send(source=location(), destination=location("B-01"), items=[send], receive=False, user_id=USER)
    change = stock_set(product=item, quantity=D(4), lot=item.lots.get(), expected_quantity=D(5), user_id=USER)
    assert (change.previous, change.stock.on_hand, change.stock.in_transit) == (5, 4, 3)


def test_a_count_without_a_place_is_of_the_one_where_it_lies_even_quarantine():
    item = stocked("SKU001", 6)
    quarantine(product=item, quantity=D(6), reason="wet", user_id=USER)
    change = stock_set(product=item, quantity=D(6), expected_quantity=D(6), user_id=USER)
    assert (change.location.code, change.movement, stock_of(item).on_hand) == ("Q-MAIN", None, 6)


def test_pieces_are_whole_and_kilograms_have_grams():
    with pytest.raises(ValidationFailed) as refused:
        stock_adjust(product=stocked("SKU001", 10), delta=D("0.5"), user_id=USER)
    assert "delta" in refused.value.details["fields"]
    rice = stocked("RICE", "2.500", unit="kg")
    stock_adjust(product=rice, delta=D("-0.125"), user_id=USER)
    assert stock_of(rice).on_hand == D("2.375")
    with pytest.raises(ValidationFailed):
        stock_adjust(product=rice, delta=D("0.0005"), user_id=USER)


def test_no_more_than_the_column_holds():
    item = stocked("SKU001", 9_999_999_999)
    with pytest.raises(ValidationFailed):
        stock_adjust(product=item, delta=D(1), user_id=USER)


def test_a_shop_without_a_location_gets_one():
    change = stock_adjust(product=product(), delta=D(5), user_id=USER)
    assert change.location.code == "A-01-01"
    assert change.location.warehouse.code == "MAIN"
    assert location_default() == change.location
    assert Location.objects.count() == 1


def test_goods_go_where_they_lie_and_else_to_the_first_location():
    first, second = location("Z-01"), location("A-01")
    item = product()
    assert stock_adjust(product=item, delta=D(1), user_id=USER).location == first
    stock_adjust(product=item, delta=D(-1), user_id=USER)
    stock_adjust(product=item, delta=D(1), location=second, user_id=USER)
    assert stock_adjust(product=item, delta=D(1), user_id=USER).location == second


def test_a_change_costs_the_same_few_queries_however_many_movements_there_are():
    item = stocked("SKU001", 10)
    for _ in range(5):
        stock_adjust(product=item, delta=D(1), user_id=USER)
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        stock_adjust(product=item, delta=D(1), user_id=USER)
    statements = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) == (2 if connection.vendor == "postgresql" else 3)


@pytest.mark.parametrize("values", [{"on_hand": -1}, {"reserved": 11}, {"reserved": -1}])
def test_the_database_itself_refuses_impossible_levels(values):
    stocked("SKU001", 10)
    with pytest.raises(IntegrityError), transaction.atomic():
        StockLevel.objects.update(**values)


@pytest.mark.parametrize(("kind", "quantity"), [("receipt", -1), ("sale", 1), ("count", 0), ("theft", 1)])
def test_the_database_itself_refuses_movements_that_make_no_sense(kind, quantity):
    item = stocked("SKU001", 10)
    with pytest.raises(IntegrityError), transaction.atomic():
        StockMovement.objects.create(
            product=item, location=location(), kind=kind, quantity=quantity, balance=5, user_id=USER
        )
