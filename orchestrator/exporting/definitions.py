"""What an export is made of: a dataset of columns, read from one or more queries. Each column is defined once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.db.models import QuerySet


class Kind(Enum):
    """How a column's values leave the database."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "true or false"
    TIME = "time"
    """ISO 8601 in UTC, to the millisecond, with Z"""
    ID = "id"
    HEX = "hex"
    DOCUMENT = "document"
    """JSON"""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    about: str
    kind: Kind = Kind.TEXT
    place: Callable[[Mapping[str, Any]], str] | None = None
    """Of a personal column, from the row: where its ciphertext is at home. It is left out unless asked for."""

    @property
    def personal(self) -> bool:
        return self.place is not None


Condition = str | Callable[[QuerySet[Any], Any], QuerySet[Any]]
"""A path that must equal the filter's value (for `time`: lie within), or a function that narrows the rows."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One query. A dataset's parts follow each other in the file."""

    rows: Callable[[], QuerySet[Any]]
    """In a fixed order."""
    sources: Mapping[str, Any]
    """A path or expression by column; a column that is not here is empty in this part."""
    conditions: Mapping[str, Condition]
    """By filter. The first part has them all; a filter that is not here leaves nothing of this part."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    name: str
    about: str
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    permissions: tuple[str, ...]
    """All of them are needed."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a filter's value may be, where that is a short list."""
    database: str = "default"
    prepare: Callable[[], Any] | None = None
    """Done before reading, outside its transaction."""

    @property
    def filters(self) -> tuple[str, ...]:
        return tuple(self.parts[0].conditions)

    @property
    def has_personal(self) -> bool:
        return any(column.personal for column in self.columns)

    def shown(self, *, personal: bool) -> Iterator[Column]:
        return (column for column in self.columns if personal or not column.personal)
