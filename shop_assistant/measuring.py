"""What each process counts as it works, added up over the processes of a host by prometheus_client's own files.

Labels have few values each: names of agents, operations and routes, states and classes; never anything of a caller's.
`serve` names the folder of the files in PROMETHEUS_MULTIPROC_DIR, which the library reads when it is first imported;
without it a process counts for itself.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

registry = CollectorRegistry()
requests = Counter(
    "shop_requests", "Requests by route and class of status", ["route", "method", "status"], registry=registry
)
calls = Histogram(
    "shop_call_seconds",
    "Calls to agents, from the request's arrival at the orchestrator to its answer",
    ["agent", "operation", "status"],
    registry=registry,
    buckets=SECONDS,
)
database = Counter(
    "shop_database_seconds",
    "Time in database statements (a transaction's commit apart) by operation",
    ["agent", "operation"],
    registry=registry,
)
errors = Counter("shop_errors", "Refused and failed requests by agent and class", ["agent", "class"], registry=registry)


def clean_folder(folder: Path) -> None:
    """Begin anew: what a former start has counted is not added to."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def counted() -> CollectorRegistry:
    """What this process, or all processes of this start, have counted."""
    if not os.environ.get(FOLDER):
        return registry
    together = CollectorRegistry()
    together.register(_OurOwn(CollectorRegistry()))
    return together


class _OurOwn(MultiProcessCollector):
    """Without what libraries count for themselves."""

    def collect(self) -> Iterator[Metric]:
        return (metric for metric in super().collect() if metric.name.startswith("shop_"))


class StatementTimer:
    """Adds up the seconds that a thread's statements take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - began


@contextmanager
def timed_statements() -> Iterator[StatementTimer]:
    """Of the main database."""
    timer = StatementTimer()
    with connection.execute_wrapper(timer):
        yield timer
