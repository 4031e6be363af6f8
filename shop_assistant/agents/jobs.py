"""Work that a worker does from time to time. Apps define it in a `jobs` module with `@every(seconds)`.

A job may run in several workers at once and must bear that.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    seconds: int
    run: Callable[[], object]


_jobs: list[Job] = []


def every(seconds: int) -> Callable[[Callable[[], object]], Callable[[], object]]:
    def mark(run: Callable[[], object]) -> Callable[[], object]:
        _jobs.append(Job(f"{run.__module__}.{run.__name__}", seconds, run))
        return run

    return mark


def jobs() -> list[Job]:
    autodiscover_modules("jobs")
    return list(_jobs)
