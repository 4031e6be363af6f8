"""Numbers, texts and moments as people write them."""

import contextlib
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_assistant.tables.headers import MappingError, guess, parsed
from shop_assistant.tables.moments import date_order_of, moment_of
from shop_assistant.tables.reading import Row
from shop_assistant.tables.rejects import Rejects, formula_safe, rejects_path
from shop_assistant.tables.table import TableError
from shop_assistant.tables.values import code_of, comma_of, decimal_of, text_of

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("written", "comma", "number"),
    [
        ("1.234,56", None, "1234.56"),
        ("1,234.56", None, "1234.56"),
        ("1 234,56", None, "1234.56"),
        ("1\u202f234,56 €", None, "1234.56"),
        ("1'234.50", None, "1234.50"),
        ("£9.99", None, "9.99"),
        ("9,99 EUR", None, "9.99"),
        ("5 kr.", None, "5"),
        ("-£5", None, "-5"),
        ("5.00-", None, "-5.00"),
        ("(5.00)", None, "-5.00"),
        ("\u22125", None, "-5"),
        (".5", None, "0.5"),
        ("1,234", None, "1234"),
        ("1,234", True, "1.234"),
        ("1.234", None, "1.234"),
        ("1.234", True, "1234"),
        ("0,250", None, "0.250"),
        ("1,23,456.00", None, "123456.00"),
        (9.99, None, "9.99"),
        (0.1 + 0.2, None, "0.3"),
        (7, None, "7"),
    ],
)
def test_numbers(written, comma, number):
    assert decimal_of(written, comma=comma) == Decimal(number)


@pytest.mark.parametrize("empty", [None, "", "  ", "NULL", "n/a", "-"])
def test_nothing_is_no_number(empty):
    assert decimal_of(empty) is None


@pytest.mark.parametrize(
    ("written", "comma"),
    [
        ("abc", None), ("186 g", None), ("12 %", None), ("1e5", None), ("--5", None), ("1.2.3", None), ("1,50", False),
        ("1.50", True), ("0.250", True), ("1,,2", None), ("9" * 50, None), (float("inf"), None),
        (datetime(2024, 1, 1), None),
    ],
)  # fmt: skip
def test_what_is_no_number(written, comma):
    with pytest.raises(ValueError, match=r"number|decimals|date"):
        decimal_of(written, comma=comma)


def test_the_decimal_mark_is_the_columns():
    assert comma_of(["1,234", "2,50"]) is True
    assert comma_of(["1,234", "2.50"]) is False
    assert comma_of(["1.234.567", "1,234"]) is True
    assert comma_of(["1,234", "5", "", None, 3.5, "abc"]) is None


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_any_amount_in_either_spelling(amount):
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert decimal_of(english, comma=False) == decimal_of(german, comma=True) == amount


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_refused(text):
    try:
        number = decimal_of(text)
    except ValueError:
        return
    assert number is None or number.is_finite()


def test_texts():
    assert text_of(" A\u00a0 B\u200b\x07\n C ") == "A B C"
    assert text_of("'0123") == text_of("0123") == "0123"
    assert text_of("'90s poster") == "'90s poster"
    assert text_of("'=cmd()") == text_of("=cmd()") == "=cmd()"
    assert text_of(12345.0) == "12345"
    assert text_of(5012345678900) == "5012345678900"
    assert code_of("'AB-1") == "AB-1"
    for wrong in ("5.01E+12", "5,01e+12", 1e16):
        with pytest.raises(ValueError, match="format the column as text"):
            text_of(wrong)
    with pytest.raises(ValueError, match="a formula that fails"):
        code_of("#REF!")
    with pytest.raises(ValueError, match="is a date"):
        code_of(datetime(2024, 2, 1))


@pytest.mark.parametrize(
    ("written", "order", "moment"),
    [
        ("2009-12-01 07:45", "dmy", datetime(2009, 12, 1, 7, 45, tzinfo=LONDON)),
        ("01/12/2009 07:45", "dmy", datetime(2009, 12, 1, 7, 45, tzinfo=LONDON)),
        ("01/12/2009 07:45", "mdy", datetime(2009, 1, 12, 7, 45, tzinfo=LONDON)),
        ("1.12.09", "dmy", datetime(2009, 12, 1, tzinfo=LONDON)),
        ("12/31/2024 12:05 AM", "mdy", datetime(2024, 12, 31, 0, 5, tzinfo=LONDON)),
        ("2024-07-15T14:30:00Z", "dmy", datetime(2024, 7, 15, 14, 30, tzinfo=UTC)),
        ("2024-07-15 14:30:12 +0200", "dmy", datetime(2024, 7, 15, 12, 30, 12, tzinfo=UTC)),
        ("Mon, 15 Jan 2024 10:00", "dmy", datetime(2024, 1, 15, 10, tzinfo=LONDON)),
        ("Jan 15, 2024 2:30 PM", "dmy", datetime(2024, 1, 15, 14, 30, tzinfo=LONDON)),
        ("20240115", "mdy", datetime(2024, 1, 15, tzinfo=LONDON)),
        (40148.25, "dmy", datetime(2009, 12, 1, 6, tzinfo=LONDON)),
        ("40148.25", "dmy", datetime(2009, 12, 1, 6, tzinfo=LONDON)),
        (datetime(2009, 12, 1, 6), "dmy", datetime(2009, 12, 1, 6, tzinfo=LONDON)),
    ],
)
def test_moments(written, order, moment):
    assert moment_of(written, order=order, zone=LONDON) == moment


@pytest.mark.parametrize(
    "wrong", ["31/02/2024", "13/13/2024", "12/31/2024", "0024-01-01", "soon", "2024-01-01 25:00", 5]
)
def test_what_is_no_moment(wrong):
    with pytest.raises(ValueError, match=r"is no date|does not exist|in the year"):
        moment_of(wrong, order="dmy", zone=LONDON)


def test_the_order_of_dates_is_the_columns():
    assert date_order_of([(2, "01/02/2024"), (3, "13/02/2024")]) == ("dmy", True)
    assert date_order_of([(2, "01/02/2024"), (3, "02/13/2024")]) == ("mdy", True)
    assert date_order_of([(2, "01/02/2024"), (3, "2024-01-01"), (4, None)]) == ("dmy", False)
    assert date_order_of([(2, "2024-01-01")]) == ("dmy", True)
    with pytest.raises(ValueError, match=r"line 4 \(13/01/2024\), month first in line 2 \(01/13/2024\)"):
        date_order_of([(2, "01/13/2024"), (3, "01/02/2024"), (4, "13/01/2024")])


ALIASES = {"sku": ("Item code", "Code"), "name": ("Title",), "price": ()}


def test_columns_are_guessed_or_told():
    found = guess(["code", "ITEM_CODE", "Títle", "Préis", "Price"], ALIASES)
    assert found.places == {"sku": 1, "name": 2, "price": 4}
    assert found.notes == ["took the column ITEM_CODE for sku, not code (--map sku=… for another)"]
    assert guess(["Code", "Title"], ALIASES, parsed(["name=code", "sku="])).places == {"name": 0}
    with pytest.raises(MappingError, match="no field colour; the fields are sku, name, price"):
        guess(["Code"], ALIASES, {"colour": "Code"})
    with pytest.raises(MappingError, match="no column Nope; the file has Code"):
        guess(["Code"], ALIASES, {"sku": "Nope"})
    with pytest.raises(MappingError, match="wants field=Header"):
        parsed(["sku"])


def test_rejects_come_and_go(tmp_path):
    path = rejects_path(tmp_path / "list.csv")
    with Rejects(path, ["SKU", "Name"]) as rejects:
        rejects.add(Row(7, ["A", '=cmd("x")', -5]), "has no price")
    assert path.read_text("utf-8-sig") == 'line,reason,SKU,Name\n7,has no price,A,"\'=cmd(""x"")",-5\n'
    with contextlib.suppress(InterruptedError), Rejects(path, ["SKU"]) as rejects:
        rejects.add(Row(1, []), "never written")
        raise InterruptedError
    assert "has no price" in path.read_text()
    with Rejects(path, ["SKU"]):
        pass
    assert list(tmp_path.iterdir()) == []
    nowhere = Rejects(tmp_path / "none" / "x.csv", ["SKU"])  # where there is nothing to write any folder will do
    with pytest.raises(TableError, match="name another place"), nowhere:
        nowhere.add(Row(1, ["A"]), "has no price")


@given(st.text(max_size=20))
def test_no_text_is_a_formula_and_it_comes_back(text):
    safe = formula_safe(text)
    assert not safe.startswith(("=", "@", "\t", "\r")) or safe == ""
    assert text_of(safe) == text_of(text)


@pytest.mark.parametrize("there", ["folder", "fifo", "letter", "rejects", "empty"])
def test_only_a_file_of_rejects_is_replaced_or_removed(there: str, tmp_path: Path) -> None:
    path = tmp_path / "aside.csv"
    make = {
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "letter": lambda: path.write_text("Dear customer"),
        "rejects": lambda: path.write_text("line,reason,sku\n", encoding="utf-8-sig"),
        "empty": path.touch,
    }
    make[there]()
    if there in ("rejects", "empty"):
        with Rejects(path, ["sku"]):
            pass
        assert not path.exists()
        return
    with pytest.raises(TableError, match="is no file of rejected rows"):
        Rejects(path, ["sku"])
    assert path.exists()
