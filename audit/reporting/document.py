"""What a report is made of, however it is written out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Reference(NamedTuple):
    """Something that has a page of its own on the screen."""

    kind: str
    """record or finding"""
    key: str


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    refers: Sequence[Reference] = ()
    """The texts of several are their keys."""
    mark: str = ""
    """good, bad or warning: shown as a colour beside the words, which say the same"""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: int
    """relative to the other columns"""
    number: bool = False
    """aligned to the right"""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str
    """said where there are no rows"""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: Sequence[str] = ()
    charts: Sequence[str] = ()
    """SVG"""
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    shop: str
    period: str
    facts: Sequence[tuple[str, str]]
    verdict: str
    """in a word or two"""
    mark: str
    score: str
    summary: Sequence[str]
    to_do: Sequence[str]
    sections: Sequence[Section] = field(default_factory=tuple)
    foot: str = ""
