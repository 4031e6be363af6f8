"""Texts, numbers and moments as people and their programs write them. Pure.

Each function gives None (or "") for an empty cell and raises ValueError with a reason that a shop owner understands.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from .table import Cell
from .writing import restored

EMPTY = {"", "null", "#n/a", "n/a", "nan", "none", "-", "--", "\\n"}
"""What programs write for a number they don't have."""
_EMPTY_TEXT = {"NULL", "#N/A", "\\N"}
_ERRORS = {"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"}
_EXACT = 10**15
"""A spreadsheet keeps fifteen digits of a number."""
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_CUT_SHORT = re.compile(r"\d([.,]\d+)?E\+\d{1,3}", re.IGNORECASE)
_GUARDED_DIGITS = re.compile(r"['\u2019`]\s*[0-9]+")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2019": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " "})
_CURRENCY = (
    r"(?i:eur|usd|gbp|chf|sek|nok|dkk|isk|pln|czk|huf|ron|bgn|try|uah|rub|jpy|cny|inr|aud|cad|nzd|zar|brl|mxn|"
    r"us|ca|au|nz|rs|kr|fr|zł|kč|ft|lei|лв|r|p)\.?"
)
_UNIT_BEFORE, _UNIT_BEHIND = re.compile(rf"{_CURRENCY}\s*"), re.compile(rf"\s*{_CURRENCY}$")
_GROUPED = re.compile(r"\d{1,3}(?:[ ']\d{3})+(?![\d '])")
_BODY = re.compile(r"[\d.,]+")
_THOUSANDS = {",": re.compile(r"[1-9]\d{0,2}(,\d{2,3})*,\d{3}"), ".": re.compile(r"[1-9]\d{0,2}(\.\d{3})+")}


def text_of(cell: Cell) -> str:
    """A text on one line, without what can't be seen, or a spreadsheet's apostrophe before a number or formula.

    :raises ValueError: for a long number that a spreadsheet program has cut short, or a formula's error.
    """
    if isinstance(cell, str):
        if cell.isascii() and cell.isalnum() and not _CUT_SHORT.fullmatch(cell):
            return "" if cell in _EMPTY_TEXT else cell
        return _neat(cell)
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if (cell.hour, cell.minute, cell.second) == (0, 0, 0) else cell.isoformat(" ")
    return _number_text(cell)


def code_of(cell: Cell) -> str:
    """A SKU, barcode or number of an order: as `text_of`, and an apostrophe in front is never part of it.

    :raises ValueError: also for what a spreadsheet program has turned into a date.
    """
    if isinstance(cell, datetime):
        raise ValueError(
            f"{cell:%Y-%m-%d} is a date: a spreadsheet program made one of the code; format the column as text"
        )
    return text_of(cell).lstrip("'\u2019`").strip()


def decimal_of(cell: Cell, *, comma: bool | None = None) -> Decimal | None:
    """A number: 1.234,56 or 1,234.56 or 1 234,56, with £ € $ or EUR, a minus before or behind it, or in parentheses.

    :param comma: the column's decimal mark is a comma (see `comma_of`); None: nothing in the column tells, so that a
        number with one mark before three digits is read as English writes it.
    :raises ValueError: for anything else.
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        return _parsed(cell, comma)
    if isinstance(cell, datetime):
        raise ValueError(f"{cell:%Y-%m-%d} is a date, not a number: format the column as numbers")
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise ValueError("is no number")
        return Decimal(f"{cell:.15g}")
    return Decimal(cell)


def comma_of(samples: Iterable[Cell]) -> bool | None:
    """Whether a column's decimal mark is a comma, by its cells that leave no doubt; None when there is none."""
    votes: Counter[bool] = Counter()
    for cell in samples:
        if isinstance(cell, str) and (body := _body(cell)) is not None and (vote := _vote(body[1])) is not None:
            votes[vote] += 1
    return votes[True] > votes[False] if votes else None


def _neat(text: str) -> str:
    text = restored(text.strip(" "))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = " ".join(
        "".join(c if c.isspace() or unicodedata.category(c) not in _INVISIBLE else "" for c in text).split()
    )
    if _GUARDED_DIGITS.fullmatch(text):
        text = text[1:].strip()
    if _CUT_SHORT.fullmatch(text):
        raise ValueError(
            f"{text} is a long number that a spreadsheet program has cut short: format the column as text and enter "
            "the whole number again"
        )
    if text in _ERRORS:
        raise ValueError(f"{text} is what a spreadsheet shows for a formula that fails: mend the formula there")
    return "" if text in _EMPTY_TEXT else text


def _number_text(cell: int | float | Decimal) -> str:
    if isinstance(cell, float) and not math.isfinite(cell):
        raise ValueError("is no number")
    if not -_EXACT < cell < _EXACT:
        raise ValueError(f"{cell} has more digits than a spreadsheet keeps of a number: format the column as text")
    return str(int(cell)) if cell == int(cell) else str(cell)


def _parsed(cell: str, comma: bool | None) -> Decimal | None:
    if cell.isascii() and cell.isdigit() and len(cell) <= 20:
        return Decimal(cell)
    shown = " ".join(cell.split())[:40]
    if shown.lower() in EMPTY:
        return None
    found = _body(cell)
    if found is None:
        raise ValueError(f"{shown!r} is no number")
    negative, body = found
    mark = "," if comma else "."
    if comma is None and _vote(body):
        mark = ","
    other = "." if mark == "," else ","
    whole, _, part = body.partition(mark)
    if mark in part or other in part or (other in whole and not _THOUSANDS[other].fullmatch(whole)):
        raise ValueError(
            f"{shown!r} can't be read: decimals in this column come after a {'comma' if mark == ',' else 'point'}"
        )
    number = Decimal(f"{whole.replace(other, '') or '0'}.{part or '0'}" if mark in body else whole.replace(other, ""))
    return -number if negative else number


def _body(cell: str) -> tuple[bool, str] | None:
    """Whether it is negative, and its digits and marks; None when it is no number."""
    text = cell.strip()
    if len(text) > 40:
        return None
    text = "".join(c for c in text.translate(_SIGNS) if unicodedata.category(c) not in ("Sc", "Cf")).strip().lstrip("'")
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1].strip()
    text = _without_unit(text)
    if text.endswith("-"):
        negative, text = True, text[:-1].strip()
    if text.startswith(("-", "+")):
        negative, text = negative != (text[0] == "-"), text[1:].strip()
        text = _without_unit(text)
    if grouped := _GROUPED.match(text):
        text = grouped.group().replace(" ", "").replace("'", "") + text[grouped.end() :]
    if not text.isascii() or not _BODY.fullmatch(text) or not any(map(str.isdigit, text)):
        return None
    return negative, text


def _without_unit(text: str) -> str:
    """Without EUR, kr. or the like before or behind it."""
    if text[:1].isalpha() and (unit := _UNIT_BEFORE.match(text)):
        text = text[unit.end() :]
    if text[-1:].isalpha() or text[-2:-1].isalpha():
        text = _UNIT_BEHIND.sub("", text)
    return text.strip()


def _vote(body: str) -> bool | None:
    """Whether these digits can only be read with a decimal comma (True) or point (False); None where both fit."""
    commas, points = body.count(","), body.count(".")
    if commas and points:
        return body.rindex(",") > body.rindex(".")
    if commas + points == 0:
        return None
    mark = "," if commas else "."
    if commas + points > 1:
        return mark == "."
    whole, _, part = body.partition(mark)
    if len(part) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0"):
        return None
    return mark == ","
