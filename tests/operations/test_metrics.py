"""/metrics: what every process counted, and nothing of anybody's."""

import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.health import worker_beat, workers_seen
from orchestrator.models import Worker
from tests.conftest import PASSWORD, Api
from tests.processes import Program

from .conftest import free_port

CANARY = "Zebediah"


def figures(text: str) -> dict[str, float]:
    """`name{label="value"}` → value, labels sorted."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        f"{s.name}{{{','.join(f'{name}={value}' for name, value in sorted(s.labels.items()))}}}": s.value
        for s in samples
    }


def read(api: Callable[[str | None], Api]) -> dict[str, float]:
    return figures(api(None).get("/metrics").content.decode())


@pytest.mark.django_db
def test_calls_are_timed_and_errors_counted_by_class(api: Callable[[str | None], Api], shop: None) -> None:
    owner, before = api("owner"), read(api)

    def grown(name: str) -> float:
        return read(api).get(name, 0) - before.get(name, 0)

    owner.post("/api/inventory/query", {"sku": "SKU001"})
    owner.post("/api/inventory/query", {"sku": CANARY})
    owner.post("/api/inventory/query", {"sku": 1})
    owner.post("/api/inventory/update", {"sku": "SKU001", "delta": -10_000})
    owner.post("/api/inventory/update", {"sku": "SKU001", "delta": 1}, Prefer="respond-async")
    owner.post(f"/api/{CANARY}")
    api("auditor").post("/api/inventory/update", {"sku": "SKU001", "delta": 1})
    api(None).post("/api/inventory/query", {"sku": "SKU001"})
    assert grown("shop_call_seconds_count{agent=inventory,operation=query,status=success}") == 1
    assert grown("shop_call_seconds_bucket{agent=inventory,le=10.0,operation=query,status=success}") == 1
    assert grown("shop_call_seconds_count{agent=inventory,operation=query,status=DATA_NOT_FOUND}") == 1
    assert grown("shop_call_seconds_count{agent=inventory,operation=update,status=accepted}") == 1
    assert grown("shop_errors_total{agent=inventory,class=semantic}") == 2
    assert grown("shop_errors_total{agent=inventory,class=conflict}") == 1
    assert grown("shop_errors_total{agent=inventory,class=access}") == 1
    assert grown("shop_errors_total{agent=orchestrator,class=access}") == 1
    assert grown("shop_database_seconds_total{agent=inventory,operation=query}") > 0
    assert grown("shop_requests_total{method=POST,route=api/inventory/query,status=4xx}") == 3
    assert grown("shop_queue_depth{}") == 1
    assert read(api)["shop_tasks{state=pending}"] == 1
    assert read(api)["shop_audit_events{}"] > 0
    assert not [name for name in read(api) if CANARY in name or "USER-" in name or "SKU" in name]


@pytest.mark.django_db
def test_workers_tell_that_they_are_there(api: Callable[[str | None], Api]) -> None:
    assert workers_seen() == (0, None)
    assert "shop_worker_seen_seconds{}" not in read(api)
    for name in ("till:1", "till:2", "till:1"):
        worker_beat(name, started_at=Worker._meta.get_field("started_at").get_default())
    assert read(api)["shop_workers{}"] == 2
    assert read(api)["shop_worker_seen_seconds{}"] < 60


@pytest.mark.django_db(transaction=True)
def test_two_processes_of_the_server_tell_one_sum(users: Any, tmp_path: Path) -> None:
    port = free_port()
    arguments = ("manage.py", "serve", "--no-demo", "--no-worker", "--web-workers", "2")
    with Program(*arguments, API_PORT=str(port), VAR_DIR=str(tmp_path)) as server:
        server.wait_until(lambda: _answers(port))

        def get(path: str) -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                text: str = answer.read().decode()
            return text

        for _ in range(30):
            get("/health/live")
        seen = {
            figures(get("/metrics"))["shop_requests_total{method=GET,route=health/live,status=2xx}"] for _ in range(8)
        }
        assert seen == {30}
        body = json.dumps({"username": "owner", "password": PASSWORD}).encode()
        login = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/auth/token", data=body, headers={"Content-Type": "application/json"}
        )
        assert urllib.request.urlopen(login, timeout=20).status == 200
        text = get("/metrics")
        assert PASSWORD not in text
        assert not re.search(r"^rq_", text, re.MULTILINE)
        server.stop()
    assert list((tmp_path / "metrics").glob("counter_*.db"))


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
