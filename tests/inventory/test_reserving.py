"""What is reserved nobody else gets, until it is released, taken, or has run out: by itself, at its moment."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Order, Product, ReorderPolicy, ReorderTarget, Reservation, ReservationLine, StockLevel
from inventory.selectors import low_only, product_with_stock, stock_of, with_available
from inventory.selectors.available import REORDER_POINT, low_counted
from inventory.services import Item, reservation_create, reservation_release, stock_adjust
from shop_assistant.agents import call
from shop_assistant.agents.errors import (
    AgentError,
    ClarificationNeeded,
    Conflict,
    InsufficientStock,
    NotFound,
    ValidationFailed,
)

from .making import USER, kit, line, product, sell, stocked
from .test_oversell import at_once

pytestmark = pytest.mark.django_db
D = Decimal
HOUR = timedelta(hours=1)


def reserve(product, quantity, *, runs_out=HOUR, **fields):
    with transaction.atomic():
        return reservation_create(
            items=[Item(product, D(quantity))],
            expires_at=timezone.now() + runs_out if runs_out else None,
            user_id=USER,
            **fields,
        )


def time_passes(*reservations):
    """They ran out a minute ago, and nobody has looked since."""
    past = timezone.now() - timedelta(minutes=1)
    for reservation in reservations:
        Reservation.objects.filter(pk=reservation.pk).update(expires_at=past)
        StockLevel.objects.filter(reservation_lines__reservation=reservation).update(next_expiry=past)


def available(item: Product) -> list[Decimal]:
    """By every way in which it is read."""
    annotated = with_available(Product.objects.all()).get(pk=item.pk).available
    return [stock_of(item).available, product_with_stock(sku=item.sku)[1].available, annotated]


def counted_as_told() -> bool:
    """Each level counts what its lines say."""
    lines = {level.pk: D(0) for level in StockLevel.objects.all()}
    for found in ReservationLine.objects.filter(counted=True):
        lines[found.level_id] += found.quantity
    return lines == dict(StockLevel.objects.values_list("pk", "reserved"))


@pytest.fixture
def item() -> Iterator[Product]:
    yield stocked("SKU001", 4, 6)
    assert counted_as_told()


def test_what_is_reserved_is_not_sold_to_others(item):
    made = reserve(item, 7)
    assert (made.reference, made.outcome) == ("V-000001", "")
    assert available(item) == [3, 3, 3]
    with pytest.raises(InsufficientStock) as refused:
        sell(line(item, 4))
    assert refused.value.details["available"] == 3
    with pytest.raises(InsufficientStock):
        reserve(item, 4)
    with pytest.raises(InsufficientStock):
        stock_adjust(product=item, delta=D(-1), user_id=USER)  # all of the first shelf is promised
    sell(line(item, 3))
    assert available(item) == [0, 0, 0]


def test_what_has_run_out_is_free_though_nobody_has_noted_so(item):
    made = reserve(item, 7)
    reserve(item, 2, runs_out=None)
    time_passes(made)
    assert available(item) == [8, 8, 8]
    assert list(low_only(Product.objects.all())) == []
    assert sum(StockLevel.objects.values_list("reserved", flat=True)) == 9  # as it was noted
    sell(line(item, 8))
    assert available(item) == [0, 0, 0]
    assert sum(StockLevel.objects.values_list("reserved", flat=True)) == 2
    assert set(StockLevel.objects.values_list("next_expiry", flat=True)) == {None}
    assert not ReservationLine.objects.filter(reservation=made, counted=True).exists()


def test_reading_costs_one_query_more_only_when_something_has_run_out(item):
    made = reserve(item, 2)
    with CaptureQueriesContext(connection) as usual:
        product_with_stock(sku="SKU001")
    time_passes(made)
    with CaptureQueriesContext(connection) as after:
        product_with_stock(sku="SKU001")
    assert (len(usual), len(after)) == (1, 2)


def test_the_next_moment_is_that_of_the_first_still_counted(item):
    first, second = reserve(item, 1, runs_out=HOUR), reserve(item, 1, runs_out=2 * HOUR)
    level = StockLevel.objects.order_by("pk").first()
    assert level.next_expiry == first.expires_at
    with transaction.atomic():
        reservation_release(reservation=first)
    level.refresh_from_db()
    assert (level.next_expiry, level.reserved) == (second.expires_at, 1)


def test_a_release_frees_it_once(item):
    made = reserve(item, 7)
    with transaction.atomic():
        assert sorted(reservation_release(reservation=made).values()) == [3, 4]
    assert available(item) == [10, 10, 10]
    with pytest.raises(Conflict), transaction.atomic():
        reservation_release(reservation=made)
    made.refresh_from_db()
    assert (made.outcome, made.order, made.ended_at is not None) == ("released", None, True)


@pytest.mark.usefixtures("shop")
def test_by_its_operations(users):
    made = call("inventory", "reserve", {"lines": [{"sku": "sku001", "quantity": 5}], "note": "for Friday"})
    assert (made["reservation"], made["status"], made["lines"]) == (
        "V-000001",
        "open",
        [{"sku": "SKU001", "location": "A-01-01", "lot": None, "quantity": 5, "for_kit": None}],
    )
    assert call("inventory", "query", {"sku": "SKU001"})["available"] == 145
    never = {"lines": [{"sku": "SKU002", "quantity": 1}], "expires_in_minutes": None}
    assert call("inventory", "reserve", never)["expires_at"] is None
    found = call("inventory", "reservations", {"limit": 1})
    assert [row["reservation"] for row in found["items"]] == ["V-000002"]
    rest = call("inventory", "reservations", {"cursor": found["next_cursor"]})
    assert [row["reservation"] for row in rest["items"]] == ["V-000001"]
    only = call("inventory", "reservations", {"sku": "SKU001"})
    assert [row["note"] for row in only["items"]] == ["for Friday"]
    assert call("inventory", "release", {"reference": "v-000001"})["lines"][0]["quantity"] == 5
    assert call("inventory", "reservations", {"sku": "SKU001"})["items"] == []
    assert call("inventory", "reservations", {"sku": "SKU001", "open": False})["items"][0]["status"] == "released"
    with pytest.raises(NotFound):
        call("inventory", "release", {"reference": "V-000099"})


def test_what_is_not_sold_any_more_is_not_promised_either(item):
    item.active = False
    item.save()
    with pytest.raises(Conflict, match="Not sold any more: SKU001"):
        call("inventory", "reserve", {"lines": [{"sku": "SKU001", "quantity": 1}]})


@pytest.mark.usefixtures("shop")
def test_bad_moments_and_wrong_expectations_change_nothing():
    lines = [{"sku": "SKU001", "quantity": 5}]
    with pytest.raises(ClarificationNeeded):
        call("inventory", "reserve", {"lines": lines, "expires_at": "2020-01-01T00:00:00Z"})
    with pytest.raises(ValidationFailed):
        call("inventory", "reserve", {"lines": lines, "expires_in_minutes": 5, "expires_at": "2090-01-01T00:00:00Z"})
    with pytest.raises(Conflict) as refused:
        call("inventory", "reserve", {"lines": [{**lines[0], "expected_available": 149}]})
    assert refused.value.details == {"sku": "SKU001", "expected_available": 149, "available": 150}
    assert not Reservation.objects.exists()
    call("inventory", "reserve", {"lines": [{**lines[0], "expected_available": 150}]})


@pytest.mark.usefixtures("shop")
def test_the_same_key_reserves_and_releases_once(api):
    clerk, body = api("clerk"), {"lines": [{"sku": "SKU001", "quantity": 5}]}
    first, again = (clerk.post("/api/inventory/reserve", body, Idempotency_Key="r-1").json() for _ in range(2))
    assert first == again
    assert Reservation.objects.count() == 1
    body = {"reference": first["data"]["reservation"]}
    answers = [clerk.post("/api/inventory/release", body, Idempotency_Key="r-2") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert clerk.post("/api/inventory/release", body, Idempotency_Key="r-3").status_code == 409


# Taken by a sale


def buy(reservation, quantity, **fields):
    lines = [{"sku": "SKU001", "quantity": quantity}]
    return call("sales", "sell", {"lines": lines, "reservation": reservation.reference, **fields})


@pytest.mark.usefixtures("shop")
def test_a_sale_takes_exactly_what_was_reserved_and_what_it_leaves_is_free():
    item = Product.objects.get(sku="SKU001")
    call("inventory", "update", {"sku": "SKU001", "delta": 10, "location": "A-01-02"})
    made = reserve(item, 8, location=StockLevel.objects.get(product=item, location__code="A-01-02").location)
    sold = buy(made, 6)
    assert sold["reservation"] == "V-000001"
    assert sold["lines"][0]["picked"] == [{"sku": "SKU001", "location": "A-01-02", "lot": None, "quantity": 6}]
    made.refresh_from_db()
    assert (made.outcome, made.order.reference) == ("taken", sold["order"])
    assert available(item) == [154, 154, 154]
    with pytest.raises(Conflict) as refused:
        buy(made, 1)
    assert "taken already" in refused.value.message
    assert Order.objects.filter(reference__gt=sold["order"]).count() == 0
    assert counted_as_told()


@pytest.mark.usefixtures("shop")
def test_one_that_has_run_out_is_served_while_stock_lasts():
    item = Product.objects.get(sku="SKU001")
    first, second = reserve(item, 100), reserve(item, 50)
    time_passes(first, second)
    sell(line(item, 60))
    assert buy(first, 90)["lines"][0]["quantity"] == 90
    with pytest.raises(InsufficientStock):
        buy(second, 50)
    assert counted_as_told()


# At once


@pytest.mark.django_db(transaction=True)
def test_of_many_who_reserve_the_last_one_gets_it():
    item = stocked("SKU001", 4, 6)
    results = at_once(*[lambda: reserve(item, 1)] * 24)
    assert sum(isinstance(result, Reservation) for result in results) == 10
    assert sum(isinstance(result, InsufficientStock) for result in results) == 14
    assert counted_as_told()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shop")
def test_one_reservation_ends_once_though_many_take_and_release_it_while_it_runs_out():
    item = Product.objects.get(sku="SKU001")
    sell(line(item, 140))
    made = reserve(item, 10, runs_out=timedelta(milliseconds=150))

    def release():
        with transaction.atomic():
            return reservation_release(reservation=made)

    results = at_once(*[lambda: buy(made, 10), release] * 4)
    made.refresh_from_db()
    ended = [result for result in results if not isinstance(result, AgentError)]
    assert len(ended) == 1
    assert made.outcome in ("released", "taken")
    left = 0 if made.outcome == "taken" else 10
    assert (stock_of(item).on_hand, stock_of(item).available) == (left, left)
    assert counted_as_told()


def test_low_products_counted_at_once_are_those_found_one_by_one():
    for sku, there, point in (("FEW", 5, 5), ("ENOUGH", 6, 5), ("SOME", 1, None), ("FREED", 6, 5), ("HELD", 6, 5)):
        item = stocked(sku, there)
        if point is not None:
            ReorderPolicy.objects.create(product=item, reorder_point=point)
    computed = ReorderTarget(product=stocked("COMPUTED", 3), reorder_point=4, order_up_to=9, made_on="2024-01-01")
    computed.save()
    product("GONE")
    product("OLD", active=False)
    kit("SET", FEW=1, ENOUGH=7)
    kit("PAIR", ENOUGH=2)
    freed, _ = (reserve(Product.objects.get(sku=sku), 1) for sku in ("FREED", "HELD"))
    time_passes(freed)
    annotated = with_available(Product.objects.all()).annotate(point=REORDER_POINT)
    counted = set(low_counted(annotated).values_list("sku", flat=True))
    assert counted == {"FEW", "GONE", "COMPUTED", "SET", "HELD"}
    assert counted == set(low_only(Product.objects.all()).values_list("sku", flat=True))
    assert low_counted(annotated).count() == len(counted)
