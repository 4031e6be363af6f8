"""Figures for Prometheus: what the processes counted, and what the databases say, the same in every process."""

from collections.abc import Callable, Iterator

from django.db import DatabaseError
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from audit.anchors.keeping import behind
from audit.completeness import last_run
from audit.standing import refusal
from audit.tiles import log_size
from shop_assistant import measuring

from .health import audit_lag, failures_by_code, tasks_by_state, workers_seen
from .queue import queue_depth


class ShopCollector:
    """A figure whose database or queue is away is left out; the others are needed then."""

    def collect(self) -> Iterator[Metric]:
        for figures in (_tasks, _audit, _completeness, _workers, _queue):
            yield from _available(figures)


def _available(figures: Callable[[], Iterator[Metric]]) -> Iterator[Metric]:
    try:
        yield from list(figures())
    except DatabaseError:
        return


def _tasks() -> Iterator[Metric]:
    tasks = GaugeMetricFamily("shop_tasks", "Tasks by state", labels=["state"])
    for state, count in tasks_by_state().items():
        tasks.add_metric([state], count)
    yield tasks
    failures = GaugeMetricFamily("shop_task_failures", "Failed tasks", labels=["agent", "code"])
    for agent, code, count in failures_by_code():
        failures.add_metric([agent, code], count)
    yield failures


def _audit() -> Iterator[Metric]:
    waiting, lag = audit_lag()
    yield GaugeMetricFamily("shop_audit_waiting", "Events waiting to be sealed", value=waiting)
    yield GaugeMetricFamily("shop_audit_lag_seconds", "Age of the oldest of them", value=lag)
    try:
        size = log_size()
    except DatabaseError:
        return  # the audit database is away, as the waiting events show
    yield GaugeMetricFamily(
        "shop_audit_refused", "1 while the sealer refuses to go on", value=int(refusal() is not None)
    )
    anchors = GaugeMetricFamily(
        "shop_audit_anchor_seconds", "Time that a checkpoint waits for an anchor", labels=["kind"]
    )
    for kind, seconds in behind().items():
        anchors.add_metric([kind], seconds)
    yield anchors
    yield GaugeMetricFamily("shop_audit_records", "Records in the trail", value=size)
    yield GaugeMetricFamily("shop_audit_events", "Events ever written", value=size + waiting)


def _completeness() -> Iterator[Metric]:
    last = last_run()
    if last is not None:
        yield GaugeMetricFamily("shop_audit_gaps", "Found by the last check of completeness", value=last.gaps)
        age = (timezone.now() - last.began_at).total_seconds()
        yield GaugeMetricFamily("shop_audit_gaps_seconds", "Time since that check began", value=age)


def _workers() -> Iterator[Metric]:
    count, age = workers_seen()
    yield GaugeMetricFamily("shop_workers", "Workers that told within the last minute that they are there", value=count)
    if age is not None:
        yield GaugeMetricFamily("shop_worker_seen_seconds", "Time since the last of them told so", value=age)


def _queue() -> Iterator[Metric]:
    depth = queue_depth()
    if depth is not None:
        yield GaugeMetricFamily("shop_queue_depth", "Messages that wait for a worker", value=depth)


def metrics_text() -> bytes:
    live = CollectorRegistry()
    live.register(ShopCollector())
    return generate_latest(measuring.counted()) + generate_latest(live)
