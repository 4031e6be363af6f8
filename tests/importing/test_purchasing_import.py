"""import_purchasing: suppliers, their offers and drafts of purchase orders from files, and back again."""

import csv
import json
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from audit.models import Outbox
from inventory.models import PriceBreak, Product, PurchaseOrder, PurchaseOrderLine, Supplier, SupplierProduct
from tests.exporting.conftest import exported
from tests.inventory.buying import offer, ordered, sent, shelf, supplier

pytestmark = pytest.mark.django_db
D = Decimal


def run(what: str, path: Path, *options: str) -> tuple[str, int]:
    """What the command said, and its exit code."""
    out = StringIO()
    try:
        call_command("import_purchasing", what, str(path), *options, stdout=out)
    except SystemExit as error:
        return out.getvalue(), int(error.code or 0)
    return out.getvalue(), 0


def table(tmp_path: Path, text: str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def rejects(path: Path) -> list[dict[str, Any]]:
    with path.with_name(f"{path.name}.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_suppliers_are_added_changed_and_left_alone(tmp_path):
    supplier("ACME", lead_time_days=7)
    path = table(
        tmp_path,
        "Code;Supplier name;E-mail;Lead time;Over delivery\n"
        "acme;Acme Ltd;orders@acme.example;12;2,5\n"
        ";Zeta & Sons;;;\n"
        "BAD;Bad;no address;;\n"
        "SLOW;Slow;;soon;\n"
        "NEW;;;;\n",
    )
    said, code = run("suppliers", path)
    assert (said.splitlines()[-1], code) == ("read 5, added 1, changed 1, unchanged 0, rejected 3", 1)
    acme = Supplier.objects.get(code="ACME")
    assert (acme.name, acme.email, acme.lead_time_days, acme.over_delivery) == (
        "Acme Ltd", "orders@acme.example", 12, D("2.5"),
    )  # fmt: skip
    assert Supplier.objects.get(name="Zeta & Sons").code == "ZETA-SONS"
    assert [row["reason"] for row in rejects(path)] == [
        "email: is no address",
        "lead time days: 'soon' is no number",
        "has no name, and there is no supplier NEW yet that it could change",
    ]
    assert run("suppliers", path)[0].splitlines()[-1].startswith("read 5, added 0, changed 0, unchanged 2")
    told = [json.loads(row.payload) for row in Outbox.objects.filter(event="PURCHASING_IMPORTED")]
    assert [(t["dataset"], t["added"], t["changed"], len(t["history"])) for t in told] == [("suppliers", 1, 1, 2)]


def test_a_price_list_with_breaks_comes_in_and_can_prefer_its_supplier(tmp_path):
    acme, zeta = supplier(), supplier("ZETA")
    a, _ = shelf("A", "B", supplier=zeta)
    offer(acme, a, "4")
    book = Workbook()
    sheet = book.active
    sheet.append(["Vendor", "SKU", "Vendor SKU", "From quantity", "Price", "Pack size", "MOQ", "Preferred"])
    sheet.append(["acme", "a", "AC-1", 50, 3.5, None, None, None])
    sheet.append(["ACME Ltd", "A", "AC-1", None, 3.8, 6, 12, "yes"])
    sheet.append(["ACME", "B", None, 10, 1, None, None, None])
    sheet.append(["ACME", "C", None, None, 1, None, None, None])
    sheet.append(["NOBODY", "A", None, None, 1, None, None, None])
    sheet.append(["ACME", "B", None, None, None, None, None, None])
    path = tmp_path / "prices.xlsx"
    book.save(path)
    said, code = run("supplier_products", path)
    assert (said.splitlines()[-1], code) == ("read 6, added 1, changed 1, unchanged 0, rejected 4", 1)
    found = SupplierProduct.objects.get()
    assert (found.unit_cost, found.pack_size, found.minimum_order, found.supplier_sku) == (D("3.8"), 6, 12, "AC-1")
    assert (PriceBreak.objects.get().quantity, PriceBreak.objects.get().unit_cost) == (50, D("3.5"))
    assert Product.objects.get(sku="A").supplier == acme
    assert [row["reason"] for row in rejects(path)] == [
        "is a price break of an offer that there is not: add a row without one",
        "there is no product C: import it first",
        "there is no supplier NOBODY: import it first",
        "has no unit cost",
    ]


def test_orders_become_drafts_under_their_own_numbers(tmp_path):
    acme = supplier()
    a, _ = shelf("A", "B", supplier=acme)
    offer(acme, a, "3")
    ours = ordered(acme, (a, 5))
    gone = sent(acme, (a, 5))
    path = table(
        tmp_path,
        "Order,Supplier,SKU,Quantity,Unit cost,Expected\n"
        "X-1,ACME,A,10,,2030-01-31\n"
        "X-1,ACME,B,4,2.5,2030-01-31\n"
        f"{ours.reference},ACME,A,7,,\n"
        f"{gone.reference},ACME,A,7,,\n"
        "PO-000777,ACME,A,7,,\n"
        "X-2,ACME,A,1.5,,\n"
        "X-3,ACME,A,1,,soon\n",
    )
    said, code = run("purchase_orders", path)
    assert (said.splitlines()[-1], code) == ("read 7, added 2, changed 1, unchanged 0, rejected 4", 1)
    made = PurchaseOrder.objects.get(reference="X-1")
    assert (made.status, made.expected_on, made.user_id) == ("draft", date(2030, 1, 31), "system")
    assert [(line.product.sku, line.quantity, line.unit_cost) for line in made.lines.all()] == [
        ("A", 10, 3), ("B", 4, D("2.5")),
    ]  # fmt: skip
    assert ours.lines.get().quantity == 7
    reasons = [row["reason"] for row in rejects(path)]
    assert "is sent and can't be changed" in reasons[0]
    assert "is a number that the shop gives itself" in reasons[1]
    assert "counted in pieces" in reasons[2]
    assert "'soon' is no day: write it as 2026-12-31" in reasons[3]
    assert "unchanged 3" in run("purchase_orders", path)[0]


def test_a_dry_run_changes_nothing(tmp_path):
    path = table(tmp_path, "code,name\nNEW,New\n,\n")
    said, code = run("suppliers", path, "--dry-run")
    assert ("Dry run: nothing was changed." in said, code) == (True, 0)
    assert "added 1" in said
    assert not Supplier.objects.exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("what", ["suppliers", "supplier_products", "purchase_orders"])
def test_what_is_exported_comes_back_unchanged(what, tmp_path):
    acme = supplier(email="orders@acme.example", over_delivery=D("2.5"))
    a, b = shelf("A", "B", supplier=acme)
    offer(acme, a, "3.125", {10: "3"}, supplier_sku="=AC", pack_size=D(6), lead_time_days=9)
    ordered(acme, (a, 5), (b, 6))
    sent(acme, (b, 2))
    path = tmp_path / "back.csv"
    path.write_bytes(exported(what))
    said, code = run(what, path)
    assert code == 0, said
    assert "added 0, changed 0" in said
    (Supplier if what == "suppliers" else SupplierProduct).objects.first().save()
    if what == "supplier_products":
        PriceBreak.objects.all().first().delete()
        SupplierProduct.objects.first().delete()
        assert "added 2, changed 0" in run(what, path)[0]
        assert SupplierProduct.objects.get().supplier_sku == "=AC"


def test_a_file_without_the_columns_needed_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"No column for supplier, sku, unit_cost was found") as error:
        run("supplier_products", table(tmp_path, "colour,size\nred,4\n"))
    assert error.value.returncode == 2
    with pytest.raises(CommandError, match="nothing below it"):
        run("suppliers", table(tmp_path, "code,name\n"))
    assert not PurchaseOrderLine.objects.exists()
