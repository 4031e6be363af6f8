"""Count sheets: blind, counted again where it is far off, approved by another, booked on top of what has moved."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from inventory.models import CountEntry, CountLine, CountSheet, Location, Product, StockLevel, StockMovement
from inventory.selectors import stock_of
from inventory.services import stock_adjust
from inventory.services.stock import lot_for
from shop_assistant.agents import Role

from .making import USER, kit, line, location, product, receive, sell, stocked

pytestmark = pytest.mark.django_db


class Counting:
    """Counts through the API: the clerk counts, the manager opens, the owner approves."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.sheet = ""

    def ask(self, what: str, role: str, code: int = 200, **body: Any) -> Any:
        answer = self.api(role).post(f"/api/inventory/{what}", body)
        assert answer.status_code == code, answer.content
        found = answer.json()
        return found["data"] if code == 200 else found["error"]

    def open(self, **body: Any) -> Any:
        made = self.ask("count-open", "manager", **body)
        self.sheet = made["sheet"]
        return made

    def enter(self, *lines: dict[str, Any], role: str = "clerk", code: int = 200, **more: Any) -> Any:
        return self.ask("count-enter", role, code, sheet=self.sheet, lines=list(lines), **more)

    def close(self, code: int = 200, **more: Any) -> Any:
        return self.ask("count-close", "clerk", code, sheet=self.sheet, **more)

    def approve(self, role: str = "owner", code: int = 200, **more: Any) -> Any:
        return self.ask("count-approve", role, code, sheet=self.sheet, **more)

    def show(self, role: str = "owner", **more: Any) -> Any:
        return self.ask("counts", role, sheet=self.sheet, **more)


@pytest.fixture
def counting(api: Any) -> Counting:
    return Counting(api)


def counted(sku: str, quantity: float, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, **more}


def movements(sheet: str) -> list[tuple[str, str, str, Decimal]]:
    rows = StockMovement.objects.filter(reference=sheet, kind="count").order_by("pk")
    return [(m.product.sku, m.location.code, m.lot.code if m.lot else "", m.quantity) for m in rows]


def on_hand(item: Product, at: str) -> Decimal:
    return sum((level.on_hand for level in item.levels.filter(location__code=at)), Decimal(0))


def test_from_opening_to_posting(counting: Counting) -> None:
    widget, gadget = stocked("SKU001", 10), stocked("SKU002", 4)
    made = counting.open(location="A-01-01")
    assert (made["lines"], made["left_out"], made["scope"]) == (2, {}, "everything at A-01-01")
    assert counting.enter(counted("sku001", 9), counted("SKU002", 4))["left"] == 0
    assert counting.close()["status"] == "counted"
    done = counting.approve()
    assert (done["movements"], done["missing"], done["surplus"], done["value"]) == (1, 1, 0, -4)
    assert done["approval"] == "four eyes"
    assert movements(made["sheet"]) == [("SKU001", "A-01-01", "", Decimal(-1))]
    assert (stock_of(widget).on_hand, stock_of(gadget).on_hand) == (9, 4)
    posted = StockMovement.objects.get(reference=made["sheet"])
    assert (posted.user_id, posted.unit_cost, posted.reason) == ("USER-OWNER", 4, "")
    assert [h.status for h in CountSheet.objects.get().history.order_by("history_id")] == ["open", "counted", "posted"]


def test_what_moved_since_the_count_stays_moved(counting: Counting) -> None:
    widget = stocked("SKU001", 10)
    counting.open(location="A-01-01", recount_units=None, recount_percent=None)
    counting.enter(counted("SKU001", 7))
    sell(line(widget, 2))
    receive(widget, 20, location())
    counting.close()
    counting.approve()
    assert stock_of(widget).on_hand == 10 - 2 + 20 - 3


def test_a_count_on_paper_is_held_against_its_own_moment(counting: Counting) -> None:
    widget = stocked("SKU001", 10)
    counting.open(location="A-01-01")
    then = timezone.now()
    sell(line(widget, 4))
    late = counting.enter(counted("SKU001", 10), counted_at=(then + timedelta(hours=1)).isoformat(), code=400)
    assert late["details"]["fields"] == {"counted_at": "lies in the future"}
    counting.enter(counted("SKU001", 10), counted_at=then.isoformat())
    counting.close()
    assert counting.approve()["movements"] == 0
    assert stock_of(widget).on_hand == 6


def test_nobody_who_counts_is_told_what_is_booked(counting: Counting) -> None:
    stocked("SKU001", 137)
    counting.open(location="A-01-01")
    told = [counting.show("clerk"), counting.show("owner"), counting.enter(counted("SKU001", 131)), counting.close()]
    assert told[-1]["recount"] == [
        {"line": 1, "sku": "SKU001", "product_name": "Product SKU001", "location": "A-01-01", "lot": None}
    ]
    told += [counting.show("owner"), counting.enter(counted("SKU001", 132), role="manager"), counting.close()]
    told += [counting.show("clerk"), counting.show("manager")]
    assert "137" not in str(told)
    assert "131" not in str(told[4:]), "the second count does not know the first"
    for role in ("clerk", "manager"):
        counting.ask("counts", role, 409, sheet=counting.sheet, only="different")
    (shown,) = counting.show("owner", only="different")["lines"]
    assert (shown["booked"], shown["counted"], shown["difference"], shown["value"]) == (137, 132, -5, -20)
    assert counting.show("owner")["summary"]["value"] == -20
    counting.approve()
    assert counting.show("clerk")["lines"][0]["booked"] == 137


@pytest.mark.parametrize(
    ("limits", "found", "again"),
    [
        ({}, 95, False),
        ({}, 94, True),
        ({"recount_percent": 4}, 95, True),
        ({"recount_units": None, "recount_percent": None}, 0, False),
        ({"recount_units": None, "recount_percent": None, "recount_money": 19.99}, 95, True),
        ({"recount_units": None, "recount_percent": None, "recount_money": 20}, 105, False),
    ],
)
def test_what_is_far_off_is_counted_again(counting: Counting, limits: dict[str, Any], found: int, again: bool) -> None:
    stocked("SKU001", 100)
    counting.open(location="A-01-01", **limits)
    counting.enter(counted("SKU001", found))
    closed = counting.close()
    assert (closed["status"], closed["recounting"]) == (("recount", 1) if again else ("counted", 0))


def test_a_recount_is_of_its_lines_alone_and_has_to_be_whole(counting: Counting) -> None:
    for sku in ("A", "B", "C"):
        stocked(sku, 100)
    counting.open(location="A-01-01")
    counting.enter(counted("A", 100), counted("B", 50), counted("C", 50))
    assert counting.close()["recounting"] == 2
    error = counting.enter(counted("A", 99), code=409)
    assert "not on the recount" in error["message"]
    counting.enter(counted("B", 50))
    assert counting.close(422, leave_uncounted=True)["details"]["uncounted"] == 1
    counting.enter(counted("C", 100))
    assert counting.close()["status"] == "counted", "counted twice is enough"
    once_more = counting.ask("count-recount", "owner", sheet=counting.sheet)
    assert [found["sku"] for found in once_more["recount"]] == ["B"]
    counting.ask("count-recount", "owner", 409, sheet=counting.sheet)
    counting.enter(counted("B", 99))
    counting.close()
    counting.ask("count-recount", "owner", 404, sheet=counting.sheet, lines=[9])
    assert counting.ask("count-recount", "owner", sheet=counting.sheet, lines=[1])["recounting"] == 1
    counting.enter(counted("A", 100))
    counting.close()
    assert counting.approve()["missing"] == 1
    assert list(CountEntry.objects.filter(line__product__sku="B").values_list("round", "quantity")) == [
        (1, 50), (2, 50), (3, 99),
    ]  # fmt: skip


def test_a_figure_is_replaced_by_who_knows_it(counting: Counting) -> None:
    stocked("SKU001", 10)
    counting.open(location="A-01-01")
    counting.enter(counted("SKU001", 10, replaces=3), code=409)
    counting.enter(counted("SKU001", 9, reason="one is broken"))
    for wrong in ({}, {"replaces": 8}):
        error = counting.enter(counted("SKU001", 10, **wrong), role="manager", code=409)
        (refused,) = error["details"]["refused"]
        assert (refused["counted"], refused["counted_by"]) == (9, "USER-CLERK")
    assert counting.enter(counted("SKU001", 9), same_is_well=True)["unchanged"] == 1
    assert counting.enter(counted("SKU001", 10, replaces=9), role="manager")["entered"] == 1
    first, second = CountEntry.objects.order_by("pk")
    assert (second.replaces, second.user_id, second.quantity) == (first, "USER-MANAGER", 10)
    assert CountLine.objects.get().reason == "one is broken"


def test_one_bad_line_refuses_all_or_itself_alone(counting: Counting) -> None:
    stocked("SKU001", 10), stocked("SKU002", 4)
    counting.open(location="A-01-01")
    lines = [counted("SKU001", 10), counted("SKU002", 1.5), counted("NOPE", 1), counted("SKU001", 3)]
    error = counting.enter(*lines, code=400)
    assert [refused["index"] for refused in error["details"]["refused"]] == [1, 2, 3]
    assert not CountEntry.objects.exists()
    done = counting.enter(*lines, partial=True)
    assert (done["entered"], done["left"], [refused["index"] for refused in done["refused"]]) == (1, 1, [1, 2, 3])
    assert "whole number" in done["refused"][0]["reason"]
    assert "NOPE" in done["refused"][1]["reason"]


def test_what_was_not_counted_is_left_only_if_that_is_said(counting: Counting) -> None:
    stocked("SKU001", 10), stocked("SKU002", 4)
    counting.open(location="A-01-01")
    counting.close(409, leave_uncounted=True)
    counting.enter(counted("SKU001", 10))
    assert counting.close(422)["details"]["lines"] == [2]
    assert counting.close(leave_uncounted=True)["status"] == "counted"
    assert counting.approve()["movements"] == 0


def test_what_the_books_do_not_know_there_is_entered_too(counting: Counting) -> None:
    stocked("SKU001", 10)
    gadget = stocked("SKU002", 0, 6)
    location("A-01-02"), location("B-01-01")
    counting.open(location="A-01-01")
    counting.enter(counted("SKU002", 2, location="B-01-01"), code=400)
    counting.enter(counted("SKU001", 10), counted("SKU002", 2))
    counting.close()
    again = counting.enter(counted("SKU002", 2))
    assert again["entered"] == 1
    counting.close()
    assert counting.approve()["surplus"] == 2
    assert (on_hand(gadget, "A-01-01"), on_hand(gadget, "A-01-02")) == (2, 6)


def test_named_products_and_classes_take_no_others(counting: Counting) -> None:
    widget = stocked("SKU001", 10)
    other, third = stocked("SKU002", 4), product("SKU003")
    sell(line(widget, 1, "90.00"), line(other, 1, "10.00"), occurred_at=timezone.now() - timedelta(days=3))
    made = counting.open(abc_class="A")
    assert (made["lines"], made["scope"]) == (1, "class A")
    counting.enter(counted("SKU002", 4, location="A-01-01"), code=400)
    assert counting.open(skus=["SKU002", "SKU003"], location="A-01-01")["lines"] == 2
    counting.enter(counted("SKU003", 5), counted("SKU002", 3))
    assert [found["sku"] for found in counting.close()["recount"]] == ["SKU003"]
    assert CountLine.objects.filter(product=third).count() == 1


def test_classes_are_those_of_the_analysis(counting: Counting) -> None:
    """What is sold within kits alone counts, and so does what is not for sale any more."""
    stocked("BOLT", 50), stocked("NUT", 50, list_price="0.01")
    other = stocked("OTHER", 50)
    stocked("GONE", 5, active=False)
    sell(line(kit("SET", BOLT=2, NUT=1), 9, "10.00"), line(other, 1, "20.00"))
    told = counting.ask("analysis", "manager")["items"]
    assert {item["sku"]: item["abc"] for item in told} == {"BOLT": "A", "GONE": "C", "NUT": "C", "OTHER": "B"}
    assert {item["sku"]: round(item["revenue"], 1) for item in told}["BOLT"] == 75.0, "without tax"
    for abc_class, skus in (("A", {"BOLT"}), ("B", {"OTHER"}), ("C", {"GONE", "NUT"})):
        counting.open(abc_class=abc_class)
        assert set(CountLine.objects.filter(sheet__abc_class=abc_class).values_list("product__sku", flat=True)) == skus


def test_the_same_shelf_is_on_one_sheet_at_a_time(counting: Counting) -> None:
    stocked("SKU001", 10), stocked("SKU002", 4)
    first = counting.open(skus=["SKU001"])["sheet"]
    made = counting.open(location="A-01-01")
    assert (made["lines"], made["left_out"]) == (1, {first: 1})
    assert counting.enter(counted("SKU001", 1), code=409)["details"]["refused"][0]["reason"].endswith(
        f"is being counted on {first}: enter it there."
    )
    counting.ask("count-open", "manager", 409, location="A-01-01")
    counting.ask("count-cancel", "manager", sheet=first)
    assert counting.ask("count-open", "manager", location="A-01-01")["lines"] == 1


def test_a_count_booked_in_another_way_meanwhile_is_not_booked_again(counting: Counting) -> None:
    widget = stocked("SKU001", 10)
    counting.open(location="A-01-01")
    counting.enter(counted("SKU001", 9))
    counting.ask("update", "clerk", sku="SKU001", quantity=9, reason="counted")
    counting.close()
    error = counting.approve(code=409)
    assert error["details"]["lines"] == [1]
    assert "counted again" in error["message"]
    counting.ask("count-recount", "owner", sheet=counting.sheet)
    counting.enter(counted("SKU001", 9))
    counting.close()
    assert counting.approve()["movements"] == 0
    assert stock_of(widget).on_hand == 9


def test_never_below_nothing_nor_what_is_reserved(counting: Counting) -> None:
    widget = stocked("SKU001", 10)
    counting.open(location="A-01-01", recount_units=None, recount_percent=None)
    counting.enter(counted("SKU001", 6))
    StockLevel.objects.filter(product=widget).update(reserved=8)
    counting.close()
    error = counting.approve(code=409)
    assert error["code"] == "INSUFFICIENT_STOCK"
    assert "Release the reservation" in error["message"]
    StockLevel.objects.filter(product=widget).update(reserved=0)
    sell(line(widget, 8))
    assert counting.approve(code=409)["details"]["lines"][0]["on_hand"] == 2
    assert (CountSheet.objects.get().status, stock_of(widget).on_hand) == ("counted", 2)
    assert movements(counting.sheet) == []


def test_who_counted_approves_only_where_nobody_else_may(counting: Counting, users: Any) -> None:
    stocked("SKU001", 10)
    counting.open(location="A-01-01")
    counting.enter(counted("SKU001", 9), role="manager")
    counting.close()
    counting.approve("clerk", 403)
    assert counting.approve("manager", 403)["details"]["proposed_by"] == "USER-MANAGER"
    owner = users[Role.OWNER]
    owner.is_active = False
    owner.save()
    assert counting.approve("manager", 422)["details"]["missing"] == "confirm"
    assert counting.show("manager")["lines"][0]["difference"] == -1, "of one's own count, where nobody else may"
    assert counting.approve("manager", confirm=True)["approval"] == "self-approved"
    assert CountSheet.objects.get().self_approved


def test_reasons_are_the_movements(counting: Counting) -> None:
    stocked("SKU001", 10), stocked("SKU002", 10)
    counting.open(location="A-01-01")
    counting.enter(counted("SKU001", 9, reason="broken"), counted("SKU002", 9))
    counting.close()
    counting.approve(code=404, reasons=[{"line": 7, "reason": "?"}])
    counting.approve(reasons=[{"line": 2, "reason": "given away"}])
    assert set(StockMovement.objects.filter(kind="count").values_list("product__sku", "reason")) == {
        ("SKU001", "broken"),
        ("SKU002", "given away"),
    }


def _lots(sku: str, tracking: str, **amounts: int) -> Product:
    made = product(sku, tracking=tracking)
    for code, amount in amounts.items():
        with transaction.atomic():
            lot = lot_for(product=made, code=code)
            stock_adjust(
                product=made, delta=Decimal(amount), location=location(), lot=lot, kind=StockMovement.Kind.RECEIPT,
                user_id=USER,
            )  # fmt: skip
    return made


def test_lots_are_counted_each_by_itself(counting: Counting) -> None:
    milk = _lots("MILK", "lot", L1=5, L2=7)
    counting.open(location="A-01-01", recount_units=None, recount_percent=None)
    assert [found["lot"] for found in counting.show("clerk")["lines"]] == ["L1", "L2"]
    assert "name the location and the lot" in counting.enter(counted("MILK", 12), code=400)["message"]
    counting.enter(counted("MILK", 4, lot="l1"), counted("MILK", 7, lot="L2"), counted("MILK", 3, lot="L3"))
    counting.close()
    counting.approve()
    assert movements(counting.sheet) == [
        ("MILK", "A-01-01", "L1", Decimal(-1)),
        ("MILK", "A-01-01", "L3", Decimal(3)),
    ]
    assert stock_of(milk).on_hand == 14


def test_goods_of_lots_are_counted_with_their_lot(counting: Counting) -> None:
    product("MILK", tracking="lot")
    counting.open(skus=["MILK"], location=location().code)
    assert "name the lot" in counting.enter(counted("MILK", 5), code=400)["message"]
    counting.enter(counted("MILK", 0), counted("MILK", 5, lot="L1"))


def test_serial_numbers_are_counted_as_a_list(counting: Counting) -> None:
    phone = _lots("PHONE", "serial", S1=1, S2=1, S3=1)
    location("B-01-01")
    counting.open(location="A-01-01", recount_units=None, recount_percent=None)
    assert "S1" not in str(counting.show("clerk")), "what should lie there is not told"
    counting.enter(counted("PHONE", 3), code=400)
    assert "names one twice" in counting.enter({"sku": "PHONE", "serials": ["S1", "S1"]}, code=400)["message"]
    counting.enter({"sku": "PHONE", "serials": ["S1", "S3", "S9"]})
    counting.close()
    (shown,) = counting.show("owner")["lines"]
    assert (shown["counted"], shown["difference"], shown["serials"]) == (3, 0, ["S1", "S3", "S9"])
    assert counting.show("owner")["summary"]["different"] == 1, "one is missing, another one too many"
    done = counting.approve()
    assert (done["movements"], done["missing"], done["surplus"]) == (2, 1, 1)
    assert movements(counting.sheet) == [("PHONE", "A-01-01", "S2", -1), ("PHONE", "A-01-01", "S9", 1)]
    assert stock_of(phone).on_hand == 3


def test_a_serial_number_moves_with_a_count_of_both_places(counting: Counting) -> None:
    phone = _lots("PHONE", "serial", S1=1, S2=1)
    location("B-01-01")
    counting.open(skus=["PHONE"], recount_units=None, recount_percent=None)
    counting.enter({"sku": "PHONE", "serials": ["S2"], "location": "B-01-01"})
    counting.close(leave_uncounted=True)
    assert "is booked at A-01-01" in counting.approve(code=409)["message"]
    counting.ask("count-recount", "owner", sheet=counting.sheet, lines=[1, 2])
    counting.enter(
        {"sku": "PHONE", "serials": ["S2"], "location": "B-01-01"},
        {"sku": "PHONE", "serials": ["S1"], "location": "A-01-01"},
    )
    counting.close()
    counting.approve()
    assert (on_hand(phone, "A-01-01"), on_hand(phone, "B-01-01")) == (1, 1)


def test_goods_in_transit_and_kits_are_not_counted(counting: Counting) -> None:
    stocked("SKU001", 10)
    way = location("WAY")
    way.kind = Location.Kind.TRANSIT
    way.save()
    StockLevel.objects.create(product=product("SKU002"), location=way, on_hand=3)
    kit = product("KIT")
    kit.components.create(component=Product.objects.get(sku="SKU001"), quantity=2)
    counting.ask("count-open", "manager", 400, location="WAY")
    counting.ask("count-open", "manager", 400, skus=["KIT"])
    assert counting.open(warehouse="MAIN")["lines"] == 1
    assert "is a kit" in counting.enter(counted("KIT", 1, location="A-01-01"), code=400)["message"]
    assert "on their way" in counting.enter(counted("SKU002", 1, location="WAY"), code=400)["message"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("count-open", {}),
        ("count-open", {"location": "A-01-01", "recount_units": -1}),
        ("count-enter", {"sheet": "CS-000001", "lines": []}),
        ("count-enter", {"sheet": "CS-000001", "lines": [{"sku": "SKU001"}]}),
        ("count-enter", {"sheet": "CS-000001", "lines": [{"sku": "SKU001", "quantity": 1, "serials": ["S"]}]}),
        ("count-enter", {"sheet": "CS-000001", "lines": [{"sku": "SKU001", "quantity": -1}]}),
    ],
)
def test_what_can_not_be_is_told(counting: Counting, route: str, body: dict[str, Any]) -> None:
    counting.ask(route, "owner", 400, **body)


def test_unknown_sheets_and_closed_ones(counting: Counting) -> None:
    stocked("SKU001", 10)
    counting.open(location="A-01-01")
    for route in ("counts", "count-close", "count-recount", "count-approve", "count-cancel"):
        error = counting.ask(route, "owner", 404, sheet="CS-999999")
        assert error["details"]["available"] == [counting.sheet]
    assert "close it first" in counting.approve(code=409)["message"]
    counting.ask("count-cancel", "manager", sheet=counting.sheet)
    for route, more in (("count-enter", {"lines": [counted("SKU001", 1)]}), ("count-close", {}), ("count-cancel", {})):
        assert "open a new sheet" in counting.ask(route, "owner", 409, sheet=counting.sheet, **more)["message"]


def test_lists_are_flat_and_in_pages(counting: Counting, django_assert_num_queries: Any) -> None:
    for number in range(5):
        stocked(f"SKU{number}", 10)
        counting.open(skus=[f"SKU{number}"])
    counting.enter(counted("SKU4", 9))
    page = counting.ask("counts", "clerk", limit=2)
    assert [(item["sheet"], item["counted"], item["different"]) for item in page["items"]] == [
        ("CS-000005", 1, None), ("CS-000004", 0, None),
    ]  # fmt: skip
    rest = counting.ask("counts", "clerk", limit=10, cursor=page["next_cursor"], location="A-01-01", status="open")
    assert ([item["sheet"] for item in rest["items"]][-1], rest["next_cursor"]) == ("CS-000001", None)
    counting.ask("count-cancel", "owner", sheet="CS-000001")
    stocked("MORE", 1), stocked("LESS", 1)
    counting.open(location="A-01-01")
    lines = counting.show("clerk", limit=2)
    assert [found["sku"] for found in lines["lines"]] == ["LESS", "MORE"]
    following = counting.show("clerk", limit=2, cursor=lines["next_cursor"])
    assert ([found["sku"] for found in following["lines"]], following["next_cursor"]) == (["SKU0"], None)


def test_unexplained_differences_are_shrinkage(counting: Counting) -> None:
    """What a sheet books without a reason counts; with one, and seen by two, it doesn't."""
    for sku in ("A", "B"):
        stocked(sku, 300)
    counting.open(location="A-01-01", recount_units=None, recount_percent=None)
    counting.enter(counted("A", 40, reason="stolen, reported to the police"), counted("B", 270))
    counting.close()
    counting.approve()
    found = counting.api("owner").post("/api/audit/compliance-check", {}).json()["data"]["findings"]
    of_stock = [f for f in found if f["rule"] in ("shrinkage", "stock-without-reason")]
    movement = StockMovement.objects.get(product__sku="B", kind="count")
    assert {(f["rule"], f["entity_id"]) for f in of_stock} == {
        ("shrinkage", "B"),
        ("stock-without-reason", str(movement.pk)),
    }
    assert "30 lost without a reason" in next(f["message"] for f in of_stock if f["rule"] == "shrinkage")


def test_a_count_of_another_that_finds_no_difference_is_a_second_look(counting: Counting) -> None:
    stocked("A", 300)
    counting.ask("update", "owner", sku="A", delta=-250, reason="sold at the fair")

    def alone() -> bool:
        found = counting.api("owner").post("/api/audit/compliance-check", {}).json()["data"]["findings"]
        return any(f["rule"] == "stock-without-reason" for f in found)

    assert alone()
    counting.open(location="A-01-01")
    counting.enter(counted("A", 50))
    counting.close()
    assert counting.approve()["movements"] == 0
    assert not alone()
