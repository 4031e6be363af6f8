"""The writers: whatever is written can be read again, and no spreadsheet takes a text for a formula."""

import csv
import io
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from shop_assistant.tables import workbook
from shop_assistant.tables.reading import open_table
from shop_assistant.tables.workbook import unescaped
from shop_assistant.tables.writing import (
    BOM,
    CsvWriter,
    JsonLinesWriter,
    Value,
    XlsxWriter,
    defused,
    number_text,
    restored,
)

COLUMNS = ["first", "second"]
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001

texts = st.text(max_size=30) | st.text(alphabet="'=+-@\t\r\n\"',;x1_\x01\x1f\ufffe", max_size=12)
decimals = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False)
numbers = decimals | st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)


def csv_of(rows: Sequence[Sequence[Value]], **options: Any) -> bytes:
    target = io.BytesIO()
    writer = CsvWriter(target, COLUMNS, **options)
    writer.write(rows)
    writer.close()
    return target.getvalue()


def csv_read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def jsonl_of(rows: Sequence[Sequence[Value]]) -> list[dict[str, Any]]:
    target = io.BytesIO()
    JsonLinesWriter(target, COLUMNS).write(rows)
    return [json.loads(line, parse_float=Decimal) for line in target.getvalue().split(b"\n")[:-1]]


def xlsx_of(rows: Sequence[Sequence[Value]]) -> io.BytesIO:
    target = io.BytesIO()
    writer = XlsxWriter(target, COLUMNS, title="rows & more")
    writer.write(rows)
    writer.close()
    return target


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_any_text_survives_csv(rows: list[tuple[str, str]]):
    header, *read = csv_read(csv_of(rows))
    assert header == COLUMNS
    assert [[restored(cell) for cell in row] for row in read] == [list(row) for row in rows]


@given(texts)
def test_no_text_begins_like_a_formula_in_csv(text: str):
    (_, (cell, _)) = csv_read(csv_of([[text, None]]))
    assert not cell.startswith(FORMULAS)
    assert cell in (text, f"'{text}")


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_any_text_survives_json_lines(rows: list[tuple[str, str]]):
    assert [tuple(line.values()) for line in jsonl_of(rows)] == rows


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_any_text_survives_xlsx_and_none_is_a_formula(rows: list[tuple[str, str]]):
    for given_row, row in zip(rows, list(load_workbook(xlsx_of(rows)).worksheets[0].iter_rows())[1:], strict=True):
        for text, cell in zip(given_row, row, strict=True):
            assert unescaped(str(cell.value or "")) == text
            assert cell.data_type == ("s" if text else "n")


@given(st.lists(st.tuples(numbers, numbers), max_size=5))
def test_numbers_stay_numbers(rows: list[tuple[Any, Any]]):
    """Negative ones, too: no apostrophe, no exponent, no idle zeros."""
    written = csv_read(csv_of(rows))[1:]
    assert [[Decimal(cell) for cell in row] for row in written] == [list(row) for row in rows]
    for cell in (cell for row in written for cell in row):
        assert set(cell) <= set("-0123456789.")
        assert not ("." in cell and cell.endswith(("0", ".")))
    assert [tuple(line.values()) for line in jsonl_of(rows)] == rows
    sheet = load_workbook(xlsx_of(rows)).worksheets[0]
    for given_row, row in zip(rows, list(sheet.iter_rows())[1:], strict=True):
        assert [cell.data_type for cell in row] == ["n", "n"]
        assert [Decimal(str(cell.value)) for cell in row] == list(given_row)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-5 °C", "'-5 °C"),
        ("＝1", "'＝1"),  # noqa: RUF001
        ("'=1", "''=1"),
        ("'s Hertogenbosch", "'s Hertogenbosch"),
        ("5-2", "5-2"),
        ("", ""),
    ],
)
def test_what_is_defused_and_how_it_is_restored(text: str, cell: str):
    assert defused(text) == cell
    assert restored(cell) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("12.5000", "12.5"), ("6.000", "6"), ("0.0000", "0"), ("-0.00", "0"), ("1200", "1200"), ("-0.0001", "-0.0001")],
)
def test_numbers_are_plain(value: str, text: str):
    assert number_text(Decimal(value)) == text


def test_csv_for_excel_and_for_countries_with_decimal_commas():
    content = csv_of([["Käse; alt", Decimal("-2.5")]], delimiter=";", bom=True)
    assert content.startswith(BOM)
    assert csv_read(content, ";") == [COLUMNS, ["Käse; alt", "-2.5"]]


def test_other_values():
    row: list[Value] = [True, {"b": [1, Decimal("2.50")], "a": None}]
    assert csv_read(csv_of([row, [None, False]]))[1:] == [["true", '{"b":[1,2.5],"a":null}'], ["", "false"]]
    assert jsonl_of([row, [None, False]])[0] == {"first": True, "second": {"b": [1, Decimal("2.5")], "a": None}}
    cells = list(load_workbook(xlsx_of([row, [None, False]])).worksheets[0].iter_rows(values_only=True))[1:]
    assert cells == [(True, '{"b":[1,2.5],"a":null}'), (None, False)]


def test_what_one_sheet_cannot_hold_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    sheets = load_workbook(xlsx_of([[number, None] for number in range(8)])).worksheets
    assert [sheet.title for sheet in sheets] == ["rows & more", "rows & more 2", "rows & more 3"]
    assert [[row[0] for row in sheet.values] for sheet in sheets] == [
        ["first", 0, 1, 2], ["first", 3, 4, 5], ["first", 6, 7],
    ]  # fmt: skip


def test_a_text_longer_than_a_cell_says_that_it_was_cut():
    sheet = load_workbook(xlsx_of([["x" * 32_767, None], ["x" * 1_000_000, "y"]])).worksheets[0]
    assert sheet["A2"].value == "x" * 32_767
    assert sheet["A3"].value.startswith("x" * 32_000)
    assert sheet["A3"].value.endswith("[cut here, of 1,000,000 characters: CSV and JSON lines hold them all]")
    assert len(sheet["A3"].value) < 32_767
    assert sheet["B3"].value == "y"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_our_own_files_can_be_imported(kind: str, tmp_path):
    rows: list[list[Value]] = [["Käse, alt", Decimal("2.50")], ["Brot", -3]]
    file = tmp_path / f"rows.{kind}"
    file.write_bytes(csv_of(rows) if kind == "csv" else xlsx_of(rows).getvalue())
    with open_table(file) as table:
        assert table.header == COLUMNS
        assert [[str(cell) for cell in row.cells] for row in table] == [["Käse, alt", "2.5"], ["Brot", "-3"]]
