"""Sales files of other programs, and the command."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from customers.models import Customer
from inventory.models import Order, OrderLine, OrderReturn, Product
from orchestrator.importing.sales import sales_import

from .selling import HEADER, USER, figures, line, run, stock_is_sound, sums, written

pytestmark = pytest.mark.django_db

SHOPIFY = (
    "Name", "Email", "Financial Status", "Paid at", "Currency", "Subtotal", "Total", "Discount Amount", "Created at",
    "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku", "Lineitem discount", "Billing Name",
    "Billing Country", "Phone", "Cancelled at", "Payment Method",
)  # fmt: skip
SQUARE = (
    "Date", "Time", "Time Zone", "Category", "Item", "Qty", "Price Point Name", "SKU", "Gross Sales", "Discounts",
    "Net Sales", "Tax", "Transaction ID", "Event Type", "Customer ID", "Customer Name",
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


def shopify(**cells: str) -> list[str]:
    return [cells.get(name.replace(" ", "_"), "") for name in SHOPIFY]


def test_shopify_orders_whose_further_lines_leave_cells_blank(file: Path) -> None:
    first = {
        "Name": "#1001",
        "Email": "ann@example.com",
        "Financial_Status": "paid",
        "Currency": "GBP",
        "Total": "99.00",
        "Created_at": "2024-02-03 10:12:01 +0100",
        "Billing_Name": "Ann Example",
        "Billing_Country": "GB",
        "Phone": "'+44 20 7946 0958",
    }
    rows = [
        shopify(
            **first, Lineitem_quantity="2", Lineitem_name="Mug - Blue", Lineitem_price="9.00", Lineitem_sku="'0012"
        ),
        shopify(
            Name="#1001", Lineitem_quantity="1", Lineitem_name="Tea", Lineitem_price="5.00", Lineitem_discount="1.00"
        ),
        shopify(
            Name="#1002",
            Financial_Status="voided",
            Cancelled_at="2024-02-05 09:00:00 +0000",
            Created_at="2024-02-04 10:00:00 +0000",
            Lineitem_quantity="1",
            Lineitem_name="Tea",
            Lineitem_price="5.00",
        ),
        shopify(
            Name="#1003",
            Financial_Status="partially_refunded",
            Created_at="2024-02-06 10:00:00 +0000",
            Lineitem_quantity="1",
            Lineitem_name="Tea",
            Lineitem_price="5.00",
        ),
    ]
    result = run(file, rows, SHOPIFY)
    assert figures(result) == (4, 4, 0, 0)
    order = Order.objects.get(reference="#1001")
    assert order.occurred_at == datetime(2024, 2, 3, 9, 12, 1, tzinfo=UTC)
    assert [(row.product.sku, row.quantity, row.total) for row in order.lines.order_by("number")] == [
        ("0012", 2, 18),
        ("TEA", 1, 4),
    ]
    customer = order.customer_order.customer
    assert (customer.email, customer.name, customer.phone) == ("ann@example.com", "Ann Example", "+44 20 7946 0958")
    assert OrderReturn.objects.get().order.reference == "#1002"
    assert OrderReturn.objects.get().occurred_at == datetime(2024, 2, 5, 9, tzinfo=UTC)
    assert "refunded in part" in " ".join(result.notes)
    assert Customer.objects.count() == 1
    assert figures(run(file, rows, SHOPIFY)) == (4, 0, 4, 0)


def test_square_items_with_money_signs_and_refunds(file: Path) -> None:
    def item(date: str, item: str, quantity: str, net: str, number: str, event: str = "Payment") -> list[str]:
        cells = {"Date": date, "Time": "13:05:00", "Item": item, "Qty": quantity, "Net Sales": net}
        cells |= {"Transaction ID": number, "Event Type": event, "Customer ID": "SQ0001"}
        return [cells.get(name, "") for name in SQUARE]

    rows = [
        item("2024-03-01", "Flat White", "2.0", "£7.00", "aaa"),
        item("2024-03-01", "Beans", "0.25", "£5.00", "aaa"),
        item("2024-03-02", "Flat White", "-1.0", "-£3.50", "bbb", "Refund"),
        item("2024-03-03", "Flat White", "1.0", "-£3.50", "ccc", "Refund"),
    ]
    run(file, rows, SQUARE)
    assert sums() == (12, 7)
    order = Order.objects.get()
    assert order.occurred_at == datetime(2024, 3, 1, 13, 5, tzinfo=UTC)
    assert set(OrderReturn.objects.values_list("order", flat=True)) == {order.pk}
    assert OrderLine.objects.get(product__sku="FLAT-WHITE").unit_price == Decimal("3.50")
    assert Product.objects.get(sku="BEANS").unit == "kg"


def test_woocommerce_orders_as_the_export_plugins_name_their_columns(file: Path) -> None:
    header = ("Order Number", "Order Status", "Order Date", "Email (Billing)", "SKU", "Item #", "Item Name",
              "Quantity (- Refund)", "Item Cost")  # fmt: skip
    rows = [
        ("812", "Completed", "2026-10-02 11:22", "eva@example.com", "MUG", "1", "Mug", "2", "11.50"),
        ("813", "Refunded", "2026-10-03 09:00", "max@example.com", "MUG", "1", "Mug", "1", "11.50"),
    ]
    assert figures(run(file, rows, header)) == (2, 2, 0, 0)
    assert sums() == (Decimal("34.50"), Decimal("11.50"))


def test_a_workbook_and_a_csv_file_of_the_same_sales_are_the_same(file: Path, tmp_path: Path) -> None:
    rows = [line("536365", "22423", 2, "2010-03-01 10:00", "12.75", "17850"), line("C536379", "D", -1, price="27.5")]
    run(file, rows)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sales")
    sheet.append(list(HEADER))
    sheet.append([536365, 22423, "Widget", 2, datetime(2010, 3, 1, 10), 12.75, 17850.0, ""])
    sheet.append(["C536379", "D", "Widget", -1.0, datetime(2010, 3, 1, 10), 27.5, None, None])
    book.save(tmp_path / "sales.xlsx")
    assert figures(sales_import(path=tmp_path / "sales.xlsx", user_id=USER)) == (2, 0, 2, 0)


def test_lines_of_northwind_like_orders_with_codes_for_customers(file: Path) -> None:
    header = ("orderID", "customerID", "orderDate", "productID", "unitPrice", "quantity", "discount")
    rows = [
        ("10248", "VINET", "1996-07-04 00:00:00.000", "11", "14.0000", "12", "0"),
        ("10249", "TOMSP", "1996-07-05 00:00:00.000", "14", "18.6000", "9", "0.15"),
    ]
    result = run(file, rows, header)
    assert set(Customer.objects.values_list("public_id", flat=True)) == {"VINET", "TOMSP"}
    assert "the column discount is not used" in " ".join(result.notes)
    assert sums() == (Decimal("335.40"), 0)


def test_a_folder_that_can_only_be_read_will_do_when_nothing_is_rejected(file: Path, tmp_path: Path) -> None:
    written(file, [line()])
    missing = tmp_path / "nowhere" / "rejects.csv"
    assert figures(sales_import(path=file, user_id=USER, rejects=missing)) == (1, 1, 0, 0)
    with pytest.raises(CommandError, match="--rejects") as error:
        call_command("import_sales", str(written(file, [line("2"), line("3", price="")])), "--rejects", str(missing))
    assert error.value.returncode == 1
    assert Order.objects.count() == 1


def test_headings_that_mislead_can_be_told(file: Path) -> None:
    header = ("Beleg", "Ware", "Zahl", "Wert", "Tag")
    rows = [("1", "Tee", "2", "3,50", "01.02.2024")]
    with pytest.raises(CommandError, match="--map quantity=Header") as error:
        call_command("import_sales", str(written(file, rows, header)))
    assert error.value.returncode == 1
    out = StringIO()
    told = ["description=Ware", "quantity=Zahl", "unit_price=Wert", "date=Tag"]
    call_command("import_sales", str(file), *[f"--map={pair}" for pair in told], stdout=out)
    assert out.getvalue().splitlines()[-1] == "read 1, added 1, unchanged 0, rejected 0"
    assert Order.objects.get().total == 7
    with pytest.raises(CommandError, match="no column") as error:
        call_command("import_sales", str(file), "--map=quantity=Nothing")
    assert error.value.returncode == 2


def test_the_command_tells_and_sets_aside(file: Path, tmp_path: Path) -> None:
    rows = [line("1", customer="4"), line("2", price="-1")]
    out, aside = StringIO(), tmp_path / "aside.csv"
    with pytest.raises(SystemExit) as ended:
        call_command("import_sales", str(written(file, rows)), "--rejects", str(aside), stdout=out)
    assert ended.value.code == 1
    assert "Rejected line 3: has a negative price (-1)" in out.getvalue()
    assert out.getvalue().splitlines()[-1] == "read 2, added 1, unchanged 0, rejected 1"
    with aside.open(encoding="utf-8-sig", newline="") as opened:
        assert [row[:2] for row in csv.reader(opened)] == [["line", "reason"], ["3", "has a negative price (-1)"]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03" * 100, "."),
        (b"Invoice,SKU,Qty,Price,Date\n1,A,1,2,13/01/2020\n2,A,1,2,01/13/2020\n", "two orders"),
        (b"SKU,Name,Price\nA,Widget,3\n", "No column for quantity"),
    ],
)
def test_files_that_are_no_sales_change_nothing(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    with pytest.raises(CommandError, match=told) as error:
        call_command("import_sales", str(file))
    assert error.value.returncode == 1
    assert not Order.objects.exists()


def test_the_shops_own_export_adds_nothing(shop: None, file: Path, tmp_path: Path) -> None:
    rows = [
        line("1", quantity=5, customer="8", date="2010-03-01 23:59:59"),
        line("1", quantity=5, customer="8", date="2010-03-01 12:00"),
        line("C2", quantity=-7, customer="8", date="2010-03-05"),
        line("C3", quantity=-7, date="2010-03-05"),
        line("C3", "KG", quantity="-0.125", date="2010-03-05"),
    ]
    run(file, rows)
    exported = tmp_path / "own.csv"
    call_command("export", "sales", "--output", str(exported))
    orders, returns = Order.objects.count(), OrderReturn.objects.count()
    result = sales_import(path=exported, user_id=USER)
    assert (result.added, result.rejected) == (0, 0), result.first_rejects
    assert result.unchanged == result.read > 5
    assert (Order.objects.count(), OrderReturn.objects.count()) == (orders, returns)
    assert stock_is_sound()


def test_lines_without_a_sku_are_of_the_one_product_with_that_name(file: Path) -> None:
    Product.objects.create(sku="P-1", name="Fountain Pen", list_price=Decimal(5))
    for number in (1, 2):
        Product.objects.create(sku=f"T-{number}", name="Twin", list_price=Decimal(5))
    rows = [("1", "fountain pen", 1, "2010-03-01", "5"), ("2", "Twin", 1, "2010-03-01", "5")]
    header = ("Receipt", "Item", "Quantity", "Date", "Price")
    for expected in ((2, 2, 0, 0), (2, 0, 2, 0)):
        assert figures(run(file, rows, header)) == expected
    assert set(OrderLine.objects.values_list("product__sku", flat=True)) == {"P-1", "TWIN"}
