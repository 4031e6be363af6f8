"""Lots go out by their last day, serial numbers one by one; what has expired, is blocked or set apart stays."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Location, Lot, StockLevel, StockMovement, Warehouse
from inventory.selectors import stock_of, with_available
from inventory.services import return_create, stock_adjust, stock_pick, stock_set
from inventory.services.picking import Item
from shop_assistant.agents import call
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, InsufficientStock, NotFound, ValidationFailed

from .making import USER, line, location, lotted, product, receive, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal


def today() -> date:
    return timezone.localdate()


def days(number: int) -> date:
    return today() + timedelta(days=number)


def picked(item, quantity, lot=None, **fields):
    with transaction.atomic():
        (pick,) = stock_pick(items=[Item(item, D(quantity), lot)], **fields)
        return {level.lot.code: taken for level, taken in pick.needs[0].taken.items()}


def lots(item):
    return dict(StockLevel.objects.filter(product=item, on_hand__gt=0).values_list("lot__code", "on_hand"))


def test_first_expired_first_out():
    item = lotted("MILK", ("KEEPS", 5, None), ("LATE", 5, days(9)), ("SOON", 5, days(0)), ("LATE2", 5, days(9)))
    assert picked(item, 13) == {"SOON": 5, "LATE": 5, "LATE2": 3}
    order = sell(line(item, 16))
    assert lots(item) == {"KEEPS": 4}
    sold = StockMovement.objects.filter(reference=order.reference).order_by("pk")
    assert [(m.lot.code, m.quantity) for m in sold] == [("SOON", -5), ("LATE", -5), ("LATE2", -5), ("KEEPS", -1)]


def test_what_expired_yesterday_or_is_blocked_or_set_apart_is_not_for_sale():
    item = lotted("MILK", ("OLD", 5, days(-1)), ("BAD", 5, None), ("GOOD", 5, days(1)), ("APART", 5, None))
    bad = Lot.objects.get(code="BAD")
    bad.blocked = True
    bad.save()
    good = Lot.objects.get(code="GOOD")
    apart, away = (
        Location.objects.create(code=kind.upper(), kind=kind, warehouse=Warehouse.objects.get())
        for kind in ("quarantine", "transit")
    )
    receive(item, 3, apart, lot=good)
    with pytest.raises(ValidationFailed):
        receive(item, 3, away, lot=good)
    StockLevel.objects.create(product=item, location=away, lot=good, on_hand=3)
    StockLevel.objects.filter(lot__code="APART").update(reserved=5)
    answer = call("inventory", "query", {"sku": "MILK"})
    assert {name: answer[name] for name in ("quantity", "available", "quarantined", "in_transit", "reserved")} == {
        "quantity": 23, "available": 5, "quarantined": 3, "in_transit": 3, "reserved": 5,
    }  # fmt: skip
    assert with_available(type(item).objects.all()).get().available == 5
    with pytest.raises(InsufficientStock) as refused:
        sell(line(item, 6))
    assert refused.value.details["available"] == 5
    with pytest.raises(Conflict, match="blocked"):
        picked(item, 1, bad)
    with pytest.raises(Conflict, match="expired"):
        picked(item, 1, Lot.objects.get(code="OLD"))


def test_a_lot_asked_for_is_given_and_kept_for_whom_asks():
    item = lotted("MILK", ("SOON", 2, days(1)), ("LATE", 5, days(9)))
    soon = Lot.objects.get(code="SOON")
    with transaction.atomic():
        picks = stock_pick(items=[Item(item, D(3)), Item(item, D(2), soon)])
    assert [[level.lot.code for level in pick.needs[0].taken] for pick in picks] == [["LATE"], ["SOON"]]
    with pytest.raises(InsufficientStock) as refused:
        picked(item, 3, soon)
    assert refused.value.details["lot"] == "SOON"
    with pytest.raises(ValidationFailed):
        picked(stocked("OTHER", 1), 1, soon)


def test_what_comes_in_needs_its_lot_and_what_goes_out_where_there_are_several():
    item = product("MILK", tracking="lot", shelf_life_days=10)
    ask = {"sku": "MILK", "delta": 5}
    with pytest.raises(ClarificationNeeded) as asked:
        call("inventory", "update", ask)
    assert asked.value.details["field"] == "lot"
    assert call("inventory", "update", {**ask, "lot": "A"})["lot"] == "A"
    assert Lot.objects.get().expires_on == days(10)
    assert call("inventory", "update", {"sku": "MILK", "delta": -1})["lot"] == "A"
    call("inventory", "update", {**ask, "lot": "B", "expires_on": "2090-01-31"})
    with pytest.raises(ClarificationNeeded) as asked:
        call("inventory", "update", {"sku": "MILK", "delta": -1})
    assert asked.value.details["options"] == ["A", "B"]
    counted = call("inventory", "update", {"sku": "MILK", "quantity": 2, "lot": "B", "expected_quantity": 5})
    assert (counted["quantity"], lots(item)) == (6, {"A": 4, "B": 2})
    with pytest.raises(Conflict):
        call("inventory", "update", {**ask, "lot": "B", "expires_on": "2091-01-31"})
    with pytest.raises(NotFound):
        call("inventory", "update", {"sku": "MILK", "delta": -1, "lot": "C"})
    stocked("PLAIN", 1)
    with pytest.raises(ValidationFailed):
        call("inventory", "update", {"sku": "PLAIN", "delta": 1, "lot": "C"})
    assert stock_of(item).on_hand == 6


def test_serial_numbers_come_and_go_one_by_one():
    phone = product("PHONE", tracking="serial")
    for code in ("S1", "S2", "S3"):
        assert call("inventory", "update", {"sku": "PHONE", "delta": 1, "lot": code})["lot"] == code
    with pytest.raises(ValidationFailed):
        call("inventory", "update", {"sku": "PHONE", "delta": 2, "lot": "S4"})
    with pytest.raises(Conflict, match="already"):
        call("inventory", "update", {"sku": "PHONE", "delta": 1, "lot": "S1"})
    with pytest.raises(Conflict, match="already"):
        stock_adjust(product=phone, delta=D(1), lot=Lot.objects.get(code="S1"), location=location("B"), user_id=USER)
    sold = call("sales", "sell", {"lines": [{"sku": "PHONE", "quantity": 1, "lot": "S2"}]})
    assert sold["lines"][0]["picked"][0]["lot"] == "S2"
    assert lots(phone) == {"S1": 1, "S3": 1}
    with pytest.raises(InsufficientStock):
        call("sales", "sell", {"lines": [{"sku": "PHONE", "quantity": 1, "lot": "S2"}]})
    call("sales", "return", {"order": sold["order"]})
    assert lots(phone) == {"S1": 1, "S2": 1, "S3": 1}


def test_a_count_of_a_serial_number_is_none_or_one():
    phone = product("PHONE", tracking="serial")
    call("inventory", "update", {"sku": "PHONE", "delta": 1, "lot": "S1"})
    lot = Lot.objects.get()
    with pytest.raises(Conflict):
        stock_set(product=phone, quantity=D(2), lot=lot, user_id=USER)
    assert stock_set(product=phone, quantity=D(0), lot=lot, user_id=USER).stock.on_hand == 0


# Returns


def test_lots_come_back_to_the_lot_they_were_sold_from():
    item = lotted("MILK", ("A", 2, days(1)), ("B", 5, days(2)))
    order = sell(line(item, 6))
    assert lots(item) == {"B": 1}

    def back(quantity, **fields):
        with transaction.atomic():
            return_create(order=order, items=[(item, D(quantity))], user_id=USER, **fields)
        return lots(item)

    b = Lot.objects.get(code="B")
    with pytest.raises(Conflict, match="not out"):
        back(5, lots={item.pk: {b: D(5)}})
    assert back(1, lots={item.pk: {b: D(1)}}) == {"B": 2}
    assert back(3) == {"A": 2, "B": 3}
    assert back(2) == {"A": 2, "B": 5}


def test_which_serial_number_came_back_must_be_told():
    product("PHONE", tracking="serial")
    for code in ("S1", "S2", "S3"):
        call("inventory", "update", {"sku": "PHONE", "delta": 1, "lot": code})
    order = call("sales", "sell", {"lines": [{"sku": "PHONE", "quantity": 2}]})["order"]
    part = {"sku": "PHONE", "quantity": 1}
    with pytest.raises(ClarificationNeeded) as asked:
        call("sales", "return", {"order": order, "lines": [part]})
    assert asked.value.details["options"] == ["S1", "S2"]
    with pytest.raises(Conflict):
        call("sales", "return", {"order": order, "lines": [{**part, "lot": "S3"}]})
    call("sales", "return", {"order": order, "lines": [{**part, "lot": "S2"}]})
    call("sales", "return", {"order": order})
    assert StockLevel.objects.filter(on_hand=1).count() == 3


def test_serial_numbers_of_several_lines_need_no_telling_when_all_come_back():
    product("PHONE", tracking="serial")
    for code in ("S1", "S2", "S3"):
        call("inventory", "update", {"sku": "PHONE", "delta": 1, "lot": code})
    both = [{"sku": "PHONE", "quantity": 1, "lot": code} for code in ("S1", "S3")]
    order = call("sales", "sell", {"lines": both})["order"]
    with pytest.raises(ClarificationNeeded):
        call("sales", "return", {"order": order, "lines": [{"sku": "PHONE", "quantity": 1}]})
    call("sales", "return", {"order": order})
    assert StockLevel.objects.filter(on_hand=1).count() == 3


def test_what_is_written_off_must_be_out_with_the_order():
    item = lotted("MILK", ("A", 2, days(1)), ("B", 5, days(2)))
    order = call("sales", "sell", {"lines": [{"sku": "MILK", "quantity": 2}]})["order"]
    back = {"order": order, "disposition": "write_off"}
    with pytest.raises(Conflict, match="not out"):
        call("sales", "return", {**back, "lines": [{"sku": "MILK", "quantity": 1, "lot": "B"}]})
    call("sales", "return", {**back, "lines": [{"sku": "MILK", "quantity": 1, "lot": "A"}]})
    assert lots(item) == {"B": 5}


def test_lots_are_asked_for_once_however_many_are_named():
    lotted("MILK", *((f"L{number}", 9, None) for number in range(9)))

    def queries(agent: str, operation: str, lots: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            call(agent, operation, {"lines": [{"sku": "MILK", "quantity": 1, "lot": f"L{n}"} for n in range(lots)]})
        return len(asked)

    for agent, operation in (("inventory", "reserve"), ("sales", "sell")):
        queries(agent, operation, 2)  # the first of all
        assert queries(agent, operation, 9) <= queries(agent, operation, 2) + 1


def test_a_return_into_quarantine_costs_the_same_however_many_lines_it_has():
    for number in range(9):
        stocked(f"P{number}", 3)

    def queries(lines: int) -> int:
        order = call("sales", "sell", {"lines": [{"sku": f"P{n}", "quantity": 1} for n in range(lines)]})["order"]
        with CaptureQueriesContext(connection) as asked:
            call("sales", "return", {"order": order, "disposition": "quarantine"})
        return len(asked)

    queries(1)  # makes the quarantine
    few = queries(2)
    assert queries(9) <= few + 2


@pytest.mark.usefixtures("shop")
def test_what_is_returned_into_quarantine_is_there_and_not_for_sale():
    sold = call("sales", "sell", {"lines": [{"sku": "SKU001", "quantity": 3}]})
    back = call("sales", "return", {"order": sold["order"], "disposition": "quarantine"})
    assert (back["disposition"], back["restocked"]) == ("quarantine", True)
    answer = call("inventory", "query", {"sku": "SKU001"})
    assert [answer[name] for name in ("quantity", "available", "quarantined")] == [150, 147, 3]
    assert answer["locations"][-1]["location"] == "Q-MAIN"
    again = call("sales", "sell", {"lines": [{"sku": "SKU001", "quantity": 2}]})
    call("sales", "return", {"order": again["order"], "disposition": "quarantine"})
    assert Location.objects.filter(kind="quarantine").count() == 1
    assert StockLevel.objects.get(location__code="Q-MAIN").on_hand == 5


@pytest.mark.usefixtures("shop")
def test_a_write_off_is_one_whichever_way_it_is_told():
    for fields in ({"restock": False}, {"disposition": "write_off"}, {"restock": False, "disposition": "write_off"}):
        sold = call("sales", "sell", {"lines": [{"sku": "SKU001", "quantity": 1}]})
        back = call("sales", "return", {"order": sold["order"], **fields})
        assert (back["disposition"], back["restocked"]) == ("write_off", False)
    assert call("inventory", "query", {"sku": "SKU001"})["quantity"] == 147
    with pytest.raises(ValidationFailed):
        call("sales", "return", {"order": sold["order"], "restock": False, "disposition": "quarantine"})
