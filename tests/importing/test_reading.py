"""Files of other shops, whole and broken, as tables of text."""

import codecs
import gzip
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from shop_assistant.tables.reading import Table, TableError, open_table

GOODS = "SKU,Name,Price,Stock\nA1,Apple,1.20,5\nB2,Béarnaise,2.30,7\n"
ROWS = [["A1", "Apple", "1.20", "5"], ["B2", "Béarnaise", "2.30", "7"]]
HEADER = ["SKU", "Name", "Price", "Stock"]
CELLS: list[list[Any]] = [HEADER, ["A1", "Apple", 1.2, 5], ["B2", "Pear", 2.3, 7], ["C3", "Plum", 3, 9]]


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def made(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return made


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    def made(*sheets: list[list[Any]], merged: str = "") -> Path:
        book = Workbook()
        book.remove(book.active)
        for number, rows in enumerate(sheets, start=1):
            sheet = book.create_sheet(f"Sheet{number}")
            for row in rows:
                sheet.append(row)
            if merged:
                sheet.merge_cells(merged)
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return made


def read(path: Path, **options: Any) -> tuple[Table, list[list[Any]], dict[int, str]]:
    """The table, the cells of its rows, and problems by line."""
    with open_table(path, **options) as table:
        rows = list(table)
    return table, [row.cells for row in rows if not row.problem], {r.number: r.problem for r in rows if r.problem}


@pytest.mark.parametrize(
    "content",
    [
        GOODS,
        codecs.BOM_UTF8 + GOODS.encode(),
        GOODS.encode("utf-16"),
        GOODS.encode("utf-16-le"),
        GOODS.encode("cp1252"),
        gzip.compress(GOODS.encode(), mtime=0),
        GOODS.replace(",", ";"),
        GOODS.replace(",", "\t"),
        GOODS.replace(",", "|"),
        GOODS.replace("\n", "\r\n"),
        GOODS.replace("\n", "\r"),
        "sep=,\n" + GOODS,
        "My shop,,,\nStock of 2024-01-31,,,\n,,,\n" + GOODS,
        "My shop\n\n" + GOODS,
        GOODS.replace("Béarnaise", '"Béarnaise"').removesuffix("\n"),
        GOODS + "\n,,,\n  \n",
    ],
)
def test_the_same_table_in_many_dresses(put, content):
    table, rows, problems = read(put(content))
    assert (table.header, rows, problems) == (HEADER, ROWS, {})


def test_a_decimal_comma_does_not_pass_for_a_delimiter(put):
    table, rows, _ = read(put("SKU;Name;Price\nA1;Apple, red, big;1,20\nB2;Pear, green, big;2,30\n"))
    assert table.header == ["SKU", "Name", "Price"]
    assert rows[0] == ["A1", "Apple, red, big", "1,20"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1252", "Größe, 5 £, señor"), ("cp1252", "£"), ("cp1251", "Красная чашка"), ("cp1253", "Μικρό φλιτζάνι")],
)
def test_older_encodings_are_told_apart_and_told(put, encoding, text):
    table, rows, _ = read(put("".join(["SKU,Name\n", *(f'A{n},"{text}"\n' for n in range(20))]).encode(encoding)))
    assert rows[0] == ["A0", text]
    assert any(encoding in note for note in table.notes)


def test_rows_are_numbered_as_an_editor_numbers_lines(put):
    _, _, problems = read(put('SKU,Name\nA,"two\nlines"\nB\nC,x,y\nD,ok\n'))
    assert {number: text[:13] for number, text in problems.items()} == {4: "has 1 cells, ", 5: "has 3 cells, "}


def test_a_second_header_is_no_product(put):
    _, rows, problems = read(put(GOODS + GOODS))
    assert len(rows) == 4
    assert problems == {4: "repeats the header: were two exports joined?"}


def test_stray_quotes_stay_in_the_text(put):
    _, rows, _ = read(put('SKU,Name\nA,5" nail\nB,"6"" nail"\n'))
    assert rows == [["A", '5" nail'], ["B", '6" nail']]


OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n \n", "is empty"),
        (b",,,\n,,,\n", "nothing but empty lines"),
        (bytes(range(256)) * 20, "no text file"),
        (GOODS.replace("Apple", "App\x00le"), "Line 2 holds binary data"),
        (GOODS.encode() + "C3,Zürich Öl ß,1,1\n".encode() + "D4,Café,1,1\n".encode("cp1252"), "Line 5 is not written"),
        ('SKU,Name\nA,"one"\nB,"cut of', "ends within a quoted text that begins in line 3"),
        ("SKU,Name,Price\nA,one,1\nB,tw", r"cut off: its last line \(3\)"),
        ("SKU,Name\nA,one\nB,é".encode()[:-1], "ends in the middle of a letter"),
        (gzip.compress(GOODS.encode() * 500, mtime=0)[:-20], "compressed file is cut off"),
        (gzip.compress(GOODS.encode() + b"A,b,1,1\n" * 700_000, mtime=0), "unpack to far more"),
        (",".join(f"c{n}" for n in range(100_000)), "100,000 columns"),
        ("A1,Apple,1.20,5\nB2,Pear,2.30,7\n", "has no header: line 1 looks like data"),
        ('SKU,Name\nA,"' + "x" * 1_100_000 + '"\n', "begins in line 2 is longer"),
        ("SKU,Name\nA," + "x" * 5_100_000 + "\n", "Line 2 is longer"),
        (b"<html><table><tr><td>SKU</td></tr></table></html>", "web page"),
        (b'[{"sku": 1}]', "JSON"),
        (OLE + bytes(600), "old kind"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"PAR1" + bytes(50), "Parquet"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n", "an image"),
        (b"PK\x03\x04" + bytes(40), "cut off or damaged"),
    ],
)
def test_a_file_that_is_no_table_is_told_so(put, content, said):
    with pytest.raises(TableError, match=said):
        read(put(content))


def test_wrong_guidance_is_told(put, tmp_path):
    with pytest.raises(TableError, match="no encoding klingon"):
        read(put(GOODS), encoding="klingon")
    with pytest.raises(TableError, match="Line 3 is not written in ascii"):
        read(put(GOODS), encoding="ascii")
    with pytest.raises(TableError, match="no file"):
        read(tmp_path / "none.csv")
    with pytest.raises(TableError, match="is a folder"):
        read(tmp_path)


def test_a_workbook(workbook):
    table, rows, _ = read(workbook([], [["My shop"], [], *CELLS], [["Other", "table"], ["x", "y"]]))
    assert table.header == HEADER
    assert rows == CELLS[1:]
    assert table.notes[0].startswith("read the sheet Sheet2; others are Sheet3")
    assert read(workbook(CELLS, [["Colour"], ["red"]]), sheet="sheet2")[1] == [["red"]]
    with pytest.raises(TableError, match="no sheet Nope; the workbook has Sheet1"):
        read(workbook(CELLS), sheet="Nope")
    with pytest.raises(TableError, match="workbook is empty"):
        read(workbook([]))


def test_merged_cells(workbook):
    with pytest.raises(TableError, match="header has merged cells"):
        read(workbook([["Product", None, "Price", "Stock"], *CELLS[1:]], merged="A1:B1"))
    _, rows, problems = read(workbook(CELLS, merged="B2:B3"))
    assert [row[0] for row in rows] == ["C3"]
    assert set(problems) == {2, 3}
    assert read(workbook([["My shop", None, None, None], *CELLS], merged="A1:D1"))[1] == CELLS[1:]


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with its sheet changed."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, change(data) if name.startswith("xl/worksheets/") else data)
    return path


def test_workbooks_made_to_do_harm(workbook):
    bomb = rewritten(workbook(CELLS), lambda sheet: sheet + b" " * 50_000_000)
    assert bomb.stat().st_size < 200_000
    with pytest.raises(TableError, match="unpack to far more"):
        read(bomb)
    with pytest.raises(TableError, match="Line 3 is a second header"):
        read(workbook([CELLS[0], CELLS[1], [*reversed(CELLS[0])], CELLS[2]]))
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    with pytest.raises(TableError, match=r"damaged or not made by the book"):
        read(rewritten(workbook(CELLS), lambda sheet: laughs))
    with pytest.raises(TableError, match="more than 1,048,576 rows"):
        read(rewritten(workbook(CELLS), lambda sheet: sheet.replace(b'<row r="3"', b'<row r="99999999999"')))
    path = workbook(CELLS)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(TableError, match="cut off or damaged"):
        read(path)


def test_a_long_file_takes_little_memory(put):
    path = put("SKU,Name,Price\n" + "".join(f"A{n},Apple number {n},1.20\n" for n in range(60_000)))
    tracemalloc.start()
    try:
        with open_table(path) as table:
            count = sum(1 for _ in table)
            most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (count, table.size) == (60_000, 60_001)
    assert most < 12_000_000


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.csv"
    path.write_bytes(content)
    try:
        read(path)
    except TableError as error:
        assert str(error).endswith((".", "first line.", ")."))  # noqa: PT017  (a sentence)
