"""The checks that there are, and what they are made of."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True, slots=True)
class Gap:
    """Something without its record, or otherwise than recorded."""

    check: str
    what: str
    """such as `task 0199…`, `inventory.Product 12`"""
    message: str

    def __str__(self) -> str:
        return f"{self.what} {self.message}"


@dataclass(slots=True)
class Look:
    """One look at everything."""

    size: int
    """Records of the log that were sealed before the snapshot: what later ones tell of may not be in it yet."""
    rows: Counter[str] = field(default_factory=Counter)
    """How many each check has looked at."""


Check = Callable[[Look], Iterator[Gap]]
_checks: dict[str, tuple[str, Check]] = {}


def check(name: str, title: str) -> Callable[[Check], Check]:
    """Define a check. It yields gaps while it reads, in constant memory and few queries, and counts what it has read
    in `look.rows[name]`.
    """

    def define(function: Check) -> Check:
        _checks[name] = (title, function)
        return function

    return define


def checks() -> dict[str, tuple[str, Check]]:
    """name: title and function"""
    autodiscover_modules("completeness")
    return dict(sorted(_checks.items()))


K = TypeVar("K")


def entries_merged(left: Iterable[tuple[K, Any]], right: Iterable[tuple[K, Any]]) -> Iterator[tuple[K, Any, Any]]:
    """Pairs of two sources which are sorted by their keys; None where a source has no such key."""
    lefts, rights = iter(left), iter(right)
    mine, other = next(lefts, None), next(rights, None)
    while mine is not None or other is not None:
        if other is None or (mine is not None and mine[0] < other[0]):  # type: ignore[operator]
            assert mine is not None  # noqa: S101  (for the types)
            yield mine[0], mine[1], None
            mine = next(lefts, None)
        elif mine is None or other[0] < mine[0]:  # type: ignore[operator]
            yield other[0], None, other[1]
            other = next(rights, None)
        else:
            yield mine[0], mine[1], other[1]
            mine, other = next(lefts, None), next(rights, None)
