"""Lots: where they lie, when they expire, who got them, and how they are taken off sale."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from inventory.models import Lot, Product
from inventory.selectors import stock_of
from inventory.selectors.places import lots_expiring
from inventory.services import stock_adjust
from inventory.services.stock import lot_for

from .buying import sent, supplier
from .making import USER, location, product

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(api: Any) -> Any:
    def asked(what: str, code: int = 200, role: str = "clerk", **body: Any) -> Any:
        answer = api(role).post(f"/api/{what if '/' in what else f'inventory/{what}'}", body)
        assert answer.status_code == code, answer.content
        return answer.json()["data" if code == 200 else "error"]

    return asked


@pytest.fixture
def milk() -> Product:
    return product("MILK", tracking="lot")


def come(item: Product, code: str, amount: int, days: int | None = None) -> None:
    today = timezone.localdate()
    with transaction.atomic():
        lot = lot_for(product=item, code=code, expires_on=None if days is None else today + timedelta(days=days))
        stock_adjust(product=item, delta=Decimal(amount), lot=lot, location=location(), kind="receipt", user_id=USER)


def test_what_expires_first_leads_and_pages_follow(ask: Any, milk: Product):
    for code, days in (("KEEPS", None), ("LATE", 30), ("GONE", -1), ("SOON", 3), ("TODAY", 0)):
        come(milk, code, 2, days)
    come(milk, "EMPTY", 1, 1)
    with transaction.atomic():
        stock_adjust(product=milk, delta=Decimal(-1), lot=Lot.objects.get(code="EMPTY"), user_id=USER)

    def listed(**body: Any) -> list[tuple[str, int | None, str]]:
        return [(row["lot"], row["days_left"], row["state"]) for row in ask("lots", role="auditor", **body)["items"]]

    everything = [
        ("GONE", -1, "expired"),
        ("TODAY", 0, "for sale"),
        ("SOON", 3, "for sale"),
        ("LATE", 30, "for sale"),
        ("KEEPS", None, "for sale"),
    ]
    assert listed() == listed(sku="milk") == everything
    assert listed(expiring_within_days=3) == everything[:3]
    assert ("EMPTY", 1, "for sale") in listed(in_stock=False)
    seen, cursor = [], None
    for _ in range(5):
        page = ask("lots", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [row["lot"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == ([row[0] for row in everything], None)
    assert [found.lot.code for found in lots_expiring(within_days=3)] == ["GONE", "TODAY", "SOON"]
    assert [found.on_hand for found in lots_expiring(within_days=0)] == [2, 2]
    for cursor in ("nonsense", "2024-13-01:1", "never:x"):
        assert ask("lots", 422, cursor=cursor)["details"]["field"] == "cursor"


def test_a_recalled_lot_is_off_sale_and_its_buyers_are_known(ask: Any, shop: None):
    milk = product("MILK", tracking="lot")
    come(milk, "L1", 10, 5)
    come(milk, "L2", 10, 9)

    def sell(quantity: int) -> str:
        return str(ask("sales/sell", lines=[{"sku": "MILK", "quantity": quantity}])["order"])

    first, second = sell(4), sell(8)
    ask("sales/return", order=first, lines=[{"sku": "MILK", "quantity": 1}])
    recalled = ask("block-lot", sku="MILK", lot="L1", blocked=True, reason="recalled by the maker")
    assert (recalled["state"], recalled["on_hand"], recalled["order_count"]) == ("blocked", 1, 2)
    assert [(row["order"], row["quantity"], row["returned"]) for row in recalled["orders"]] == [
        (second, 6, 0),
        (first, 4, 1),
    ]
    assert stock_of(milk).available == 8
    ask("sales/sell", 409, lines=[{"sku": "MILK", "quantity": 9}])
    assert [row["lot"] for row in ask("lots", sku="MILK", blocked=True)["items"]] == ["L1"]
    page = ask("lots", sku="MILK", lot="L1", limit=1)
    assert [row["order"] for row in page["orders"]] == [second]
    rest = ask("lots", sku="MILK", lot="L1", cursor=page["next_cursor"])
    assert ([row["order"] for row in rest["orders"]], rest["next_cursor"]) == ([first], None)
    again = ask("block-lot", 409, sku="MILK", lot="L1", blocked=True, reason="again")
    assert "blocked already" in again["message"]


def test_the_management_lets_it_be_sold_again(ask: Any, milk: Product):
    come(milk, "L1", 10)
    ask("block-lot", sku="MILK", lot="L1", blocked=True, reason="looks odd")
    ask("block-lot", 403, sku="MILK", lot="L1", blocked=False, reason="fine")
    assert stock_of(milk).available == 0
    ask("block-lot", role="manager", sku="MILK", lot="L1", blocked=False, reason="fine")
    assert stock_of(milk).available == 10
    changes = Lot.objects.get().history.order_by("history_id").values_list("blocked", "history_user_id")
    assert list(changes)[1:] == [(True, "USER-CLERK"), (False, "USER-MANAGER")]


def test_a_lot_that_is_not_there(ask: Any, milk: Product):
    come(milk, "L1", 10)
    assert ask("lots", 404, sku="MILK", lot="L9")["details"]["available"] == ["L1"]
    assert ask("lots", 422, lot="L1")["details"]["field"] == "sku"
    ask("block-lot", 404, sku="MILK", lot="L9", blocked=True, reason="x")


def test_the_list_costs_the_same_however_long_it_is(milk: Product, django_assert_num_queries: Any):
    for number in range(6):
        come(milk, f"L{number}", 2, number)
    with django_assert_num_queries(2):
        lots_expiring(within_days=1)
    with django_assert_num_queries(2):
        lots_expiring(within_days=9)


def test_a_code_is_the_same_in_any_case_and_width(ask: Any, milk: Product):
    location("A-01-01"), location("B-01")
    ask("update", sku="MILK", delta=3, lot="L-2024")
    made = ask("update", sku="MILK", delta=3, lot=" \uff4c-2024 ")
    assert (made["lot"], made["quantity"], Lot.objects.count()) == ("L-2024", 6, 1)
    assert ask("lots", role="auditor", sku="milk", lot="l-2024")["on_hand"] == 6
    line = {"sku": "MILK", "quantity": 1, "lot": "l-2024"}
    assert ask("transfer", **{"from": "A-01-01", "to": "B-01", "lines": [line]})["lines"][0]["lot"] == "L-2024"
    sold = ask("sales/sell", lines=[line])
    assert sold["lines"][0]["picked"][0]["lot"] == "L-2024"
    assert ask("sales/return", order=sold["order"], lines=[line])["refund"] > 0
    assert ask("reserve", lines=[line])["lines"][0]["lot"] == "L-2024"
    sheet = ask("count-open", role="manager", location="B-01")["sheet"]
    ask("count-enter", sheet=sheet, lines=[line])
    assert "l-9" in ask("lots", 404, sku="MILK", lot="l-9")["message"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Lot.objects.create(product=milk, code="l-2024")


def test_serial_numbers_are_the_same_in_any_case(ask: Any):
    phone = product("PHONE", tracking="serial")
    order = sent(supplier(), (phone, 3), costs={"PHONE": "5"})
    twice = {"sku": "PHONE", "quantity": 2, "serials": ["S1", "s1"]}
    ask("purchase-receive", 422, order=order.reference, lines=[twice])
    ask(
        "purchase-receive",
        order=order.reference,
        lines=[{"sku": "PHONE", "quantity": 3, "serials": ["S1", "S2", "S3"]}],
    )
    sheet = ask("count-open", role="manager", skus=["PHONE"])["sheet"]
    twice = {"sku": "PHONE", "serials": ["s1", "S1"]}
    assert "names one twice" in ask("count-enter", 400, sheet=sheet, lines=[twice])["message"]
    ask("count-enter", sheet=sheet, lines=[{"sku": "PHONE", "serials": ["s3", "s1", "S2"]}])
    again = {"sku": "PHONE", "serials": ["s2", "s3", "S1"]}
    assert ask("count-enter", sheet=sheet, lines=[again], same_is_well=True)["unchanged"] == 1
    ask("count-close", sheet=sheet)
    assert ask("count-approve", role="owner", sheet=sheet)["movements"] == 0
    back = {"sku": "PHONE", "quantity": 1, "lot": "s2"}
    ask("purchase-return", order=order.reference, lines=[back], reason="broken")
    assert set(phone.levels.filter(on_hand=1).values_list("lot__code", flat=True)) == {"S1", "S3"}
