"""A count sheet as a file: taken out, filled in, brought in."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from inventory.models import CountEntry, CountSheet
from shop_assistant.agents import Role, call

from .making import location, product, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def sheet(users: Any) -> CountSheet:
    for sku, amount in (("A", 10), ("B", 20), ("C", 30)):
        stocked(sku, amount)
    made = call("inventory", "count_open", {"location": "A-01-01"}, user=users[Role.MANAGER])
    return CountSheet.objects.get(reference=made["sheet"])


def taken_out(path: Path) -> list[dict[str, str]]:
    call_command("export", "counts", "--count", "CS-000001", "--output", str(path), stdout=io.StringIO())
    return list(csv.DictReader(path.open(encoding="utf-8", newline=""))) if path.suffix == ".csv" else []


def filled(path: Path, rows: list[dict[str, str]], **figures: str) -> Path:
    for row in rows:
        row["counted"] = figures.get(row["sku"], row["counted"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def brought_in(*arguments: Any) -> tuple[int, str]:
    """Exit code and what was said."""
    said = io.StringIO()
    try:
        call_command("import_counts", *map(str, arguments), stdout=said)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, said.getvalue()


def figures() -> dict[str, Any]:
    lines = CountSheet.objects.get().lines.select_related("product", "entry")
    return {line.product.sku: line.entry and int(line.entry.quantity) for line in lines}


def test_there_and_back(sheet: CountSheet, tmp_path: Path, users: Any) -> None:
    path = tmp_path / "sheet.csv"
    rows = taken_out(path)
    assert [(row["sku"], row["counted"], row["booked"], row["difference"]) for row in rows] == [
        (sku, "", "", "") for sku in ("A", "B", "C")
    ], "whoever counts is not told what is booked"
    filled(path, rows, A="10", B="19")
    code, said = brought_in(path, "--user", "clerk", "--dry-run")
    assert (code, figures()) == (0, {"A": None, "B": None, "C": None})
    assert "read 3, entered 2, unchanged 0, left empty 1, rejected 0" in said
    assert "B at A-01-01: 19" in said
    assert brought_in(path, "--user", "clerk")[0] == 0
    assert figures() == {"A": 10, "B": 19, "C": None}
    assert set(CountEntry.objects.values_list("user_id", flat=True)) == {"USER-CLERK"}
    assert "entered 0, unchanged 2" in brought_in(path)[1], "running it again changes nothing"
    again = taken_out(path)
    assert [row["replaces"] for row in again] == ["10", "19", ""]
    brought_in(filled(path, again, B="20", C="30"))
    assert figures() == {"A": 10, "B": 20, "C": 30}


def test_what_can_not_be_entered_is_set_aside(sheet: CountSheet, tmp_path: Path, users: Any) -> None:
    path = tmp_path / "scanner.csv"
    path.write_text("Article;Menge\nA;9,0\nA;8\nNOPE;1\nB;1,5\nC;-1\n;4\n")
    code, said = brought_in(path, "--count", "cs-000001")
    assert (code, figures()) == (1, {"A": 9, "B": None, "C": None})
    assert "read 6, entered 1, unchanged 0, left empty 0, rejected 5" in said
    rejected = (tmp_path / "scanner.csv.rejects.csv").read_text()
    for told in ("named twice", "no product NOPE", "whole number", "no count", "has no SKU"):
        assert told in rejected
    long = "x" * 65
    path.write_text(f"sku,counted,location,replaces\nA,9,{long},\nC,1,,-1\nC,30.0001,,\nB,20,,\n")
    code, said = brought_in(path, "--count", "cs-000001")
    assert (code, figures()) == (1, {"A": 9, "B": 20, "C": None}), "a row that can't be leaves the others alone"
    assert "replaces: Input should be greater than or equal to 0" in said
    path.write_text("sku,counted\nA,7\n")
    assert brought_in(path, "--count", "CS-000001")[0] == 1, "a figure of somebody else's is not replaced unnoticed"
    assert figures()["A"] == 9


@pytest.mark.parametrize(
    ("content", "arguments", "code", "told"),
    [
        ("sku,counted\nA,1\n", [], 2, "name it (--count)"),
        ("sku,colour\nA,red\n", ["--count", "CS-000001"], 2, "no column for counted"),
        ("sku,counted\nA,1\n", ["--count", "CS-9"], 1, "There is no count sheet CS-9"),
        ("sku,counted\n", ["--count", "CS-000001"], 1, "nothing below it"),
        ("sku,counted\nA,1\n", ["--count", "CS-000001", "--user", "nobody"], 1, "no user nobody"),
    ],
)
def test_files_and_sheets_that_are_none(
    sheet: CountSheet, tmp_path: Path, content: str, arguments: list[str], code: int, told: str
) -> None:
    path = tmp_path / "count.csv"
    path.write_text(content)
    found, said = brought_in(path, *arguments)
    assert (found, told in said) == (code, True), said
    assert not CountEntry.objects.exists()


def test_serial_numbers_go_there_and_back(tmp_path: Path, users: Any) -> None:
    product("PHONE", tracking="serial")
    call("inventory", "count_open", {"skus": ["PHONE"], "location": location().code}, user=users[Role.MANAGER])
    path = tmp_path / "phones.csv"
    path.write_text("sheet,sku,serials\nCS-000001,PHONE,S1 S2\n")
    assert brought_in(path)[0] == 0
    (row,) = taken_out(tmp_path / "sheet.csv")
    assert (row["counted"], row["serials"]) == ("2", '["S1", "S2"]')
    assert "unchanged 1" in brought_in(tmp_path / "sheet.csv")[1]


def test_a_workbook_is_taken_out_too(sheet: CountSheet, tmp_path: Path) -> None:
    path = tmp_path / "sheet.xlsx"
    taken_out(path)
    book = load_workbook(path)
    head = [cell.value for cell in book.active[1]]
    book.active.cell(2, head.index("counted") + 1, 8)
    book.save(path)
    assert "entered 1, unchanged 0, left empty 2" in brought_in(path)[1]
    assert figures()["A"] == 8


def test_uploaded_in_the_admin(
    sheet: CountSheet, tmp_path: Path, users: Any, client: Client, settings: Any, api: Callable[[str], Any]
) -> None:
    settings.VAR_DIR = tmp_path
    client.force_login(users[Role.CLERK])
    content = filled(tmp_path / "sheet.csv", taken_out(tmp_path / "sheet.csv"), A="10", B="x").read_bytes()
    answer = client.post(reverse("import", args=["counts"]), {"file": SimpleUploadedFile("sheet.csv", content)})
    page = client.get(answer.url).content.decode()
    assert "Nothing is changed yet" in page
    assert "A at A-01-01: 10" in page
    assert figures()["A"] is None
    client.post(answer.url)
    assert figures() == {"A": 10, "B": None, "C": None}
    client.force_login(users[Role.AUDITOR])
    assert client.get(reverse("import", args=["counts"])).status_code == 403
