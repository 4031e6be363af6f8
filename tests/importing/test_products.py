"""`manage.py import_products`: any table, what it changes, and what it leaves alone."""

import json
import os
import stat
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Sum

from audit.history import row_digest
from audit.models import Outbox
from audit.verification import verify_all
from inventory.models import Category, Location, Product, StockLevel, StockMovement, Supplier
from inventory.services import stock_adjust
from tests.inventory import making

pytestmark = pytest.mark.django_db

LIST = "SKU,Name,Barcode,Category,Supplier,Cost,Price,VAT,Stock,Active\n"
APPLE = "A-1,Apple,5012345678900,Fruit,Orchard Ltd,0.40,1.20,5,12,yes\n"
PEAR = "a-2,Pear,,fruit,orchard ltd,0.55,1.50,5%,0,no\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def made(content: str, name: str = "list.csv") -> Path:
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return made


def run(path: Path, *options: str) -> tuple[str, list[str], int]:
    """The last line, the lines above it and the exit code."""
    out, code = StringIO(), 0
    try:
        call_command("import_products", str(path), *options, stdout=out)
    except SystemExit as exit:
        code = int(exit.code or 0)
    *above, last = out.getvalue().strip().split("\n")
    return last, above, code


def refused(path: Path, *options: str) -> tuple[str, int]:
    before = counts()
    with pytest.raises(CommandError) as error:
        run(path, *options)
    assert counts() == before
    return str(error.value), error.value.returncode


def counts() -> list[int]:
    models: tuple[Any, ...] = (Product, Category, Supplier, Location, StockLevel, StockMovement, Outbox)
    return [model.objects.count() for model in models]


def stock() -> dict[str, Decimal]:
    """On hand by SKU; each level is the sum of its movements."""
    sums = {
        (row["product"], row["location"]): row["sum"]
        for row in StockMovement.objects.values("product", "location").annotate(sum=Sum("quantity"))
    }
    levels = StockLevel.objects.select_related("product")
    assert {(v.product_id, v.location_id): v.on_hand for v in levels if v.on_hand} == sums
    return {v.product.sku: v.on_hand for v in levels}


def test_a_list_of_products(put):
    last, _, code = run(put(LIST + APPLE + PEAR))
    assert (last, code) == ("read 2, added 2, unchanged 0, rejected 0", 0)
    apple, pear = Product.objects.order_by("sku").select_related("category", "supplier")
    assert (apple.sku, apple.name, apple.barcode, apple.unit) == ("A-1", "Apple", "5012345678900", "piece")
    assert (apple.cost, apple.list_price, apple.tax_rate) == (Decimal("0.4"), Decimal("1.2"), 5)
    assert (apple.category, apple.supplier) == (pear.category, pear.supplier)
    assert (apple.category.name, apple.supplier.name, apple.supplier.code) == ("Fruit", "Orchard Ltd", "ORCHARD-LTD")
    assert (apple.active, pear.active, apple.needs_review) == (True, False, False)
    assert stock() == {"A-1": 12}
    movement = StockMovement.objects.get()
    assert (movement.kind, movement.balance, movement.unit_cost) == ("count", 12, Decimal("0.4"))
    assert movement.reason == "import of list.csv"


def test_running_it_again_changes_nothing(put):
    path = put(LIST + APPLE + PEAR)
    run(path)
    before = counts(), Product.history.count()
    assert run(path)[0] == "read 2, added 0, unchanged 2, rejected 0"
    assert (counts(), Product.history.count()) == before


def test_what_the_file_tells_otherwise_is_changed_and_recorded(put):
    run(put(LIST + APPLE + PEAR))
    last, _, _ = run(put("sku;price;name;category\nA-1;1,35;;Soft fruit\nA-2;1,50;Pear;\n"))
    assert last == "read 2, added 0, changed 1, unchanged 1, rejected 0"
    apple = Product.objects.get(sku="A-1")
    assert (apple.list_price, apple.name, apple.category.name) == (Decimal("1.35"), "Apple", "Soft fruit")
    assert [row.list_price for row in apple.history.all()] == [Decimal("1.35"), Decimal("1.2")]
    event = json.loads(Outbox.objects.order_by("pk").last().payload)
    assert (event["event"], event["user_id"], event["changed"], len(event["digest"])) == (
        "PRODUCTS_IMPORTED", "system", 1, 64,
    )  # fmt: skip
    sealed = {row["history_id"]: row["digest"] for row in event["history"] if row["model"] == "inventory.Product"}
    newest = apple.history.first()
    assert sealed == {newest.history_id: row_digest(newest)}
    assert newest.history_change_reason == "import of list.csv"
    assert list(verify_all()) == []


def test_a_dry_run_tells_and_writes_nothing(put, tmp_path):
    run(put(LIST + APPLE))
    before = counts()
    path = put(LIST + APPLE.replace("1.20", "1.35") + PEAR + "A-9,Fig,,,,,cheap,,,\n")
    last, above, code = run(path, "--dry-run")
    assert last == "read 3, added 1, changed 1, unchanged 0, rejected 1"
    assert "  A-1  list_price 1.2 → 1.35" in above
    assert "  a-2  new: Pear, price 1.5" in above
    assert "Rejected line 4: price: 'cheap' is no number" in above
    assert (counts(), code) == (before, 1)
    assert [file.name for file in tmp_path.iterdir()] == ["list.csv"]


def test_rejected_rows_can_be_mended_and_imported(put, tmp_path):
    path = put(LIST + APPLE + "A-3,Fig,,,,,cheap,,4,\n,,,,,,1,,,\n" + "A-4," + "x" * 30 + ",short\n")
    last, _, code = run(path)
    assert (last, code) == ("read 4, added 1, unchanged 0, rejected 3", 1)
    rejects = tmp_path / "list.csv.rejects.csv"
    told = rejects.read_text("utf-8-sig").splitlines()
    assert told[0] == "line,reason," + LIST.strip()
    assert told[1] == "3,price: 'cheap' is no number,A-3,Fig,,,,,cheap,,4,"
    assert told[2].startswith('4,"has no SKU, barcode or name"')
    assert told[3].startswith('5,"has 3 cells, the header has 10')
    mended = put("\n".join([told[0], told[1].replace(",cheap,", ",0.90,")]), "mended.csv")
    assert run(mended)[0] == "read 1, added 1, unchanged 0, rejected 0"
    assert Product.objects.get(sku="A-3").list_price == Decimal("0.9")
    assert run(put(LIST + APPLE))[0] == "read 1, added 0, unchanged 1, rejected 0"
    assert not rejects.exists()


def test_stock_that_has_moved_is_left_alone_unless_told(put):
    path = put(LIST + APPLE)
    run(path)
    making.sell(making.line(Product.objects.get(sku="A-1"), 5))
    last, above, _ = run(path)
    assert last == "read 1, added 0, unchanged 1, rejected 0"
    assert any("it has moved since (--set-stock takes the file's) (line 2: A-1 has 7)" in line for line in above)
    assert stock() == {"A-1": 7}
    assert run(path, "--set-stock")[0] == "read 1, added 0, changed 1, unchanged 0, rejected 0"
    assert stock() == {"A-1": 12}
    assert StockMovement.objects.order_by("pk").last().quantity == 5
    assert run(path, "--set-stock")[0] == "read 1, added 0, unchanged 1, rejected 0"


def test_stock_by_location_and_what_is_reserved(put):
    product = making.stocked("T-1", 10)
    with transaction.atomic():
        stock_adjust(product=product, delta=Decimal(-3), user_id="USER-TEST")
    StockLevel.objects.update(reserved=4)
    several = put("sku,stock,location\nT-1,6,A-01-01\nT-1,2,B-9\nT-1,3,b-9\nT-2,1,B-9\n")
    last, above, _ = run(several, "--set-stock")
    assert last == "read 4, added 0, changed 1, unchanged 0, skipped 2, rejected 1"
    assert "Rejected line 5: has no name, and there is no product T-2 yet that it could change" in above
    assert dict(StockLevel.objects.values_list("location__code", "on_hand")) == {"A-01-01": 6, "B-9": 5}
    assert any("more is reserved" in line for line in run(put("sku,stock,location\nT-1,3,A-01-01\n"), "--set-stock")[1])
    assert any("several locations" in line for line in run(put("sku,stock\nT-1,3\n"), "--set-stock")[1])
    assert sum(StockLevel.objects.values_list("on_hand", flat=True)) == 11


def test_a_product_is_not_lost_for_what_is_wrong_beside_it(put):
    run(put(LIST + APPLE))
    content = (
        LIST.replace("Active", "Active,Unit")
        + "B-1,No check digit,5012345678901,,,0.5,1,5,1,yes,\n"
        + "B-2,Cut short,5.01235E+12,,,,1,,-4,,\n"
        + "B-3,Taken,5012345678900,,,,1,,1.5,,\n"
        + "B-4,Odd,,,,dear,1.005,seven,1.5,,kg\n"
        + f"B-5,{'Very long name ' * 20},,,,,1,,,maybe,crate\n"
        + "B-6,ISBN,0-306-40615-2,,,,1,,,,\nB-7,Lost zero,36000291452,,,,1,,,,\n"
        + 'B-8,Two,"036000291452 5012345678917",,,,1,,,,\n'
    )
    last, above, code = run(put(content))
    assert (last, code) == ("read 8, added 8, unchanged 0, rejected 0", 0)
    assert dict(Product.objects.filter(sku__startswith="B").values_list("sku", "barcode")) == {
        "B-1": None, "B-2": None, "B-3": None, "B-4": None, "B-5": None, "B-6": "9780306406157", "B-7": "036000291452",
        "B-8": None,
    }  # fmt: skip
    odd, long = Product.objects.get(sku="B-4"), Product.objects.get(sku="B-5")
    assert (odd.unit, odd.cost, odd.list_price, odd.tax_rate) == ("kg", None, Decimal("1.01"), 20)
    assert (len(long.name) <= 200, long.name.endswith("name…"), long.unit) == (True, True, "piece")
    assert stock() == {"A-1": 12, "B-1": 1, "B-4": Decimal("1.5")}
    told = "\n".join(above)
    for part in (
        "barcode left out, no valid GTIN", "line 3: 5.01235E+12 is a long number", "5012345678900 is that of A-1",
        "negative stock, taken as 0 (line 3: -4)", "parts of a piece", "cost left out (line 5: 'dear'",
        "price rounded to", "tax rate left out (line 5: 'seven'", "name cut to 200", "status unknown",
        "unit unknown", "several barcodes",
    ):  # fmt: skip
        assert part in told
    assert run(put(content))[0] == "read 8, added 0, unchanged 8, rejected 0"


def test_products_without_a_price_wait_for_one(put):
    path = put("SKU,Name,Active\nW-1,Waiting,yes\n")
    _, above, _ = run(path)
    assert any("no column for the price" in line for line in above)
    product = Product.objects.get()
    assert (product.list_price, product.active, product.needs_review) == (0, False, True)
    assert run(path)[0] == "read 1, added 0, unchanged 1, rejected 0"
    run(put("SKU,Name,Price\nW-1,Waiting,4\n"))
    product.refresh_from_db()
    assert (product.list_price, product.active, product.needs_review) == (4, True, False)


def test_numbers_as_the_file_writes_them(put):
    path = put(
        "Artikelnummer;Bezeichnung;Verkaufspreis;Einkaufspreis;Bestand;MwSt;EAN;Einheit\n"
        "0001;Äpfel, rot;1.234,50 €;1.000,00;1.000;0,19;'4006381333931;Stk\n"
        "0002;Birnen;2,30 €;;7,5;0,07;;kg\n"
    )
    assert run(path)[0] == "read 2, added 2, unchanged 0, rejected 0"
    apples = Product.objects.get(sku="0001")
    assert (apples.list_price, apples.cost, apples.tax_rate) == (Decimal("1234.5"), 1000, 19)
    assert apples.barcode == "4006381333931"
    assert stock() == {"0001": 1000, "0002": Decimal("7.5")}


def test_a_formula_for_a_name_stays_text(put):
    run(put("SKU,Name,Price\n=1+1,\"=cmd|' /C calc'!A0\",1\n"))
    assert list(Product.objects.values_list("sku", "name")) == [("=1+1", "=cmd|' /C calc'!A0")]


def test_sku_in_another_case_or_twice(put):
    run(put(LIST + APPLE))
    last, above, code = run(put("SKU,Name,Price\na-1,Apple,1.20\nA-1,Apple,1.20\nA-1,Apple,9\n"))
    assert (last, code) == ("read 3, added 0, unchanged 1, skipped 1, rejected 1", 1)
    assert "Rejected line 4: SKU A-1 is that of line 2 already: give each its own" in above
    assert Product.objects.get().sku == "A-1"


def test_columns_can_be_told(put):
    path = put("Ref,Label,Brutto,Netto\nX1,Thing,2.40,2\n")
    message, code = refused(path)
    assert code == 2
    assert "The columns are Ref, Label, Brutto, Netto" in message
    assert run(path, "--map", "sku=ref", "--map", "name=Label", "--map", "list_price=Brutto")[0].startswith(
        "read 1, added 1"
    )
    assert Product.objects.get().list_price == Decimal("2.4")
    for wrong, said in (("colour=Ref", "no field colour"), ("sku=Nope", "no column Nope"), ("sku", "field=Header")):
        message, code = refused(path, "--map", wrong)
        assert (said in message, code) == (True, 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("SKU,Name,Price\n", "nothing below it"),
        (LIST + APPLE + 'A-2,"cut of', "cut off"),
        (",".join(f"c{n}" for n in range(100_000)) + "\n1\n", "100,000 columns"),
    ],
)
def test_a_broken_file_changes_nothing(put, content, said):
    message, code = refused(put(content))
    assert (said in message, message.endswith("Nothing was changed."), code) == (True, True, 1)


def test_wrong_use_and_places_that_can_not_be_written(put, tmp_path):
    path = put(LIST + APPLE)
    assert refused(tmp_path / "none.csv")[1] == 2
    assert refused(path, "--delimiter", "ab")[1] == 2
    assert refused(tmp_path) == (f"{tmp_path} is a folder: name a file in it.", 2)
    os.mkfifo(tmp_path / "pipe.csv")
    assert refused(tmp_path / "pipe.csv")[1] == 2
    assert refused(tmp_path / ("x" * 300))[1] == 2
    path = put(LIST + APPLE + "A-3,Fig,,,,,cheap,,4,\n")
    message, code = refused(path, "--rejects", str(tmp_path / "none" / "r.csv"))
    assert ("name another place" in message, code) == (True, 1)
    before = path.read_bytes()
    message, code = refused(path, "--rejects", f"{tmp_path}/../{tmp_path.name}/list.csv")
    assert ("is the file itself" in message, code, path.read_bytes() == before) == (True, 1, True)
    assert "is no file of rejected rows" in refused(path, "--rejects", "")[0]
    chosen = tmp_path / "bad.csv"
    run(path, "--rejects", str(chosen))
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o600  # the rejected lines of sales name people
    assert not (tmp_path / "list.csv.rejects.csv").exists()


@pytest.mark.parametrize("header", ["pk,name,description\n1,Fruit,Sweet\n", "supplierID,companyName\n1,Orchard\n"])
def test_a_list_of_something_else_is_refused(put, header):
    message, code = refused(put(header))
    assert (message.startswith("This does not look like a list of products"), code) == (True, 2)


def test_numbers_for_names_are_no_categories(put):
    run(put("productID,productName,supplier,category,quantity,unitPrice,discontinued\n1,Chai,1,2,10 boxes,18,1\n"))
    product = Product.objects.get()
    assert (product.sku, product.category, product.supplier, product.active) == ("1", None, None, False)
    assert stock() == {}
