"""Every address of the API: who gets in without a token, and how the others are told to log in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from audit.models import Outbox
from orchestrator.models import TaskState
from tests.cases import ROUTES
from tests.conftest import Api

OPEN = {"health/live", "health/ready", "metrics", "openapi.json", "docs"}
LOGIN = {"api/auth/token", "api/auth/refresh", "api/auth/logout"}


def _addresses(patterns: Any, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if not str(pattern.pattern).startswith("admin"):
                yield from _addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and not (prefix + str(pattern.pattern)).startswith("admin"):
            found = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
            yield found.replace("<str:task_id>", "01a20295-59fc-75f0-bd43-3d08c397a350").replace("<int:seq>", "1")


ADDRESSES = sorted(set(_addresses(get_resolver().url_patterns)) - {""})
CLOSED = [address for address in ADDRESSES if address not in OPEN | LOGIN]


def test_the_url_map_has_exactly_the_contracts_routes() -> None:
    closed = {route.removeprefix("/") for route in ROUTES.values()}
    closed |= {"api/ai/query", "api/ai/task/01a20295-59fc-75f0-bd43-3d08c397a350", "api/ai/audit"}
    closed |= {"api/audit/records/1/proof", "api/audit/checkpoints", "api/audit/consistency"}
    assert set(CLOSED) == closed
    assert set(ADDRESSES) == closed | OPEN | LOGIN


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.django_db
def test_without_a_token_everything_else_is_a_401(address: str, api: Callable[[str | None], Api]) -> None:
    for answer in (api(None).post(f"/{address}"), api(None).get(f"/{address}")):
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        body = answer.json()
        assert set(body) == {"success", "task_id", "error", "timestamp"}
        assert (body["success"], body["task_id"]) == (False, None)
        assert body["error"]["code"] == "NOT_AUTHENTICATED"
        assert "/api/auth/token" in body["error"]["message"]


@pytest.mark.parametrize("address", sorted(OPEN))
@pytest.mark.django_db
def test_what_is_open_answers_anybody(address: str, api: Callable[[str | None], Api]) -> None:
    assert api(None).get(f"/{address}").status_code == 200


@pytest.mark.parametrize("address", sorted(LOGIN))
@pytest.mark.django_db
def test_logging_in_needs_no_token(address: str, api: Callable[[str | None], Api]) -> None:
    answer = api(None).post(f"/{address}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.django_db
def test_no_address_has_a_trailing_slash(address: str, api: Callable[[str | None], Api]) -> None:
    answer = api("owner").post(f"/{address}/")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "DATA_NOT_FOUND"


@pytest.mark.django_db
def test_docs_need_no_network(api: Callable[[str | None], Api]) -> None:
    page = api(None).get("/docs").content.decode()
    assert "swagger" in page.lower()
    assert "https://" not in page
    assert "//cdn" not in page


@pytest.mark.django_db
def test_the_description_offers_to_authorize(api: Callable[[str | None], Api]) -> None:
    description = api(None).get("/openapi.json").json()
    assert description["openapi"] == "3.1.1"
    assert description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_liveness_touches_no_database(client: Any) -> None:
    """pytest-django refuses every query of a test without a database."""
    assert client.get("/health/live").json() == {"status": "success", "data": {"status": "ok", "checks": {}}}


@pytest.mark.django_db
def test_readiness_looks_at_databases_migrations_and_the_trail(client: Any) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["status"] == "ok"
    assert data["checks"]["default"] == "ok"
    assert {"audit_waiting", "audit_lag_seconds"} <= set(data["checks"])


@pytest.mark.django_db
def test_metrics_tell_figures_and_nobodys_data(api: Callable[[str | None], Api], shop: None) -> None:
    owner = api("owner")
    owner.post("/api/customer/profile", {"email": "john@example.com"})
    owner.post("/api/inventory/query", {"sku": "SKU999"})
    answer = api(None).get("/metrics")
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert 'shop_tasks{state="completed"} 1.0' in text
    assert 'shop_task_failures{agent="inventory",code="DATA_NOT_FOUND"} 1.0' in text
    assert "john" not in text
    assert "USER-OWNER" not in text


@pytest.mark.django_db
def test_reading_a_task_or_the_trail_is_recorded_and_makes_no_task(api: Callable[[str], Api], shop: None) -> None:
    owner = api("owner")
    task_id = owner.post("/api/inventory/query", {"sku": "SKU001"})["X-Task-ID"]
    owner.get(f"/api/ai/task/{task_id}")
    owner.get("/api/ai/audit", {"event": "TASK_COMPLETED"})
    assert TaskState.objects.count() == 1
    task, trail = Outbox.objects.filter(event__startswith="ACCESS_").order_by("id")
    assert (task.event, task.user_id, str(task.task_id)) == ("ACCESS_TASK", "USER-OWNER", task_id)
    assert (trail.event, trail.user_id) == ("ACCESS_RECORDS", "USER-OWNER")
    assert "TASK_COMPLETED" in trail.payload
