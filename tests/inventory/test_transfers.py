"""Transfers: what has left one place and not arrived is on no shelf, counts once, and may get lost."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from audit.completeness import gaps_found
from inventory.models import (
    KitComponent,
    Location,
    Product,
    StockLevel,
    StockMovement,
    Transfer,
    Warehouse,
)
from inventory.selectors import stock_of
from inventory.services.arrivals import transfer_receive
from inventory.services.transfers import Item, transfer_send
from shop_assistant.agents.errors import Conflict, InsufficientStock

from .making import USER, line, location, lotted, product, promised, sell, stocked
from .test_oversell import at_once

Ask = Any


@pytest.fixture
def ask(api: Any) -> Ask:
    """`ask("transfer", **body)` as the clerk; the answer's data, or its error where another code is expected."""

    def asked(what: str, code: int = 200, role: str = "clerk", **body: Any) -> Any:
        body = {"from" if name == "from_" else name: value for name, value in body.items()}
        answer = api(role).post(f"/api/inventory/{what}", body)
        assert answer.status_code == code, answer.content
        return answer.json()["data" if code == 200 else "error"]

    return asked


@pytest.fixture
def branch(db: None) -> Location:
    other = Warehouse.objects.create(code="S2", name="Second shop")
    made: Location = Location.objects.create(code="S2-01", warehouse=other)
    return made


def of(item: Product, quantity: float, **more: Any) -> dict[str, Any]:
    return {"sku": item.sku, "quantity": quantity, **more}


def lies(item: Product) -> dict[str, Decimal]:
    return {v.location.code: v.on_hand for v in item.levels.select_related("location") if v.on_hand}


@pytest.mark.django_db
class TestBetweenPlaces:
    def test_within_a_warehouse_goods_are_there_at_once(self, ask: Ask):
        item = stocked("SKU001", 10)
        location("B-01")
        made = ask("transfer", from_="A-01-01", to="B-01", lines=[of(item, 4)], note="nearer to the till")
        assert (made["transfer"], made["status"], made["closed_at"] is None) == ("TR-000001", "closed", False)
        assert lies(item) == {"A-01-01": 6, "B-01": 4}
        booked = StockMovement.objects.filter(reference="TR-000001").order_by("pk")
        assert [(m.kind, m.quantity, m.balance, m.reason, m.user_id) for m in booked] == [
            ("transfer", -4, 6, "nearer to the till", "USER-CLERK"),
            ("transfer", 4, 4, "nearer to the till", "USER-CLERK"),
        ]

    def test_between_two_they_are_in_transit_and_count_once(self, ask: Ask, branch: Location):
        item = stocked("SKU001", 10)
        made = ask("transfer", from_="A-01-01", to="S2-01", lines=[of(item, 4)])
        assert (made["status"], made["lines"][0]["in_transit"]) == ("in transit", 4)
        assert lies(item) == {"A-01-01": 6, "IN-TRANSIT": 4}
        stock = stock_of(item)
        assert (stock.on_hand, stock.in_transit, stock.available) == (6, 4, 6)
        assert sum(item.movements.values_list("quantity", flat=True)) == 10
        refused = ask("transfer", 409, from_="A-01-01", to="S2-01", lines=[of(item, 7)])
        assert refused["details"]["available"] == 6
        came = ask("receive-transfer", transfer="tr-000001")
        assert (came["status"], came["lines"][0]["arrived"]) == ("closed", 4)
        assert lies(item) == {"A-01-01": 6, "S2-01": 4}
        assert ask("receive-transfer", 409, transfer="TR-000001")["code"] == "CONFLICT"
        assert lies(item) == {"A-01-01": 6, "S2-01": 4}

    def test_it_may_be_told_to_wait_or_not(self, ask: Ask, branch: Location):
        item = stocked("SKU001", 10)
        location("B-01")
        assert ask("transfer", from_="A-01-01", to="B-01", lines=[of(item, 1)], receive=False)["status"] == "in transit"
        assert ask("transfer", from_="A-01-01", to="S2-01", lines=[of(item, 1)], receive=True)["status"] == "closed"
        assert lies(item) == {"A-01-01": 8, "IN-TRANSIT": 1, "S2-01": 1}

    def test_parts_arrive_and_parts_get_lost(self, ask: Ask, branch: Location):
        one, two = stocked("SKU001", 10), stocked("SKU002", 10)
        ask("transfer", from_="A-01-01", to="S2-01", lines=[of(one, 5), of(two, 3)])
        part = ask("receive-transfer", transfer="TR-000001", lines=[of(one, 2)])
        assert [row["in_transit"] for row in part["lines"]] == [3, 3]
        too_many = ask("receive-transfer", 409, transfer="TR-000001", lines=[of(one, 4)])
        assert (too_many["details"]["in_transit"], "3 of SKU001" in too_many["message"]) == (3, True)
        both = ask("receive-transfer", 409, transfer="TR-000001", lines=[of(one, 2)], lost=[of(one, 2)])
        assert both["details"]["in_transit"] == 1
        done = ask("receive-transfer", transfer="TR-000001", lost=[of(one, 1)])
        assert [(row["arrived"], row["lost"]) for row in done["lines"]] == [(4, 1), (3, 0)]
        assert done["status"] == "closed"
        assert lies(one) == {"A-01-01": 5, "S2-01": 4}
        lost = one.movements.get(kind="write_off")
        assert (lost.quantity, lost.location.code, lost.reason) == (-1, "IN-TRANSIT", "lost on the way")
        assert [gap for gap in gaps_found() if gap.check == "stock"] == []

    def test_everything_may_be_lost_and_nothing_may_have_come(self, ask: Ask, branch: Location):
        item = stocked("SKU001", 5)
        ask("transfer", from_="A-01-01", to="S2-01", lines=[of(item, 5)])
        assert ask("receive-transfer", transfer="TR-000001", lines=[])["status"] == "in transit"
        assert ask("receive-transfer", transfer="TR-000001", lines=[], lost=[of(item, 5)])["status"] == "closed"
        assert lies(item) == {}

    def test_lines_of_one_product_are_summed(self, ask: Ask):
        item = stocked("SKU001", 5)
        location("B-01")
        lines = [of(item, 3), of(item, 3)]
        short = ask("transfer", 409, from_="A-01-01", to="B-01", lines=lines)
        assert (short["details"]["requested"], short["details"]["available"]) == (6, 5)
        assert not Transfer.objects.exists()

    def test_what_is_reserved_stays(self, ask: Ask):
        item = stocked("SKU001", 5)
        location("B-01")
        promised("V-1", item, 3)
        short = ask("transfer", 409, from_="A-01-01", to="B-01", lines=[of(item, 3)])
        assert (short["details"]["available"], short["details"]["reserved"]) == (2, 3)
        assert "3 more are reserved" in short["message"]
        ask("transfer", from_="A-01-01", to="B-01", lines=[of(item, 2)])

    def test_places_that_goods_cant_go_from_or_to(self, ask: Ask, branch: Location):
        item = stocked("SKU001", 5)
        ask("transfer", from_="A-01-01", to="S2-01", lines=[of(item, 1)])
        for source, target, field in (
            ("A-01-01", "a-01-01", "to"),
            ("IN-TRANSIT", "S2-01", "from"),
            ("A-01-01", "IN-TRANSIT", "to"),
        ):
            refused = ask("transfer", 400, from_=source, to=target, lines=[of(item, 1)])
            assert field in refused["details"]["fields"]
        assert ask("transfer", 404, from_="A-01-01", to="NOWHERE", lines=[of(item, 1)])["details"]["available"]
        half = ask("transfer", 400, from_="A-01-01", to="S2-01", lines=[of(item, 0.5)])
        assert "pieces" in half["message"]

    def test_what_is_in_transit_is_neither_counted_nor_adjusted(self, ask: Ask, branch: Location):
        item = stocked("SKU001", 5)
        ask("transfer", from_="A-01-01", to="S2-01", lines=[of(item, 1)])
        refused = ask("update", 400, sku="SKU001", delta=1, location="IN-TRANSIT")
        assert "in transit" in refused["details"]["fields"]["location"]
        assert ask("update", sku="SKU001", quantity=3)["location"] == "A-01-01"

    def test_a_kit_has_nothing_to_send(self, ask: Ask):
        kit, part = product("KIT"), stocked("SKU001", 5)
        KitComponent.objects.create(kit=kit, component=part, quantity=2)
        location("B-01")
        assert "is a kit" in ask("transfer", 400, from_="A-01-01", to="B-01", lines=[of(kit, 1)])["message"]

    def test_the_list(self, ask: Ask, branch: Location):
        item, other = stocked("SKU001", 9), stocked("SKU002", 9)
        location("B-01")
        for target in ("S2-01", "B-01", "S2-01"):
            ask("transfer", from_="A-01-01", to=target, lines=[of(item, 1)])
        ask("transfer", from_="A-01-01", to="B-01", lines=[of(other, 1)])

        def listed(**body: Any) -> list[str]:
            return [row["transfer"][-1] for row in ask("transfers", role="auditor", **body)["items"]]

        assert listed() == ["4", "3", "2", "1"]
        assert listed(open=True) == ["3", "1"]
        assert listed(open=False, sku="sku001") == ["2"]
        assert listed(location="S2-01") == ["3", "1"]
        page = ask("transfers", limit=3)
        assert [row["transfer"][-1] for row in ask("transfers", cursor=page["next_cursor"])["items"]] == ["1"]
        assert ask("transfers", transfer="TR-000002")["lines"][0]["sku"] == "SKU001"
        ask("transfers", 404, transfer="TR-000009")

    def test_a_balance_in_transit_that_was_bent_is_found(self, ask: Ask, branch: Location):
        item = stocked("SKU001", 5)
        ask("transfer", from_="A-01-01", to="S2-01", lines=[of(item, 3)])
        StockLevel.objects.filter(location__code="IN-TRANSIT").update(on_hand=2)
        told = [str(gap) for gap in gaps_found() if gap.check == "stock"]
        assert "stock of SKU001 in transit is 2, but transfers that are on their way add up to 3" in told
        assert "The books have only 2" in ask("receive-transfer", 409, transfer="TR-000001")["message"]


@pytest.mark.django_db
class TestLots:
    def test_lots_and_serial_numbers_travel_as_themselves(self, ask: Ask, branch: Location):
        milk = lotted("MILK", ("L1", 5, None), ("L2", 5, None))
        phone = lotted("PHONE", ("SN1", 1, None), ("SN2", 1, None), tracking="serial")
        asked = ask("transfer", 422, from_="A-01-01", to="S2-01", lines=[of(milk, 2)])
        assert asked["details"]["options"] == ["L1", "L2"]
        lines = [of(milk, 2, lot="L1"), of(milk, 3, lot="L2"), of(phone, 1, lot="SN2")]
        ask("transfer", from_="A-01-01", to="S2-01", lines=lines)
        assert ask("receive-transfer", 422, transfer="TR-000001", lines=[of(milk, 1)])["details"]["options"] == [
            "L1",
            "L2",
        ]
        ask("receive-transfer", transfer="TR-000001", lines=[of(milk, 3, lot="L2"), of(phone, 1)])
        there = StockLevel.objects.filter(location=branch, on_hand__gt=0).values_list("lot__code", "on_hand")
        assert dict(there) == {"L2": 3, "SN2": 1}
        twice = ask("transfer", 409, from_="A-01-01", to="S2-01", lines=[of(phone, 2, lot="SN1")])
        assert twice["details"]["available"] == 1

    def test_the_only_lot_there_is_meant(self, ask: Ask):
        milk = lotted("MILK", ("L1", 5, None))
        location("B-01")
        made = ask("transfer", from_="A-01-01", to="B-01", lines=[of(milk, 2)])
        assert made["lines"][0]["lot"] == "L1"
        assert ask("transfer", 409, from_="B-01", to="A-01-01", lines=[of(milk, 2, lot="L1"), of(milk, 1)])


@pytest.mark.django_db
class TestQuarantine:
    def test_there_and_back(self, ask: Ask):
        item = stocked("SKU001", 10)
        made = ask("quarantine", sku="SKU001", quantity=3, reason="boxes are wet")
        assert (made["destination"], made["status"]) == ("Q-MAIN", "closed")
        stock = stock_of(item)
        assert (stock.on_hand, stock.quarantined, stock.available) == (10, 3, 7)
        with pytest.raises(InsufficientStock):
            sell(line(item, 8))
        assert ask("quarantine", 400, sku="SKU001", quantity=1, location="Q-MAIN", reason="x")["details"]["fields"]
        ask("transfer", from_="Q-MAIN", to="A-01-01", lines=[of(item, 2)], note="dry again")
        assert stock_of(item).available == 9

    def test_where_it_lies_must_be_clear(self, ask: Ask):
        stocked("SKU001", 10, 5)
        asked = ask("quarantine", 422, sku="SKU001", quantity=3, reason="wet")
        assert asked["details"]["options"] == ["A-01-01", "A-01-02"]
        ask("quarantine", sku="SKU001", quantity=3, location="A-01-02", reason="wet")
        assert ask("quarantine", 409, sku="SKU001", quantity=3, location="A-01-02", reason="wet")
        product("SKU002")
        assert "shelf" in ask("quarantine", 409, sku="SKU002", quantity=1, reason="wet")["message"]


def sending(item: Product, source: Location, target: Location, quantity: int, **more: Any) -> Any:
    def send() -> Transfer:
        with transaction.atomic():
            items = [Item(item, Decimal(quantity))]
            return transfer_send(source=source, destination=target, items=items, user_id=USER, **more)

    return send


@pytest.mark.django_db(transaction=True)
def test_many_hands_never_move_more_than_there_is():
    one, two = location("A-01-01"), location("A-01-02")
    item = stocked("SKU001", 10, 10)
    back_and_forth = [sending(item, one, two, 3), sending(item, two, one, 3)] * 3
    results = at_once(*back_and_forth, *[sending(item, one, two, 6, receive=False)] * 3)
    assert all(isinstance(result, Transfer | InsufficientStock) for result in results)
    assert sum(lies(item).values()) == 20 == sum(item.movements.values_list("quantity", flat=True))
    assert [gap for gap in gaps_found() if gap.check == "stock"] == []


@pytest.mark.django_db(transaction=True)
def test_what_arrives_is_booked_once():
    one, two = location("A-01-01"), location("A-01-02")
    item = stocked("SKU001", 10)
    sent = sending(item, one, two, 6, receive=False)()

    def take(**more: Any) -> Any:
        def receive() -> Transfer:
            with transaction.atomic():
                return transfer_receive(transfer=sent, user_id=USER, **more)

        return receive

    some = [Item(item, Decimal(2))]
    results = at_once(*[take(arrived=some)] * 3, *[take(arrived=[], lost=some)] * 3)
    assert sum(isinstance(result, Transfer) for result in results) == 3
    assert sum(isinstance(result, Conflict) for result in results) == 3
    row = sent.lines.get()
    assert (row.arrived + row.lost, lies(item).get("IN-TRANSIT")) == (6, None)
    assert lies(item).get("A-01-02", 0) == row.arrived
    assert Transfer.objects.get().closed_at is not None


@pytest.mark.django_db
def test_nothing_moves_when_another_quantity_lies_there_than_was_expected(ask: Ask, branch: Location):
    item = stocked("SKU001", 10)
    body = {"from_": "A-01-01", "to": "S2-01"}
    told = ask("transfer", 409, **body, lines=[of(item, 2, expected_quantity=9), of(item, 1)])
    assert told["details"] == {"sku": "SKU001", "location": "A-01-01", "expected_quantity": 9, "on_hand": 10}
    told = ask("quarantine", 409, sku="SKU001", quantity=1, reason="wet", expected_quantity=11)
    assert told["details"]["on_hand"] == 10
    assert lies(item) == {"A-01-01": 10}
    ask("transfer", **body, lines=[of(item, 2, expected_quantity=10), of(item, 1)])
    ask("quarantine", sku="SKU001", quantity=1, reason="wet", expected_quantity=7)
    assert stock_of(item).available == 6
