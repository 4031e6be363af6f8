"""A kit is what it is made of: sold, reserved and taken back piece by piece."""

from decimal import Decimal

import pytest
from django.db import transaction

from inventory.models import KitComponent, OrderLineComponent, Product, StockLevel, StockMovement
from inventory.selectors import low_only, product_get, stock_list, stock_of, with_available
from inventory.services import Item, reservation_create, return_create, stock_adjust
from shop_assistant.agents import call
from shop_assistant.agents.errors import InsufficientStock, ValidationFailed

from .making import USER, kit, line, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def cart() -> Product:
    stocked("WHEEL", 9)
    stocked("BOARD", 5, cost=D("7.5"))
    return kit("CART", WHEEL=2, BOARD=1)


def on_hand(sku: str) -> Decimal:
    return stock_of(Product.objects.get(sku=sku)).on_hand


def test_there_are_as_many_as_can_be_made(cart):
    answer = call("inventory", "query", {"sku": "CART"})
    assert (answer["available"], answer["quantity"], answer["locations"]) == (4, 4, [])
    assert answer["components"] == [{"sku": "WHEEL", "quantity": 2}, {"sku": "BOARD", "quantity": 1}]
    assert with_available(Product.objects.all()).get(sku="CART").available == 4
    assert {p.sku: stock_list().stocks[p.pk].available for p in stock_list().products} == {
        "BOARD": 5, "CART": 4, "WHEEL": 9,
    }  # fmt: skip
    sell(line(cart, 4))
    assert [product.sku for product in low_only(Product.objects.order_by("sku"))] == ["CART"]


def test_its_pieces_are_sold_and_its_cost_is_theirs(cart):
    order = sell(line(cart, 3, price="40.00"))
    assert (on_hand("WHEEL"), on_hand("BOARD")) == (3, 2)
    sold = order.lines.get()
    assert (sold.product, sold.quantity, sold.unit_cost) == (cart, 3, D("15.5"))
    frozen = OrderLineComponent.objects.order_by("pk").values_list("product__sku", "quantity", "unit_cost")
    assert list(frozen) == [("WHEEL", 6, 4), ("BOARD", 3, D("7.5"))]
    moves = StockMovement.objects.filter(reference=order.reference).order_by("pk")
    assert list(moves.values_list("product__sku", "quantity", "unit_price", "unit_cost")) == [
        ("WHEEL", -6, None, 4), ("BOARD", -3, None, D("7.5")),
    ]  # fmt: skip


def test_what_it_shares_with_other_lines_is_summed_before_anything_is_taken(cart):
    wheel = Product.objects.get(sku="WHEEL")
    with pytest.raises(InsufficientStock) as refused:
        sell(line(cart, 3), line(wheel, 4))
    assert refused.value.details["shortages"] == [{"sku": "WHEEL", "requested": 10, "available": 9, "kits": ["CART"]}]
    assert "CART" in refused.value.message
    sell(line(cart, 3), line(wheel, 3))
    assert on_hand("WHEEL") == 0


def test_parts_of_it_come_back_as_they_went_though_it_is_made_otherwise_now(cart):
    order = sell(line(cart, 3))
    KitComponent.objects.get(component__sku="WHEEL").delete()
    for expected in ((5, 3), (7, 4), (9, 5)):
        with transaction.atomic():
            return_create(order=order, items=[(cart, D(1))], user_id=USER)
        assert (on_hand("WHEEL"), on_hand("BOARD")) == expected


def test_shares_that_do_not_divide_come_back_whole_in_the_end():
    stocked("GLUE", "2.000", unit="kg")
    made = kit("SHELF", GLUE="0.333")
    made.unit = "m"
    made.save()
    with pytest.raises(ValidationFailed):
        sell(line(made, "1.5"))  # half a gram
    order = sell(line(made, 3))
    for quantity in ("0.5", "0.7", "0.3", "1.5"):
        with transaction.atomic():
            return_create(order=order, items=[(made, D(quantity))], user_id=USER)
    assert on_hand("GLUE") == 2


def test_reserved_it_holds_its_pieces(cart):
    with transaction.atomic():
        reservation_create(items=[Item(cart, D(2))], user_id=USER)
    assert stock_of(product_get(sku="CART")).available == 2
    assert dict(StockLevel.objects.values_list("product__sku", "reserved")) == {"WHEEL": 4, "BOARD": 2}
    shown = call("inventory", "reservations", {"sku": "WHEEL"})["items"][0]["lines"]
    assert [(row["sku"], row["quantity"], row["for_kit"]) for row in shown] == [
        ("WHEEL", 4, "CART"),
        ("BOARD", 2, "CART"),
    ]


def test_it_has_no_stock_of_its_own(cart):
    with pytest.raises(ValidationFailed) as refused:
        stock_adjust(product=cart, delta=D(1), user_id=USER)
    assert "is a kit" in refused.value.message
    was = stocked("BOX", 1)
    stock_adjust(product=was, delta=D(-1), user_id=USER)
    KitComponent.objects.create(kit=was, component=Product.objects.get(sku="WHEEL"), quantity=1)
    with pytest.raises(ValidationFailed):
        stock_adjust(product=was, delta=D(1), user_id=USER)
    assert call("inventory", "query", {"sku": "BOX"})["available"] == 9
    assert stock_of(was).available == 9
