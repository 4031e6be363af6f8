"""What imported sales do to the stock: nothing is ever below zero, and what was counted stays."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import Location, Product, StockLevel, StockMovement, Warehouse
from inventory.services import stock_adjust, stock_set
from orchestrator.importing.sales_stock import Balancing, balance, enclosed, opened, topped_up

from .selling import USER, line, on_hand, run, stock_is_sound

T0 = datetime(2020, 1, 1, tzinfo=UTC)
amounts = st.integers(-9, 9).filter(bool).map(Decimal)
moments = st.integers(0, 30).map(lambda day: T0 + timedelta(days=day))
histories = st.lists(st.tuples(moments, amounts), min_size=1, max_size=12, unique_by=lambda found: found[0]).map(sorted)


def moves(history):
    return [Balancing(moment, amount, "") for moment, amount in history]


def lowest(base, booked, new):
    """After each moment's last movement, in the order of time."""
    together = sorted([(m, q) for m, q in booked] + [(m.moment, m.moved) for m in new], key=lambda found: found[0])
    after = {}
    for moment, moved in together:
        base += moved
        after[moment] = base
    return min(after.values())


@given(histories)
def test_an_opening_stock_is_as_small_as_can_be(history):
    new = moves(history)
    opening = opened(new)
    everything = [opening, *new] if opening else new
    balance(Decimal(0), [], everything)
    assert min(move.balance for move in everything) >= 0
    if opening:
        assert opening.moment < new[0].moment
        assert min(move.balance for move in new) == 0


@given(histories)
def test_history_before_a_count_leaves_nothing_behind(history):
    new = moves(history)
    until = new[-1].moment + timedelta(hours=1)
    *opening, closing = enclosed(new, until)
    everything = [*opening, *new, closing]
    balance(Decimal(0), [], everything)
    assert min(move.balance for move in everything) >= 0
    assert sum(move.moved for move in everything) == 0 == closing.balance
    assert closing.moved
    assert closing.moment == until


@given(histories, histories, st.integers(0, 20).map(Decimal), st.integers(0, 5).map(Decimal))
def test_what_is_topped_up_is_what_is_missing(booked, history, base, reserved):
    before = lowest(base, booked, [])
    new = moves((moment + timedelta(hours=12), amount) for moment, amount in history)
    movement = topped_up(base, booked, new, reserved)
    end = base + sum(moved for _, moved in booked)
    everything = [*new, movement] if movement else new
    assert lowest(base, booked, everything) >= min(before, 0)
    assert end + sum(move.moved for move in everything) >= min(end, reserved)
    if movement:
        less = [*new, Balancing(movement.moment, movement.moved - 1, "")]
        left = end + sum(move.moved for move in less)
        assert before < 0 or lowest(base, booked, less) < 0 or left < min(end, reserved), "one less would have done"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


@pytest.fixture
def counted(db: None) -> Product:
    """W1, counted on 2010-06-01: ten of them."""
    made = Product.objects.create(sku="W1", name="Widget", list_price=3)
    with transaction.atomic():
        stock_set(product=made, quantity=Decimal(10), user_id=USER, occurred_at=datetime(2010, 6, 1, tzinfo=UTC))
    return made


@pytest.mark.django_db
def test_a_product_without_stock_gets_an_opening_as_deep_as_its_deficit(file: Path) -> None:
    rows = [
        line("1", quantity=5, date="2010-03-01"),
        line("C1", quantity=-2, date="2010-03-02"),
        line("2", quantity=4, date="2010-03-03"),
    ]
    assert run(file, rows).opened == 1
    opening = StockMovement.objects.order_by("occurred_at").first()
    assert (opening.quantity, opening.kind, opening.reason) == (7, "adjustment", "opening stock, from an import")
    assert opening.occurred_at < datetime(2010, 3, 1, tzinfo=UTC)
    balances = StockMovement.objects.order_by("occurred_at").values_list("balance", flat=True)
    assert list(balances) == [7, 2, 4, 0]
    assert on_hand("W1") == 0


def test_sales_before_the_first_count_leave_todays_stock_as_it_is(file: Path, counted: Product) -> None:
    rows = [line("1", quantity=30, date="2010-03-01"), line("2", quantity=3, date="2010-05-31")]
    assert run(file, rows).history == 1
    assert on_hand("W1") == 10
    assert stock_is_sound()
    more = [line("0", quantity=500, date="2009-01-01"), *rows, line("3", quantity=7, date="2010-05-31 23:00")]
    run(file, more)
    assert on_hand("W1") == 10
    assert stock_is_sound()
    assert StockMovement.objects.filter(product=counted, kind="sale").count() == 4


def test_sales_after_the_count_reduce_it_and_what_is_missing_is_added(file: Path, counted: Product) -> None:
    rows = [line("1", quantity=4, date="2010-06-02"), line("2", quantity=5, date="2010-06-03")]
    result = run(file, rows)
    assert (on_hand("W1"), result.topped_up) == (1, {})
    result = run(file, [*rows, line("3", quantity=6, date="2010-06-02")])
    assert (on_hand("W1"), result.topped_up) == (0, {"W1": 5})
    assert "count these shelves" in " ".join(result.told())
    assert stock_is_sound()


def test_a_later_day_is_kept_above_zero_too(file: Path, counted: Product) -> None:
    with transaction.atomic():
        stock_adjust(product=counted, delta=Decimal(-9), user_id=USER, occurred_at=datetime(2010, 6, 10, tzinfo=UTC))
        stock_adjust(product=counted, delta=Decimal(50), user_id=USER, occurred_at=datetime(2010, 6, 20, tzinfo=UTC))
    run(file, [line("1", quantity=3, date="2010-06-05")])
    assert on_hand("W1") == 51 - 3 + 2
    assert stock_is_sound()


def test_what_is_promised_to_orders_stays(file: Path, counted: Product) -> None:
    StockLevel.objects.update(reserved=4)
    result = run(file, [line("1", quantity=8, date="2010-06-05")])
    assert (on_hand("W1"), result.topped_up) == (4, {"W1": 2})


def test_sales_are_taken_from_where_most_lies(file: Path, counted: Product) -> None:
    far = Location.objects.create(warehouse=Warehouse.objects.get(), code="Z-9")
    with transaction.atomic():
        stock_adjust(
            product=counted, delta=Decimal(40), user_id=USER, location=far, occurred_at=datetime(2010, 6, 2, tzinfo=UTC)
        )
    run(file, [line("1", quantity=20, date="2010-06-05")])
    assert StockLevel.objects.get(location=far).on_hand == 20
    assert stock_is_sound()


@pytest.mark.django_db
def test_an_older_file_after_a_newer_one_is_history(file: Path) -> None:
    run(file, [line("9", quantity=2, date="2010-05-01"), line("C9", quantity=-2, date="2010-05-03")])
    assert on_hand("W1") == 2
    run(file, [line("1", quantity=3, date="2009-05-01")])
    assert on_hand("W1") == 2
    assert stock_is_sound()
