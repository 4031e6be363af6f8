"""Figures for Prometheus, read from the database, so that every process tells the same."""

from collections.abc import Iterator

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from audit.verification import log_size

from .health import audit_lag, tasks_by_state
from .models import TaskState


class ShopCollector:
    def collect(self) -> Iterator[Metric]:
        tasks = GaugeMetricFamily("shop_tasks", "Tasks by state", labels=["state"])
        for state, count in tasks_by_state().items():
            tasks.add_metric([state], count)
        yield tasks
        failures = GaugeMetricFamily("shop_task_failures", "Failed tasks", labels=["agent", "code"])
        failed = TaskState.objects.filter(status=TaskState.Status.FAILED).order_by()
        for agent, code, count in failed.values_list("agent", "error_code").annotate(count=Count("pk")):
            failures.add_metric([agent, code], count)
        yield failures
        waiting, lag = audit_lag()
        yield GaugeMetricFamily("shop_audit_waiting", "Events waiting to be sealed", value=waiting)
        yield GaugeMetricFamily("shop_audit_lag_seconds", "Age of the oldest of them", value=lag)
        try:
            size = log_size()
        except DatabaseError:
            return  # the audit database is away, as the waiting events show; the other figures are needed then
        yield GaugeMetricFamily("shop_audit_records", "Records in the trail", value=size)


def metrics_text() -> bytes:
    registry = CollectorRegistry()
    registry.register(ShopCollector())
    return generate_latest(registry)
