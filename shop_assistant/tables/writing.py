"""Writes tables in pieces, in constant memory: CSV, JSON lines or XLSX. Pure.

A cell is text, a number, True or False, nothing, or a JSON document. Text that a spreadsheet would take for a formula
is defused: in CSV by a leading apostrophe (OWASP, CSV Injection), in XLSX by the cell's type. Numbers stay numbers.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, Protocol

from .workbook import WorkbookWriter

Value = str | int | Decimal | bool | dict[str, Any] | list[Any] | None

BOM = b"\xef\xbb\xbf"
DELIMITERS = (",", ";", "\t", "|")
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")  # noqa: RUF001  (their full-width forms are formulas too)
_FIRST = frozenset("'=+-@\t\r\n＝＋－＠")  # noqa: RUF001


class Writer(Protocol):
    """Takes rows by the thousand; `close` writes what the file ends with, `abandon` gives up. The target stays open."""

    @property
    def cut(self) -> int:
        """Texts that the format could not hold whole; they say so themselves."""
        ...

    def write(self, rows: Sequence[Sequence[Value]]) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


class CsvWriter:
    """RFC 4180 in UTF-8: lines end with CR LF, true and false are spelled so, nothing is an empty cell."""

    cut = 0

    def __init__(self, target: BinaryIO, columns: Sequence[str], *, delimiter: str = ",", bom: bool = False) -> None:
        self._target, self._delimiter = target, delimiter
        self._special = re.compile(f'["\r\n{re.escape(delimiter)}]')
        if bom:
            target.write(BOM)
        self.write([columns])

    def write(self, rows: Sequence[Sequence[Value]]) -> None:
        lines = [self._delimiter.join([self._cell(value) for value in row]) for row in rows]
        self._target.write("".join([line + "\r\n" for line in lines]).encode())

    def close(self) -> None:
        pass

    abandon = close

    def _cell(self, value: Value) -> str:
        """Quoted where it has to be; the standard library's writer looks at long texts one character at a time."""
        if value is None:
            return ""
        text = _TEXTS[type(value)](value)
        return '"' + text.replace('"', '""') + '"' if self._special.search(text) else text


class JsonLinesWriter:
    """One JSON object a line, in UTF-8."""

    cut = 0

    def __init__(self, target: BinaryIO, columns: Sequence[str]) -> None:
        self._target, self._columns = target, tuple(columns)

    def write(self, rows: Sequence[Sequence[Value]]) -> None:
        lines = [json_text(dict(zip(self._columns, row, strict=True))) for row in rows]
        self._target.write("".join(line + "\n" for line in lines).encode())

    def close(self) -> None:
        pass

    abandon = close


class XlsxWriter:
    """A workbook with its header frozen; what one sheet can't hold goes on in the next."""

    def __init__(self, target: BinaryIO, columns: Sequence[str], *, title: str) -> None:
        self._workbook = WorkbookWriter(target, columns, title=title)

    def write(self, rows: Sequence[Sequence[Value]]) -> None:
        self._workbook.write([[_xlsx_cell(value) for value in row] for row in rows])

    @property
    def cut(self) -> int:
        return self._workbook.cut

    def close(self) -> None:
        self._workbook.close()

    def abandon(self) -> None:
        self._workbook.abandon()


def defused(text: str) -> str:
    """Text as CSV may have it; `restored` gives it back. An apostrophe before what begins like a formula, and one more
    before what looks like text defused already.
    """
    return f"'{text}" if text[:1] in _FIRST and _FORMULA.match(text) else text


def restored(text: str) -> str:
    """What was written, from a cell of a CSV file that came out of here."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text


def number_text(value: Decimal) -> str:
    """12.5 and 6, not 12.5000 and 6.000, and never an exponent."""
    return f"{value.normalize():f}" if value else "0"


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json_number)


def _json_number(value: Any) -> int | float:
    """A Decimal of up to 15 digits as the JSON number that reads back as the same Decimal."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no cell")
    return int(value) if value == value.to_integral_value() else float(value)


_TEXTS: dict[type, Callable[[Any], str]] = {
    str: defused,
    Decimal: number_text,
    bool: lambda value: "true" if value else "false",
    int: str,
    dict: json_text,
    list: json_text,
}


def _xlsx_cell(value: Value) -> str | int | bool | None:
    """Numbers as XLSX writes them, which is as text without quotes: see workbook."""
    return json_text(value) if isinstance(value, dict | list) else value  # type: ignore[return-value]
