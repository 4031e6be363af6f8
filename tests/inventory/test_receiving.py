"""What arrives of purchase orders, what it costs, and what goes back."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F, Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from inventory.landed_cost import Cost, Part, landed, units_at
from inventory.models import LandedCost, Location, Lot, Product, PurchaseOrder, Receipt, StockMovement
from inventory.selectors import stock_of
from shop_assistant.agents import call
from shop_assistant.agents.errors import (
    ClarificationNeeded,
    Conflict,
    InsufficientStock,
    NotFound,
    ValidationFailed,
)

from .buying import receive, sent, shelf, supplier
from .making import location, product, stocked

D = Decimal
in_database = pytest.mark.django_db
money = st.decimals(min_value=0, max_value=10_000, places=4)
amounts = st.decimals(min_value="0.001", max_value=10_000, places=3)


# To the last digit


@given(amounts, money, st.decimals(min_value=0, max_value=1000, places=2))
def test_units_cost_together_exactly_what_they_cost(quantity, cost, share):
    total = quantity * cost + share
    found = units_at(quantity, total)
    assert sum(units * each for units, each in found) == total
    assert sum(units for units, _ in found) == quantity
    assert all(units > 0 and units % D("0.001") == 0 for units, _ in found)
    assert max(each for _, each in found) - min(each for _, each in found) <= D("0.0001")


@given(
    st.lists(st.tuples(amounts, money), min_size=1, max_size=8),
    st.lists(st.tuples(st.decimals(min_value=0, max_value=1000, places=2), st.booleans())),
)
def test_shares_of_landed_costs_add_up_to_them_and_are_fair(parts, costs):
    found = landed(
        [Cost(amount=amount, by_value=by_value) for amount, by_value in costs],
        [Part(quantity=quantity, unit_cost=cost) for quantity, cost in parts],
        D("0.01"),
    )
    assert sum(found) == sum((amount for amount, _ in costs), D(0))
    assert all(share >= 0 for share in found)
    if len(costs) == 1 and not costs[0][1]:
        whole = sum(quantity for quantity, _ in parts)
        fair = [costs[0][0] * quantity / whole for quantity, _ in parts]
        assert all(abs(share - due) <= D("0.01") for share, due in zip(found, fair, strict=True))


@in_database
def test_freight_and_duty_are_in_the_cost_of_the_goods_to_the_cent():
    first, second = shelf("A", "B")
    order = sent(supplier(), (first, 300), (second, 7), costs={"A": "1", "B": "10"})
    made = receive(
        order,
        landed_costs=[
            {"kind": "freight", "amount": 50.01, "by": "quantity"},
            {"kind": "duty", "amount": 33.33, "by": "value"},
        ],
    )
    assert (made["goods"], made["landed"], made["status"]) == (370, 83.34, "closed")
    parts = {part["sku"]: part for part in made["parts"]}
    assert parts["A"]["landed_cost"] == pytest.approx(48.87 + 27.02, abs=0.011)
    moved = StockMovement.objects.filter(kind="receipt", reference=made["receipt"])
    assert moved.aggregate(whole=Sum(F("quantity") * F("unit_cost")))["whole"] == pytest.approx(D("453.34"))
    of_a = [(row.quantity, row.unit_cost) for row in moved.filter(product=first)]
    assert sum(quantity * cost for quantity, cost in of_a) == 300 + D(str(parts["A"]["landed_cost"]))
    assert (stock_of(first).on_hand, stock_of(second).on_hand) == (300, 7)
    first.refresh_from_db()
    assert first.cost == 4  # unless told otherwise


@in_database
def test_the_products_cost_follows_a_delivery_only_where_asked():
    (item,) = shelf("A")
    order = sent(supplier(), (item, 10), costs={"A": "5"})
    receive(order, {"sku": "A", "quantity": 2, "unit_cost": 6})
    assert Product.objects.get().cost == 4
    freight = [{"kind": "freight", "amount": 4}]
    receive(order, {"sku": "A", "quantity": 8}, landed_costs=freight, update_cost=True)
    assert Product.objects.get().cost == D("5.5")
    assert Product.history.filter(sku="A").count() == 2


# Less and more than ordered


@in_database
def test_what_is_missing_stays_on_order_until_it_arrives():
    (item,) = shelf("A")
    order = sent(supplier(), (item, 10))
    made = receive(order, {"sku": "A", "quantity": 4}, delivery_note="D-1")
    assert (made["status"], made["notes"]) == ("partly_received", ["A: 6 still to come"])
    made = receive(order, delivery_note="D-2")
    assert (made["status"], made["parts"][0]["quantity"], made["notes"]) == ("closed", 6, [])
    assert Receipt.objects.count() == 2
    assert PurchaseOrder.objects.get().ended_at is not None


@in_database
def test_more_than_ordered_is_accepted_within_the_suppliers_tolerance_and_told():
    (item,) = shelf("A")
    order = sent(supplier(over_delivery=D("10")), (item, 25))
    with pytest.raises(Conflict, match=r"28 of A are too many: 25 were ordered.*10 % beyond.*Receive 27") as error:
        receive(order, {"sku": "A", "quantity": 28})
    assert error.value.details["acceptable"] == 27
    with pytest.raises(Conflict):
        receive(order, {"sku": "A", "quantity": 20}, {"sku": "A", "quantity": 8})
    assert stock_of(item).on_hand == 0
    made = receive(order, {"sku": "A", "quantity": 27})
    assert made["notes"] == ["A: 2 more than ordered, which was accepted"]
    assert (made["status"], stock_of(item).on_hand) == ("closed", 27)


@in_database
def test_one_delivery_note_is_booked_once():
    (item,) = shelf("A")
    order = sent(supplier(), (item, 10))
    receive(order, {"sku": "A", "quantity": 4}, delivery_note="D-1")
    with pytest.raises(Conflict, match="booked already, as GR-000001"):
        receive(order, {"sku": "A", "quantity": 4}, delivery_note="d-1")
    assert stock_of(item).on_hand == 4


@in_database
def test_freight_of_nothing_is_none():
    (item,) = shelf("A")
    made = receive(sent(supplier(), (item, 2)), landed_costs=[{"kind": "freight", "amount": 0}])
    assert (made["landed"], LandedCost.objects.count(), stock_of(item).on_hand) == (0, 0, 2)


@in_database
def test_wrong_deliveries_are_refused_and_change_nothing():
    (item,) = shelf("A")
    product("B")
    location()
    order = sent(supplier(), (item, 10))
    refused = [
        ({"sku": "B", "quantity": 1}, NotFound, "B is not part of PO-000001"),
        ({"sku": "A", "quantity": 1.5}, ValidationFailed, "counted in pieces"),
        ({"sku": "A", "quantity": 1, "location": "NOWHERE"}, NotFound, "no location NOWHERE"),
        ({"sku": "A", "quantity": 1, "lot": "L1"}, ValidationFailed, "neither by lot"),
        ({"sku": "A", "quantity": 1, "serials": ["1"]}, ValidationFailed, "no serial numbers"),
        ({"sku": "A", "quantity": 1, "expires_on": "2030-01-01"}, ValidationFailed, "not told apart by lot"),
    ]
    for line, error, told in refused:
        with pytest.raises(error, match=told):
            receive(order, line)
    with pytest.raises(ValidationFailed, match="not valid"):
        receive(order, landed_costs=[{"kind": "freight", "amount": 1.001}])
    assert not StockMovement.objects.exists()
    assert not Receipt.objects.exists()


# Where it is put, lots and serial numbers


@in_database
def test_goods_go_where_the_product_lies_or_where_somebody_says():
    item = stocked("A", 5)
    quarantine = location("Q-01")
    quarantine.kind = Location.Kind.QUARANTINE
    quarantine.save()
    order = sent(supplier(), (item, 10))
    made = receive(order, {"sku": "A", "quantity": 3}, {"sku": "A", "quantity": 2, "location": "q-01"})
    assert [(part["location"], part["quantity"]) for part in made["parts"]] == [("A-01-01", 3), ("Q-01", 2)]
    stock = stock_of(item)
    assert (stock.on_hand, stock.quarantined, stock.available) == (10, 2, 8)


@in_database
def test_lots_come_with_their_expiry():
    item = product("MILK", tracking="lot", shelf_life_days=10)
    order = sent(supplier(), (item, 10))
    with pytest.raises(ClarificationNeeded, match="name the one that arrived"):
        receive(order)
    receive(
        order,
        {"sku": "MILK", "quantity": 4, "lot": "L1", "expires_on": "2030-01-01"},
        {"sku": "MILK", "quantity": 6, "lot": "L2"},
    )
    expiry = {lot.code: lot.expires_on.isoformat() for lot in Lot.objects.all()}
    assert expiry == {"L1": "2030-01-01", "L2": (timezone.localdate() + timedelta(days=10)).isoformat()}
    assert {level.lot.code: level.on_hand for level in stock_of(item).levels} == {"L1": 4, "L2": 6}


@in_database
def test_each_serial_number_is_one_unit_in_one_place_and_carries_its_share_of_the_freight():
    item = product("SAW", tracking="serial")
    order = sent(supplier(), (item, 4), costs={"SAW": "10"})
    for serials in (["1", "2"], ["1", "1", "2"]):
        with pytest.raises(ClarificationNeeded, match="name each of the 3 once"):
            receive(order, {"sku": "SAW", "quantity": 3, "serials": serials})
    made = receive(
        order,
        {"sku": "SAW", "quantity": 3, "serials": ["1", "2", "3"]},
        landed_costs=[{"kind": "freight", "amount": 0.1}],
    )
    assert [part["value"] for part in made["parts"]] == [10.03, 10.04, 10.03]
    costs = StockMovement.objects.order_by("pk").values_list("unit_cost", flat=True)
    assert list(costs) == [D("10.03"), D("10.04"), D("10.03")]
    with pytest.raises(Conflict, match="SAW 2 lies at A-01-01 already"):
        receive(order, {"sku": "SAW", "quantity": 1, "serials": ["2"]})
    assert stock_of(item).on_hand == 3


@in_database
def test_nothing_is_received_when_something_else_had_arrived_than_was_expected():
    item = product("A")
    order = sent(supplier(), (item, 10), costs={"A": "1"})
    receive(order, {"sku": "A", "quantity": 4, "expected_received": 0})
    with pytest.raises(Conflict, match="4 of A had arrived before, not 0"):
        receive(order, {"sku": "A", "quantity": 4, "expected_received": 0})
    assert stock_of(item).on_hand == 4
    receive(order, {"sku": "A", "quantity": 4, "expected_received": 4})
    assert stock_of(item).on_hand == 8


@in_database
def test_a_delivery_of_many_serial_numbers_costs_no_more_queries():
    item = product("SAW", tracking="serial")
    order = sent(supplier(), (item, 60), costs={"SAW": "10"})
    costs = []
    for count in (1, 2, 40):
        serials = [f"{count}-{number}" for number in range(count)]
        with CaptureQueriesContext(connection) as made:
            receive(order, {"sku": "SAW", "quantity": count, "serials": serials})
        costs.append(len(made))
    assert costs[1] == costs[2]
    assert stock_of(item).on_hand == 43
    assert Lot.history.count() == 43


# Back to the supplier


def send_back(order, *lines, reason="broken"):
    return call("inventory", "purchase_return", {"order": order.reference, "lines": list(lines), "reason": reason})


@in_database
def test_what_goes_back_is_taken_from_quarantine_first_and_credited_as_charged():
    (item,) = shelf("A")
    quarantine = location("Q-01")
    quarantine.kind = Location.Kind.QUARANTINE
    quarantine.save()
    location()
    order = sent(supplier(), (item, 10), costs={"A": "5"})
    receive(
        order,
        {"sku": "A", "quantity": 6, "location": "A-01-01"},
        {"sku": "A", "quantity": 2, "location": "Q-01", "unit_cost": 3},
    )
    made = send_back(order, {"sku": "A", "quantity": 3})
    assert [(part["location"], part["quantity"]) for part in made["parts"]] == [("Q-01", 2), ("A-01-01", 1)]
    assert made["credit"] == 13.5  # (6 x 5 + 2 x 3) / 8 = 4.50 a piece
    rows = StockMovement.objects.filter(reference=made["reference"])
    assert [(row.kind, row.quantity, row.unit_cost) for row in rows.order_by("pk")] == [
        ("sent_back", -2, D("4.5")),
        ("sent_back", -1, D("4.5")),
    ]
    line = call("inventory", "purchase_orders", {"order": order.reference})["lines"][0]
    assert (line["received"], line["returned"], line["missing"]) == (8, 3, 2)
    with pytest.raises(Conflict, match="Only 5 of A"):
        send_back(order, {"sku": "A", "quantity": 6})


@in_database
def test_what_is_not_there_or_promised_does_not_go_back():
    (item,) = shelf("A")
    order = sent(supplier(), (item, 5))
    with pytest.raises(Conflict, match="is sent and can't be sent back"):
        send_back(order, {"sku": "A", "quantity": 1})
    receive(order)
    level = item.levels.get()
    level.reserved = 4
    level.save()
    with pytest.raises(InsufficientStock, match="Only 1 of A can be taken"):
        send_back(order, {"sku": "A", "quantity": 2})
    product("B")
    with pytest.raises(NotFound):
        send_back(order, {"sku": "B", "quantity": 1})
    assert not StockMovement.objects.filter(kind="sent_back").exists()


@in_database
def test_a_certain_serial_number_goes_back():
    item = product("SAW", tracking="serial")
    order = sent(supplier(), (item, 2))
    receive(order, {"sku": "SAW", "quantity": 2, "serials": ["1", "2"]})
    with pytest.raises(ClarificationNeeded, match="Which of SAW goes back"):
        send_back(order, {"sku": "SAW", "quantity": 1})
    assert send_back(order, {"sku": "SAW", "quantity": 1, "lot": "2"})["parts"][0]["lot"] == "2"
    assert {level.lot.code: level.on_hand for level in stock_of(item).levels} == {"1": 1, "2": 0}
    assert send_back(order, {"sku": "SAW", "quantity": 1})["parts"][0]["lot"] == "1", "no other lies there"
