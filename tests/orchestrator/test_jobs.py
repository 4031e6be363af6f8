"""What a worker does from time to time: every job runs, and what it is for happens."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django_tasks_db.models import DBTaskResult

from audit.models import AuditRecord, Outbox
from orchestrator.models import IdempotencyKey
from orchestrator.services import perform_queued
from shop_assistant.accounts.models import LoginSession
from shop_assistant.agents.jobs import Job, jobs
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

JOBS = {job.name: job for job in jobs()}


def test_there_is_a_job_for_everything_that_waits() -> None:
    assert {
        "orchestrator.jobs.sweep_tasks",
        "orchestrator.jobs.prune",
        "shop_assistant.accounts.jobs.prune",
        "audit.jobs.seal_events",
        "audit.jobs.tell_denials",
        "pricing.jobs.apply_prices",
        "inventory.jobs.forecast_daily",
    } <= set(JOBS)
    assert JOBS["orchestrator.jobs.sweep_tasks"].seconds <= 30, "a dead process's task is found within 60 s"


@pytest.mark.parametrize("job", JOBS.values(), ids=list(JOBS))
def test_every_job_runs_twice(job: Job) -> None:
    job.run()
    job.run()


def test_what_is_over_is_forgotten_and_what_happened_is_not(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    accepted = owner.post(
        "/api/inventory/update", {"sku": "SKU001", "delta": 1}, Prefer="respond-async", Idempotency_Key="k"
    )
    perform_queued(accepted["X-Task-ID"])
    JOBS["audit.jobs.seal_events"].run()
    events, records = Outbox.objects.count(), AuditRecord.objects.count()
    assert events == records
    with time_machine.travel(datetime.now(UTC) + timedelta(days=40)):
        for job in JOBS.values():
            job.run()
    assert not IdempotencyKey.objects.exists()
    assert not LoginSession.objects.exists()
    assert not DBTaskResult.objects.exclude(status="READY").exists()
    assert Outbox.objects.count() >= events
    assert AuditRecord.objects.count() >= records
