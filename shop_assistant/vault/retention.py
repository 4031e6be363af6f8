"""What is kept for how long. Apps define the kinds in a `retention` module; the shop sets the days.

Nothing of a ledger or of the trail is ever removed: keys are destroyed, and rows that only serve the moment deleted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db import router
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from .models import RetentionPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`due` counts what is older than a moment, `apply` lets it go and says how much that was."""

    name: str
    about: str
    days: int
    at_least: int = 0
    due: Callable[[datetime], int]
    apply: Callable[[datetime], int]


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """:raises TypeError: when there is one of that name."""
    for kind in kinds:
        if kind.name in _kinds:
            raise TypeError(f"A kind of data {kind.name!r} has its retention already")
        _kinds[kind.name] = kind


@cache
def _discover() -> None:
    autodiscover_modules("retention")


def kinds() -> dict[str, Kind]:
    _discover()
    return _kinds


def periods() -> Iterator[tuple[Kind, RetentionPeriod, datetime]]:
    """Each kind that the shop lets go of, its period, and the moment before which it has to go."""
    now, defined = timezone.now(), kinds()
    for period in RetentionPeriod.objects.filter(active=True).order_by("kind"):
        if kind := defined.get(period.kind):
            yield kind, period, now - timedelta(days=period.days)


def periods_sync(using: str, **kwargs: object) -> None:
    """After migrate: every defined kind has its row; what the shop has set stays set."""
    if router.allow_migrate(using, "vault", model_name="retentionperiod"):
        known = set(RetentionPeriod.objects.values_list("kind", flat=True))
        RetentionPeriod.objects.define_all(
            RetentionPeriod(kind=kind.name, about=kind.about, days=kind.days, at_least=kind.at_least)
            for kind in kinds().values()
            if kind.name not in known
        )
