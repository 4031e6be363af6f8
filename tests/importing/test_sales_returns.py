"""Cancellations in a sales file, and the sales they belong to."""

from decimal import Decimal
from pathlib import Path

import pytest

from inventory.models import Order, OrderReturn, OrderReturnLine, ReturnedQuantity, StockMovement
from inventory.selectors import returnable

from .selling import figures, line, on_hand, run, stock_is_sound, sums

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


def back(invoice: str, quantity: int, date: str, customer: str = "8", **fields: str) -> tuple:
    return line(invoice, quantity=quantity, date=date, customer=customer, **fields)


def test_a_cancellation_returns_goods_of_an_earlier_sale_to_the_same_customer(file: Path) -> None:
    rows = [
        line("1", quantity=5, date="2010-03-01", customer="8"),
        line("2", quantity=5, date="2010-03-02", customer="8"),
        line("3", quantity=5, date="2010-03-03", customer="8", price="2.40"),
        line("4", quantity=5, date="2010-03-03", customer="9"),
        line("5", quantity=5, date="2010-03-09", customer="8"),
        back("C77", -3, "2010-03-05"),
    ]
    run(file, rows)
    made = OrderReturn.objects.get()
    assert (made.order.reference, made.reference, made.total, made.tax) == (
        "2",
        "C77",
        Decimal("7.50"),
        Decimal("1.25"),
    )
    movement = StockMovement.objects.get(kind="return")
    assert (movement.quantity, movement.reference, movement.unit_price) == (3, "C77", Decimal("2.50"))
    assert returnable(Order.objects.get(reference="2")) == {"W1": 2}
    assert stock_is_sound()
    assert figures(run(file, rows)) == (6, 0, 6, 0)


def test_what_one_sale_does_not_cover_comes_from_earlier_ones_and_the_rest_from_before_the_records(file: Path) -> None:
    rows = [
        line("1", quantity=5, date="2010-03-01", customer="8"),
        line("2", quantity=2, date="2010-03-02", customer="8"),
        back("C9", -10, "2010-03-05"),
    ]
    result = run(file, rows)
    assert (result.returns, result.of_unknown_sales) == (3, 1)
    parts = {made.order.reference if made.order else None: made for made in OrderReturn.objects.all()}
    assert {key: made.total for key, made in parts.items()} == {
        "2": Decimal("5.00"),
        "1": Decimal("12.50"),
        None: Decimal("7.50"),
    }
    assert {made.reference for made in parts.values()} == {"C9", "C9/2", "C9/3"}
    unknown = StockMovement.objects.get(reference=parts[None].reference)
    assert (unknown.quantity, unknown.product.sku, unknown.unit_price) == (3, "W1", Decimal("2.50"))
    assert not parts[None].lines.exists()
    assert sums() == (Decimal("17.50"), Decimal("25.00"))
    assert on_hand("W1") == 10
    assert stock_is_sound()


def test_one_cancellation_of_two_sales_is_two_returns(file: Path) -> None:
    rows = [
        line("1", "A", 2, customer="8"),
        line("2", "B", 2, date="2010-03-02", customer="8"),
        line("C3", "A", -1, date="2010-03-03", customer="8"),
        line("C3", "B", -2, date="2010-03-03", customer="8"),
        line("C3", "A", -1, date="2010-03-03", customer="8"),
    ]
    run(file, rows)
    assert {(made.order.reference, made.lines.get().quantity) for made in OrderReturn.objects.all()} == {
        ("1", 2),
        ("2", 2),
    }


def test_the_invoices_own_number_comes_first_also_for_walk_ins(file: Path) -> None:
    rows = [
        line("100", quantity=4, date="2010-03-01"),
        line("101", quantity=4, date="2010-03-02"),
        line("C100", quantity=-1, date="2010-03-03"),
        line("101", quantity=-1, date="2010-03-02"),
    ]
    run(file, rows)
    assert set(OrderReturn.objects.values_list("order__reference", flat=True)) == {"100", "101"}
    assert sums() == (20, 5)


def test_a_cancellation_in_a_later_file_finds_the_stored_sale(file: Path) -> None:
    rows = [line("1", quantity=3, customer="8"), back("C2", -1, "2010-03-02")]
    run(file, rows)
    grown = [*rows, back("C3", -1, "2010-03-03"), back("C4", -2, "2010-03-04")]
    result = run(file, grown)
    assert (figures(result), result.of_unknown_sales) == ((4, 2, 2, 0), 1)
    assert ReturnedQuantity.objects.get().quantity == 3
    assert sorted(OrderReturnLine.objects.values_list("order_return__reference", "quantity")) == [
        ("C2", 1),
        ("C3", 1),
        ("C4", 1),
    ]
    assert OrderReturn.objects.get(order=None).total == Decimal("2.50")
    assert stock_is_sound()


def test_refunds_in_parts_add_up_to_what_was_paid(file: Path) -> None:
    header = ("Order", "SKU", "Qty", "Line Total", "Date", "Customer")
    rows = [
        ("1", "A", 3, "10.00", "2020-01-01", "4"),
        *(("C1", "A", -1, "3.3333", f"2020-01-0{n}", "4") for n in (2, 3, 4)),
    ]
    run(file, rows, header)
    assert sums() == (10, 10)


def test_stock_notes_are_written_off_with_what_they_say(file: Path) -> None:
    rows = [
        line("1", quantity=5),
        line("2", quantity=-4, price="0", text="damages"),
        line("3", quantity=-1, price="0", text=""),
    ]
    result = run(file, rows)
    assert (result.stock_notes, result.returns) == (2, 0)
    gone = {row.reference: row for row in StockMovement.objects.filter(kind="write_off")}
    assert (gone["2"].quantity, gone["2"].reason) == (-4, "damages")
    assert gone["3"].reason
    assert stock_is_sound()
    assert figures(run(file, rows)) == (3, 0, 3, 0)


def test_without_negative_quantities_the_number_alone_tells_a_cancellation(file: Path) -> None:
    run(file, [line("1", quantity=3, customer="8"), line("C1", quantity=2, date="2010-03-02", customer="8")])
    assert sums() == (Decimal("7.50"), Decimal("5.00"))


def test_a_status_that_turns_to_refunded_adds_the_return(file: Path) -> None:
    header = ("Order", "SKU", "Qty", "Price", "Date", "Order Status")
    paid = [("1", "A", 2, "5", "2020-01-01", "completed"), ("2", "A", 1, "5", "2020-01-01", "wc-refunded")]
    assert figures(run(file, paid, header)) == (2, 2, 0, 0)
    assert sums() == (15, 5)
    later = [("1", "A", 2, "5", "2020-01-01", "cancelled"), paid[1]]
    assert figures(run(file, later, header)) == (2, 1, 1, 0)
    assert sums() == (15, 15)
    assert figures(run(file, later, header)) == (2, 0, 2, 0)
    result = run(file, [("3", "A", 2, "5", "2020-01-01", "failed")], header)
    assert "never came to a sale" in result.first_rejects[0][1]
    assert stock_is_sound()
