"""What each dataset holds, in each format, and which rows its filters leave."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from audit.merkle import GENESIS, chain_hash, leaf_hash
from audit.models import AuditRecord
from audit.selectors import export_line
from customers.models import Customer
from customers.services import customer_create, customer_erase
from inventory.models import Location, OrderReturn, Product, StockLevel, StockMovement
from orchestrator.exporting import reading
from orchestrator.exporting.datasets import DATASETS
from orchestrator.exporting.services import Written, export_ask, export_write
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Role
from shop_assistant.tables.writing import restored
from tests.exporting.conftest import CANARIES, NAME, exported, lines_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("traded")]
every_dataset = pytest.mark.parametrize("name", list(DATASETS))


def frozen(name: str, **options: Any) -> Any:
    """An export that does not bring the trail up to date first, so that two of them are alike."""
    asked = export_ask(dataset=name, user=system_user(), **options)
    return replace(asked, dataset=replace(asked.dataset, prepare=None))


def bytes_of(export: Any) -> bytes:
    target = io.BytesIO()
    export_write(export, target, Written())
    return target.getvalue()


def move(kind: str, quantity: Any, **more: Any) -> None:
    where = StockLevel.objects.get(product__sku="SKU002")
    StockMovement.objects.create(
        product=where.product, location=where.location, kind=kind, quantity=quantity, balance=90, **more
    )


@every_dataset
def test_each_format_says_the_same(name: str):
    exported(name)
    lines = [json.loads(line, parse_float=Decimal) for line in bytes_of(frozen(name, format="jsonl")).splitlines()]
    table = list(csv.DictReader(io.StringIO(bytes_of(frozen(name)).decode(), newline="")))
    book = load_workbook(io.BytesIO(bytes_of(frozen(name, format="xlsx")))).worksheets[0]
    header, *rows = book.iter_rows(values_only=True)
    columns = [column.name for column in DATASETS[name].columns if not column.personal]
    assert lines
    assert len(table) == len(rows) == len(lines)
    assert list(table[0]) == list(header) == list(lines[0]) == columns
    for line, cells, row in zip(lines, table, rows, strict=True):
        for column, value in line.items():
            assert _same(restored(cells[column]), value), column
            shown = row[columns.index(column)]
            assert _shown(value) == _shown(shown), column


def _shown(value: Any) -> Any:
    """A workbook has no empty text, and its numbers are read as floats."""
    return None if value == "" else Decimal(str(value)) if isinstance(value, float) else value


def _same(cell: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return cell == ("" if value is None else str(value).lower())
    return Decimal(cell) == value if isinstance(value, int | Decimal) else cell == value


@pytest.mark.skipif(connection.vendor != "postgresql", reason="COPY is PostgreSQL's")
@every_dataset
def test_the_servers_own_copy_is_the_same_byte_for_byte(name: str, monkeypatch):
    exported(name)
    move("adjustment", "-1.500", reason="''=\"a\", b\r\nc\t\\ \x01é", user_id="＝")  # noqa: RUF001
    asked = [frozen(name, format="jsonl"), frozen(name, format="csv", delimiter=";")]
    by_server = [bytes_of(export) for export in asked]
    monkeypatch.setattr("orchestrator.exporting.services.COPIED_FORMATS", ())
    monkeypatch.setattr(reading, "CHUNK", 3)
    assert [bytes_of(export) for export in asked] == by_server
    assert by_server[1].count(b"\n") > 1


def test_nobody_is_named_unless_asked_for():
    for name in DATASETS:
        book = load_workbook(io.BytesIO(exported(name, "xlsx"))).worksheets[0]
        cells = "".join(str(value) for row in book.values for value in row)
        for content in (exported(name).decode(), exported(name, "jsonl").decode(), cells):
            assert not [word for word in CANARIES if word in content], name
            assert "sealed:" not in content or name == "audit"


@pytest.mark.parametrize(
    ("name", "words"),
    [("customers", CANARIES[:4]), ("tickets", CANARIES[4:]), ("tasks", (CANARIES[1], *CANARIES[4:]))],
)
def test_who_may_sees_people(name: str, words: tuple[str, ...], users):
    for format in ("csv", "jsonl"):
        content = exported(name, format, users[Role.OWNER], personal=True).decode()
        assert not [word for word in words if word not in content]
        assert "sealed:" not in content


def test_the_erased_stay_erased(users):
    customer_erase(customer=Customer.objects.get(public_id="CUST-CANARY"))
    for name in ("customers", "tickets"):
        content = exported(name, "jsonl", users[Role.OWNER], personal=True).decode()
        assert not [word for word in CANARIES if word in content]
        assert "CUST-CANARY" in content


def test_inventory_has_a_row_for_each_place():
    product = Product.objects.get(sku="SKU001")
    other = Location.objects.create(warehouse=Location.objects.first().warehouse, code="B-02-02")
    before = {line["sku"]: line for line in lines_of("inventory")}
    assert before["SKU003"]["name"] == NAME
    assert (before["SKU001"]["stock"], before["SKU001"]["location"]) == (140, "A-01-01")
    assert (before["SKU001"]["list_price"], before["SKU001"]["active"]) == (29.99, True)
    Product.objects.create(sku="NEW", name="nowhere yet", list_price=1)
    product.levels.create(location=other, on_hand=Decimal("0.5"))
    places = [(line["sku"], line["stock"], line["location"]) for line in lines_of("inventory")]
    assert ("NEW", None, None) in places
    assert [place for place in places if place[0] == "SKU001"] == [
        ("SKU001", 140, "A-01-01"),
        ("SKU001", 0.5, "B-02-02"),
    ]
    assert [line["sku"] for line in lines_of("inventory", location="b-02-02")] == ["SKU001"]


def test_sales_and_what_came_back():
    lines = lines_of("sales", customer="CUST-CANARY")
    told = [(line["kind"], line["sku"], line["quantity"], line["unit_price"], line["customer"]) for line in lines]
    assert told == [
        ("sale", "SKU001", 12, 26.99, "CUST-CANARY"),
        ("sale", "SKU002", 1, 12.5, "CUST-CANARY"),
        ("return", "SKU001", -2, 26.99, "CUST-CANARY"),
    ]
    assert [line["invoice"] for line in lines] == ["S-000021", "S-000021", "R-000001"]
    assert {line["order"] for line in lines} == {"S-000021"}
    assert lines[2]["total"] == -53.98
    assert len(lines_of("sales")) == 24


def test_returns_of_what_was_sold_before_the_shops_records():
    OrderReturn.objects.create(reference="R-OLD", order=None, total=5, user_id="system")
    move("return", 2, unit_price=5, reference="R-OLD", user_id="system")
    last = lines_of("sales")[-1]
    assert (last["invoice"], last["quantity"], last["unit_price"], last["order"]) == ("R-OLD", -2, 5, None)
    assert len(lines_of("sales", sku="SKU002", by="system")) == 1
    assert lines_of("sales", customer="CUST001", sku="SKU002") == []


def test_prices_tell_of_now_and_of_each_change():
    lines = {line["sku"]: line for line in lines_of("prices")}
    assert (lines["SKU001"]["list_price"], lines["SKU001"]["new_price"]) == (29.99, None)
    assert (lines["SKU003"]["list_price"], lines["SKU003"]["old_price"], lines["SKU003"]["new_price"]) == (
        51.5,
        50,
        51.5,
    )
    assert [line["sku"] for line in lines_of("prices", status="applied")] == ["SKU003"]


def test_customers_with_what_they_spent():
    found = {line["customer_id"]: line for line in lines_of("customers")}
    assert (found["CUST001"]["orders"], found["CUST001"]["purchases"], found["CUST001"]["points"]) == (20, 5000, 1250)
    assert (found["CUST-CANARY"]["orders"], found["CUST-CANARY"]["refunds"]) == (1, 53.98)
    assert found["CUST-CANARY"]["member_since"] == "2024-03-31T00:30:00.000Z"


def test_the_trail_can_be_verified_from_the_file_alone():
    lines, chain = lines_of("audit"), GENESIS
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        leaf = leaf_hash(line["payload"].encode())
        assert (line["prev"], line["leaf"]) == (chain.hex(), leaf.hex())
        chain = chain_hash(chain, leaf)
        assert line["chain"] == chain.hex()
    record = AuditRecord.objects.get(seq=3)
    assert lines[2] == export_line(record) | {"prev": bytes(record.prev).hex()}  # as the operation exports it


def test_an_export_is_of_one_product_category_place_person_or_state():
    assert {line["sku"] for line in lines_of("movements", sku="sku002")} == {"SKU002"}
    assert {line["kind"] for line in lines_of("movements", kind="return")} == {"return"}
    assert {line["user_id"] for line in lines_of("movements", by="clerk")} == {"USER-CLERK"}
    assert {line["category"] for line in lines_of("inventory", category="widgets")} == {"Widgets"}
    assert {line["customer"] for line in lines_of("tickets", customer="CUST-CANARY", status="open")} == {"CUST-CANARY"}
    assert lines_of("tickets", status="closed") == []
    assert {line["operation"] for line in lines_of("tasks", agent="sales", status="completed")} == {"sell", "return"}
    assert {line["event"] for line in lines_of("audit", event="task_completed")} == {"TASK_COMPLETED"}
    assert {line["tier"] for line in lines_of("customers", tier="standard")} == {"standard"}


def test_only_what_is_low_in_stock():
    assert lines_of("inventory", low_stock="true") == []
    level = Product.objects.get(sku="SKU002").levels.get()
    level.on_hand = 0
    level.save()
    assert [line["sku"] for line in lines_of("inventory", low_stock="true")] == ["SKU002"]
    assert len(lines_of("inventory", low_stock="false")) == 3


@pytest.mark.parametrize("name", ["customers", "tickets", "tasks", "sales"])
def test_more_rows_cost_no_more_queries(name: str, api):
    """However many there are in a chunk, their keys are asked for once."""
    export = frozen(name, format="jsonl")
    export = replace(export, personal=export.dataset.has_personal)
    few, little = cost(export)
    told = {"customer_id": "CUST-CANARY", "subject": "again", "message": "and again"}
    for _ in range(5):
        assert api("clerk").post("/api/customer/support-ticket", told).status_code == 200
        assert api("clerk").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}]}).status_code == 200
        customer_create(name="somebody")
    many, much = cost(export)
    assert many >= few + 5
    assert much == little


def cost(export: Any) -> tuple[int, int]:
    """Rows, and queries."""
    with CaptureQueriesContext(connection) as captured:
        rows = bytes_of(export).count(b"\n")
    return rows, len(captured)
