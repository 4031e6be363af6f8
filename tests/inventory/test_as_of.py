"""What lay where at any past moment, what was promised, what it cost; and the ledger that says so."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from inventory.models import KitComponent, Location, Reservation, ReservationLine, StockMovement, Warehouse
from inventory.services import stock_adjust
from inventory.services.stock import lot_for

from .making import USER, kit, location, noon, product, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(api: Any) -> Any:
    def asked(what: str, code: int = 200, **body: Any) -> Any:
        body = {"from" if name == "from_" else name: value for name, value in body.items()}
        answer = api("auditor").post(f"/api/inventory/{what}", body)
        assert answer.status_code == code, answer.content
        return answer.json()["data" if code == 200 else "error"]

    return asked


def move(item: Any, amount: int | str, when: datetime, place: str = "A-01-01", **more: Any) -> None:
    with transaction.atomic():
        stock_adjust(
            product=item, delta=Decimal(amount), location=location(place), occurred_at=when, user_id=USER, **more
        )


def told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_stock_by_place_at_a_moment(ask: Any):
    item = product()
    Location.objects.create(code="Q-01", kind="quarantine", warehouse=location().warehouse)
    transit = Warehouse.objects.create(code="TRANSIT", name="In transit")
    Location.objects.create(code="IN-TRANSIT", kind="transit", warehouse=transit)
    move(item, 10, noon(2024, 1, 1))
    move(item, -3, noon(2024, 1, 5))
    move(item, 2, noon(2024, 1, 5), "Q-01")
    on_its_way = StockMovement(product=item, location=Location.objects.get(code="IN-TRANSIT"), kind="transfer")
    on_its_way.quantity = on_its_way.balance = Decimal(1)
    on_its_way.occurred_at = noon(2024, 1, 5)
    on_its_way.save()
    move(item, -7, noon(2024, 1, 9))

    def at(moment: datetime) -> Any:
        return ask("query", sku="SKU001", at=told(moment))

    then = at(noon(2024, 1, 5))
    assert (then["quantity"], then["quarantined"], then["in_transit"]) == (9, 2, 1)
    assert {row["location"]: row["on_hand"] for row in then["locations"]} == {"A-01-01": 7, "Q-01": 2, "IN-TRANSIT": 1}
    before = noon(2024, 1, 5) - timedelta(microseconds=1)
    assert at(before)["quantity"] == 10
    assert at(noon(2023, 1, 1))["locations"] == []
    move(item, 4, noon(2024, 1, 3))  # booked late, for what happened then
    assert at(before)["quantity"] == 14


def test_by_lot(ask: Any):
    item = product(tracking="lot")
    one, two = lot_for(product=item, code="L1"), lot_for(product=item, code="L2")
    move(item, 5, noon(2024, 1, 1), lot=one)
    move(item, 3, noon(2024, 1, 2), lot=two)
    then = ask("query", sku="SKU001", at=told(noon(2024, 1, 3)))
    assert [(row["lot"], row["on_hand"]) for row in then["locations"]] == [("L1", 5), ("L2", 3)]


def test_what_was_reserved(ask: Any):
    item = stocked("SKU001", 20)
    level = item.levels.get()
    day = noon(2024, 1, 10)
    for number, (quantity, expires, ended) in enumerate(
        [(1, None, None), (2, day + timedelta(days=2), None), (4, None, day + timedelta(days=4))]
    ):
        made = Reservation.objects.create(
            reference=f"V-{number}",
            created_at=day,
            expires_at=expires,
            ended_at=ended,
            outcome="released" if ended else "",
            user_id=USER,
        )
        ReservationLine.objects.create(reservation=made, product=item, level=level, quantity=quantity, counted=False)

    def reserved(after: timedelta) -> Any:
        return ask("query", sku="SKU001", at=told(day + after))["reserved"]

    assert [reserved(timedelta(days=days)) for days in (-1, 0, 1, 2, 3, 4)] == [0, 7, 7, 5, 5, 1]


def test_a_kit_as_it_was_made_then(ask: Any):
    stocked("BOLT", 9)
    kit("SET", BOLT=2)
    first = timezone.now()
    part = KitComponent.objects.get()
    part.quantity = Decimal(4)
    part.save()
    assert [ask("query", sku="SET", at=told(moment))["quantity"] for moment in (first, timezone.now())] == [4, 2]
    assert ask("query", sku="SET", at=told(noon(2024, 1, 1)))["quantity"] == 0


def test_the_price_of_that_time(ask: Any):
    item = stocked("SKU001", 1)
    made = item.history.get()
    first = timezone.now()
    item.list_price = Decimal("12.50")
    item.save()
    assert ask("query", sku="SKU001", at=told(first))["unit_price"] == 9.99
    assert ask("query", sku="SKU001", at=told(timezone.now()))["unit_price"] == 12.5
    assert ask("query", sku="SKU001", at=told(made.history_date - timedelta(seconds=1)))["unit_price"] is None


def test_a_moment_that_is_none(ask: Any):
    product()
    assert ask("query", 422, sku="SKU001", at=told(timezone.now() + timedelta(hours=1)))["details"]["field"] == "at"
    assert ask("query", 422, at=told(noon(2024, 1, 1)))["details"]["field"] == "sku"
    ask("query", 404, sku="NONE", at=told(noon(2024, 1, 1)))


def ledger(ask: Any, **body: Any) -> list[tuple[Any, ...]]:
    rows = ask("movements", sku="SKU001", **body)["items"]
    return [(row["quantity"], row["balance"], row["place_balance"]) for row in rows]


def test_the_ledger_runs(ask: Any):
    item = product(unit="kg")
    move(item, "10", noon(2024, 1, 1))
    move(item, "5", noon(2024, 1, 3), "A-01-02")
    move(item, "-2.5", noon(2024, 1, 4))
    move(item, "0.125", noon(2024, 1, 2))  # booked last
    assert ledger(ask) == [(-2.5, 12.625, 7.5), (5, 15.125, 5), (0.125, 10.125, 7.625), (10, 10, 10)]
    assert ledger(ask, location="A-01-02") == [(5, 5, 5)]
    assert ledger(ask, from_=told(noon(2024, 1, 2)), to=told(noon(2024, 1, 4))) == [
        (5, 15.125, 5),
        (0.125, 10.125, 7.625),
    ]


def test_of_one_kind_the_balance_is_still_that_of_all(ask: Any):
    item = product()
    move(item, 10, noon(2024, 1, 1), kind="receipt")
    move(item, -1, noon(2024, 1, 2))
    move(item, 10, noon(2024, 1, 3), kind="receipt")
    move(item, -1, noon(2024, 1, 4))
    assert ledger(ask, kind="receipt") == [(10, 19, 19), (10, 10, 10)]
    assert ledger(ask, kind="sale") == []


def test_pages_of_it(ask: Any):
    item = product()
    same = noon(2024, 1, 2)
    for _ in range(5):
        move(item, 2, same)
    seen: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask("movements", sku="SKU001", limit=2, **cursor)
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [row["balance"] for row in seen] == [10, 8, 6, 4, 2]
    numbers = StockMovement.objects.order_by("-pk").values_list("pk", flat=True)
    assert [row["movement_id"] for row in seen] == list(numbers)
    for wrong in ("x", "2024-01-01|1x", "0001-01-01T00:00:00+14:00|1", "|"):
        assert ask("movements", 422, sku="SKU001", cursor=wrong)["details"]["field"] == "cursor"


def test_what_it_costs(ask: Any, django_assert_max_num_queries: Any):
    item = product()
    for day in range(1, 9):
        move(item, 2, datetime(2024, 1, day, tzinfo=UTC))
    with django_assert_max_num_queries(8):
        ask("movements", sku="SKU001", limit=5)
