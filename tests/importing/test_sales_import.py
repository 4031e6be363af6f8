"""Orders, customers and products made of a sales file."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from audit.models import Outbox
from customers.lookups import customers_with
from customers.models import Customer, CustomerOrder, LoyaltyEntry
from customers.services import customer_create, customer_erase
from inventory.models import Order, OrderLine, Product, StockMovement
from orchestrator.importing.sales import sales_import
from orchestrator.models import ImportedDocument

from .selling import USER, figures, line, run, stock_is_sound, sums

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


def test_an_invoice_becomes_an_order_with_its_customer_products_and_movements(file: Path) -> None:
    rows = [
        line("536365", "85123A", 6, "2010-12-01 08:26", "2.55", "17850", "WHITE HANGING HEART", "United Kingdom"),
        line("536365", "71053", 2, "2010-12-01 08:26", "3.39", "17850", "WHITE METAL LANTERN", "United Kingdom"),
        line("536365", "POST", 1, "2010-12-01 08:26", "18.00", "17850", "POSTAGE", "United Kingdom"),
    ]
    result = run(file, rows)
    assert figures(result) == (3, 3, 0, 0)
    assert result.summary == "read 3, added 3, unchanged 0, rejected 0"
    order = Order.objects.get()
    assert (order.reference, order.total, order.user_id) == ("536365", Decimal("40.08"), USER)
    assert order.occurred_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert order.subtotal == order.total
    assert order.tax == Decimal("2.55") + Decimal("1.13") + Decimal("3.00")  # a sixth of each line, at 20 %
    assert [line.number for line in order.lines.order_by("number")] == [1, 2, 3]
    customer = order.customer_order.customer
    assert (customer.public_id, customer.member_since, customer.address) == (
        "CUST17850",
        order.occurred_at,
        "United Kingdom",
    )
    assert not LoyaltyEntry.objects.exists()
    heart = Product.objects.get(sku="85123A")
    assert (heart.name, heart.list_price, heart.cost, heart.category, heart.needs_review) == (
        "WHITE HANGING HEART",
        Decimal("2.55"),
        None,
        None,
        True,
    )
    sold = StockMovement.objects.get(product=heart, kind="sale")
    assert (sold.quantity, sold.balance, sold.reference, sold.occurred_at) == (-6, 0, "536365", order.occurred_at)
    assert stock_is_sound()


def test_each_batch_is_told_to_the_trail(file: Path) -> None:
    run(file, [line(customer="7")])
    payload = Outbox.objects.get(event="SALES_IMPORTED").payload
    assert '"batch":"I-000001"' in payload
    assert '"orders":1' in payload
    assert "inventory.Product" in payload
    assert "customers.Customer" in payload
    assert ImportedDocument.objects.get().batch == 1


def test_a_sku_in_two_spellings_is_one_product_with_its_usual_name_and_price(file: Path) -> None:
    rows = [
        line("1", "85123A", 1, price="2.55", text="HEART"),
        line("2", "85123a", 1, price="2.55", text="HEART"),
        line("3", "85123A", 1, price="5.79", text="heart, big"),
        line("4", "85123A", 1, price="0", text="damaged box"),
    ]
    run(file, rows)
    product = Product.objects.get()
    assert (product.sku, product.name, product.list_price) == ("85123A", "HEART", Decimal("2.55"))
    assert OrderLine.objects.filter(product=product).count() == 4


def test_known_products_and_customers_are_taken_as_they_are(file: Path) -> None:
    Product.objects.create(sku="w1", name="Our widget", list_price=9, cost=4, tax_rate=0)
    customer_create(public_id="CUST42", name="Ann Onymous")
    run(file, [line(customer="42")])
    product = Product.objects.get()
    assert (product.name, product.list_price, product.needs_review) == ("Our widget", 9, False)
    sold = OrderLine.objects.get()
    assert (sold.unit_cost, sold.tax_rate, sold.tax, sold.unit_price) == (4, 0, 0, Decimal("2.50"))
    assert CustomerOrder.objects.get().customer.public_id == "CUST42"
    assert Customer.objects.count() == 1


def test_prices_without_tax(file: Path, settings) -> None:
    settings.PRICES_INCLUDE_TAX = False
    run(file, [line(quantity=2, price="10"), line("C1001", quantity=-1, price="10")])
    order = Order.objects.get()
    assert (order.subtotal, order.tax, order.total) == (20, 4, 24)
    assert sums() == (24, 12)


def test_a_customer_is_known_by_email_and_never_doubled(file: Path) -> None:
    known = customer_create(public_id="CUST9", name="Jo", email="Jo@example.com")
    header = ("Order", "SKU", "Quantity", "Price", "Date", "Email", "Customer Name")
    rows = [
        ("1", "A", 1, 2, "2020-01-02", "jo@EXAMPLE.com", "Jo"),
        ("2", "A", 1, 2, "2020-01-03", "new@example.com", "New Person"),
        ("3", "A", 1, 2, "2020-01-04", "", "Only A Name"),
        ("4", "A", 1, 2, "2020-01-05", "", "only a  name"),
        ("5", "A", 1, 2, "2020-01-06", "not an address", ""),
    ]
    run(file, rows, header)
    owner = {row.order.reference: row.customer for row in CustomerOrder.objects.select_related("order", "customer")}
    assert owner["1"] == known
    assert owner["2"] == customers_with(kind="email", value="NEW@example.com")[0]
    assert owner["2"].name == "New Person"
    assert owner["3"] == owner["4"]
    assert owner["3"].name == "Only A Name"
    before = Customer.objects.count()
    run(file, [*rows, ("6", "A", 1, 2, "2020-02-01", "New@Example.com", "New Person")], header)
    assert Customer.objects.count() == before
    assert CustomerOrder.objects.get(order__reference="6").customer == owner["2"]
    texts = " ".join(Outbox.objects.values_list("payload", flat=True))
    assert "example.com" not in texts
    assert "Person" not in texts


def test_an_erased_customers_sales_are_walk_in_sales(file: Path) -> None:
    run(file, [line("1", customer="5")])
    customer_erase(customer=Customer.objects.get())
    result = run(file, [line("1", customer="5"), line("2", date="2010-03-02", customer="5")])
    assert figures(result) == (2, 1, 1, 0)
    assert not CustomerOrder.objects.filter(order__reference="2").exists()


def test_lines_that_are_alike_both_count_and_a_second_run_adds_nothing(file: Path) -> None:
    rows = [line("1"), line("1"), line("1", "W2"), line("C1", quantity=-1), line("C1", quantity=-1)]
    assert figures(run(file, rows)) == (5, 5, 0, 0)
    assert sums() == (Decimal("7.50"), Decimal("5.00"))
    before = StockMovement.objects.count()
    assert figures(run(file, rows)) == (5, 0, 5, 0)
    assert (sums(), StockMovement.objects.count()) == ((Decimal("7.50"), Decimal("5.00")), before)
    assert stock_is_sound()


def test_of_a_grown_file_only_new_lines_are_taken_as_orders_of_their_own(file: Path) -> None:
    rows = [line("1"), line("1"), line("2", "W2", date="2010-03-02")]
    run(file, rows)
    grown = [line("1"), line("1"), line("1"), line("1", "W3"), *rows[2:], line("3", date="2010-03-03")]
    assert figures(run(file, grown)) == (6, 3, 3, 0)
    assert set(Order.objects.values_list("reference", flat=True)) == {"1", "2", "1/2", "3"}
    supplement = Order.objects.get(reference="1/2")
    assert (supplement.lines.count(), supplement.total) == (2, 5)
    assert figures(run(file, grown)) == (6, 0, 6, 0)
    assert figures(run(file, list(reversed(grown)))) == (6, 0, 6, 0)
    assert figures(run(file, [line("1", date="2010-03-01 17:45")])) == (1, 0, 1, 0), "the day tells, not the minute"
    assert stock_is_sound()


def test_a_number_used_again_on_another_day_or_by_another_customer_is_another_order(file: Path) -> None:
    run(file, [line("7", date="2010-03-01"), line("7", date="2010-03-02"), line("7", date="2010-03-02", customer="4")])
    assert set(Order.objects.values_list("reference", flat=True)) == {"7", "7/2", "7/3"}


def test_lines_that_cannot_be_used_are_set_aside_with_the_reason(file: Path) -> None:
    good = line("1")
    bad = {
        "negative price": line("2", price="-3"),
        "quantity of 0": line("3", quantity=0),
        "date that can't be read": line("4", date="soon"),
        "no date": line("5", date=""),
        "too large": line("6", price="99999999999"),
        "no price": line("7", price=""),
        "no quantity": line("8", quantity=""),
        "quantity that can't be read": line("9", quantity="many"),
        "neither a SKU nor a description": line("10", sku="", text=""),
        "in the future": line("11", date="2190-01-01"),
        "SKU of more than 64": line("12", sku="x" * 65),
        "invoice number of more than": line("1" * 60),
        "finer than a thousandth": line("13", quantity="0.00049"),
        "quantity of more than": line("14", quantity="100000001"),
    }
    rejected = file.with_name("sales.csv.rejects.csv")
    for _ in range(2):
        result = run(file, [good, *bad.values()])
        assert result.rejected == len(bad)
        told = dict(result.first_rejects)
        assert [number for number, _ in result.first_rejects] == list(range(3, 3 + len(bad)))
        for number, reason in enumerate(bad, start=3):
            assert reason in told[number]
        assert rejected.read_text().count("\n") == 1 + len(bad)
        assert Order.objects.count() == 1
    assert Product.objects.count() == 1


def test_pieces_are_whole_and_kilograms_are_not(file: Path) -> None:
    Product.objects.create(sku="BOX", name="Box", list_price=1)
    rows = [line("1", "CHEESE", "0.345", price="20"), line("1", "CHEESE", 2, price="20"), line("1", "BOX", "1.5")]
    result = run(file, rows)
    assert figures(result) == (3, 2, 0, 1)
    assert "counted in pieces" in result.first_rejects[0][1]
    assert Product.objects.get(sku="CHEESE").unit == "kg"
    assert Order.objects.get().total == Decimal("46.90")


def test_giveaways_are_kept_at_nothing(file: Path) -> None:
    run(file, [line("1", quantity=3, price="0", customer="8")])
    assert (Order.objects.get().total, OrderLine.objects.get().quantity) == (0, 3)


def test_without_a_sku_the_description_makes_one(file: Path) -> None:
    header = ("receipt_no", "item", "qty", "price", "date")
    rows = [
        ("R1", "Bananas, loose", "1.2", "1.99", "2024-01-05"),
        ("R1", "bananas,  Loose", "0.8", "1.99", "2024-01-05"),
        ("R2", "Größe Äpfel", "1", "3.00", "2024-01-06"),
        ("R2", "苹果", "1", "3.00", "2024-01-06"),
        ("R2", "a very long name of a thing that nobody would ever want to buy at all", "1", "3.00", "2024-01-06"),
    ]
    run(file, rows, header)
    skus = set(Product.objects.values_list("sku", flat=True))
    assert "BANANAS-LOOSE" in skus
    assert len(skus) == 4
    assert figures(run(file, rows, header)) == (5, 0, 5, 0)


def test_sales_without_an_invoice_number_are_known_by_time_and_buyer(file: Path) -> None:
    header = ("item", "qty", "price", "date", "customer")
    rows = [
        ("Tea", 1, "2", "2024-01-05 09:00", ""),
        ("Tea", 1, "2", "2024-01-05 09:00", ""),
        ("Tea", 1, "2", "2024-01-05 09:30", ""),
        ("Tea", 1, "2", "2024-01-05 09:30", "77"),
        ("Cake", 1, "3", "2024-01-06", "Jane Doe"),
    ]
    assert run(file, rows, header).orders == 4
    references = Order.objects.values_list("reference", flat=True)
    assert {"20240105T090000", "20240105T093000"} <= set(references)
    assert not any("Jane" in reference for reference in references)
    assert figures(run(file, [*rows, rows[0]], header)) == (6, 1, 5, 0)


def test_local_times_that_do_not_exist_or_come_twice(file: Path, settings) -> None:
    rows = [line("1", date="2010-03-28 01:30"), line("2", date="2010-10-31 01:30")]
    run(file, rows)
    times = {order.reference: order.occurred_at for order in Order.objects.all()}
    assert times["1"] == datetime(2010, 3, 28, 1, 30, tzinfo=UTC), "the clock went from 1:00 to 2:00"
    assert times["2"] == datetime(2010, 10, 31, 0, 30, tzinfo=UTC), "the first of the two"


def test_times_of_another_zone_and_dates_month_first(file: Path) -> None:
    from zoneinfo import ZoneInfo

    rows = [line("1", date="12/31/2010 20:00"), line("2", date="01/02/2010 10:00")]
    run(file, rows, zone=ZoneInfo("America/New_York"))
    times = {order.reference: order.occurred_at for order in Order.objects.all()}
    assert times["1"] == datetime(2011, 1, 1, 1, 0, tzinfo=UTC)
    assert times["2"] == datetime(2010, 1, 2, 15, 0, tzinfo=UTC)


def test_a_dry_run_tells_and_changes_nothing(file: Path) -> None:
    rows = [line("1", customer="3"), line("2", price="-1"), line("C1", quantity=-1, customer="3", date="2010-04-01")]
    result = run(file, rows, dry_run=True)
    assert figures(result) == (3, 2, 0, 1)
    assert (result.orders, result.returns, result.products, result.customers) == (1, 1, 1, 1)
    assert not Order.objects.exists()
    assert not Product.objects.exists()
    assert not Outbox.objects.exists()
    assert [path.name for path in file.parent.iterdir()] == ["sales.csv"]


def test_more_lines_than_an_order_holds_make_two(file: Path, monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.importing.sales_plan.MOST_LINES", 3)
    run(file, [line("1", f"S{n}") for n in range(5)])
    assert {order.reference: order.lines.count() for order in Order.objects.all()} == {"1": 3, "1/2": 2}


def test_more_than_can_be_on_hand_is_refused_whole(file: Path) -> None:
    from orchestrator.importing.sales_result import ImportRefused

    rows = [line(str(n), quantity=100_000_000, price="0.01") for n in range(101)]
    with pytest.raises(ImportRefused, match="look at its quantities"):
        run(file, rows)
    assert not Order.objects.exists()


def test_other_currencies_are_refused(file: Path) -> None:
    header = ("Order", "SKU", "Qty", "Price", "Date", "Currency")
    rows = [("1", "A", 1, 2, "2020-01-01", "gbp"), ("2", "A", 1, 2, "2020-01-01", "USD")]
    result = run(file, rows, header)
    assert figures(result) == (2, 1, 0, 1)
    assert "USD" in result.first_rejects[0][1]


def test_a_file_in_another_dress_is_the_same_file(file: Path) -> None:
    """Semicolons, decimal commas, dd/mm dates, a time column, other headings."""
    run(file, [line("1", quantity="2", date="2010-03-14 15:10", price="1234.50")])
    other = file.with_name("other.csv")
    other.write_text(
        "Rechnungsnummer;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Datum;Uhrzeit\n1;w1;Widget;2;1.234,50;14.03.2010;15:10\n",
        encoding="cp1252",
    )
    assert figures(sales_import(path=other, user_id=USER)) == (1, 0, 1, 0)
