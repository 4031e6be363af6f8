"""Erasing someone takes more than one app. What each has to do is said in its `erasing` module:

`@elsewhere` finds what else holds something of the person, `@after_restore` erases again what a backup brought back.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True, slots=True)
class Traces:
    """By what a person is known again in texts."""

    codes: frozenset[str]
    """Ids, references and parts of a name, as a whole text; in lower case."""
    words: tuple[str, ...]
    """Name, e-mail and such, within a text; in lower case."""
    digits: tuple[str, ...]
    """Ends of phone numbers, among the digits of a text."""

    def within(self, value: Any) -> bool:
        """Whether a JSON value tells of the person anywhere, its names included."""
        if isinstance(value, dict):
            return any(map(self.within, (*value, *value.values())))
        if isinstance(value, list):
            return any(map(self.within, value))
        if not isinstance(value, str):
            return False
        lower = value.strip().casefold()
        if lower in self.codes or any(word in lower for word in self.words):
            return True
        figures = "".join(filter(str.isdigit, value)) if self.digits else ""
        return any(number in figures for number in self.digits)


Finder = Callable[[Traces], Iterable[str]]
"""Of the keys of its app, those that hold something of the person."""
Restorer = Callable[[list[str]], int]

_finders: list[Finder] = []
_restorers: list[Restorer] = []


def elsewhere(find: Finder) -> Finder:
    _finders.append(find)
    return find


def after_restore(erase: Restorer) -> Restorer:
    _restorers.append(erase)
    return erase


@cache
def _discover() -> None:
    autodiscover_modules("erasing")


def subjects_elsewhere(traces: Traces) -> set[str]:
    _discover()
    return {subject for find in _finders for subject in find(traces)}


def erase_again(subjects: list[str]) -> int:
    """After a restore: erase these subjects as they had been erased; how many keys that destroyed."""
    _discover()
    return sum(erase(subjects) for erase in _restorers)


def old_pages_forget() -> None:
    """After the commit let SQLite's write-ahead log go, which may still hold pages from before. PostgreSQL keeps old
    rows until VACUUM has passed, which autovacuum does by itself.
    """
    transaction.on_commit(_checkpoint)


def _checkpoint() -> None:
    """Waits for readers of the old pages half a second at most: the next checkpoint gets what is left."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        timeout = int(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
        with connection.cursor() as cursor, suppress(OperationalError):
            cursor.execute("PRAGMA busy_timeout=500")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute(f"PRAGMA busy_timeout={timeout}")
