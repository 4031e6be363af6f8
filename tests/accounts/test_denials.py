"""Refused calls are told in the trail: counted by minute, user and address, not row by row."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from audit.models import Denial, Outbox
from audit.services import denials_flush
from orchestrator.models import TaskState
from tests.conftest import Api

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)


@pytest.fixture
def noon() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def told() -> list[dict[str, Any]]:
    denials_flush()
    return [json.loads(row.payload) for row in Outbox.objects.filter(event="ACCESS_DENIED").order_by("id")]


def test_a_flood_of_each_kind_is_one_event_a_minute(noon: Any, api: Callable[[str | None], Api], settings: Any) -> None:
    auditor, nobody = api("auditor"), api(None)
    for _ in range(5):
        assert auditor.post("/api/sales/sell", {}).status_code == 403
    for _ in range(4):
        assert nobody.post("/api/sales/sell", {}).status_code == 401
    settings.RATE_LIMIT_USER = (0, 60)
    for _ in range(3):
        assert auditor.post("/api/sales/sell", {}).status_code == 429
    assert Denial.objects.count() == 3
    assert not TaskState.objects.exists()
    found = told()
    assert [(e["code"], e["user_id"], e["count"]) for e in found] == [
        ("PERMISSION_DENIED", "USER-AUDITOR", 5),
        ("NOT_AUTHENTICATED", "", 4),
        ("RATE_LIMITED", "USER-AUDITOR", 3),
    ]
    assert found[0]["route"] == "sales.sell"
    assert {e["minute"] for e in found} == {"2026-03-02T12:00:00.000Z"}
    assert told() == found, "each is told once"


def test_minutes_users_addresses_and_routes_are_told_apart(noon: Any, api: Callable[[str | None], Api]) -> None:
    auditor, service, nobody = api("auditor"), api("service"), api(None)
    for client in (auditor, service):
        client.post("/api/sales/sell", {})
        client.post("/api/sales/return", {})
    for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1"):
        nobody.client.post("/api/sales/sell", {}, content_type="application/json", REMOTE_ADDR=address)
    noon.shift(timedelta(minutes=1))
    auditor.post("/api/sales/sell", {})
    assert sorted(e["count"] for e in told()) == [1, 1, 1, 1, 1, 1, 2]


def test_of_others_ids_and_tasks(noon: Any, api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    assert clerk.post("/api/inventory/query", {"user_id": "USER-OWNER"}).status_code == 403
    (found,) = told()
    assert (found["code"], found["user_id"], found["count"]) == ("PERMISSION_DENIED", "USER-CLERK", 1)


def test_the_trail_refused_to_a_clerk(noon: Any, api: Callable[[str], Api]) -> None:
    assert api("clerk").get("/api/ai/audit").status_code == 403
    assert [(e["code"], e["user_id"], e["count"]) for e in told()] == [("PERMISSION_DENIED", "USER-CLERK", 1)]


def test_no_address_is_told_readable(noon: Any, api: Callable[[str | None], Api]) -> None:
    api(None).client.post("/api/sales/sell", {}, content_type="application/json", REMOTE_ADDR="203.0.113.77")
    (found,) = told()
    assert found["address"]
    assert "203.0.113.77" not in json.dumps(found)


def test_the_auditor_sees_them(noon: Any, api: Callable[[str | None], Api]) -> None:
    api("clerk").get("/api/ai/audit")
    answer = api("auditor").get("/api/ai/audit", {"event": "ACCESS_DENIED"}).json()["data"]
    assert [item["details"]["count"] for item in answer["items"]] == [1]
    assert [item["user_id"] for item in answer["items"]] == ["USER-CLERK"]


def test_a_minute_that_still_runs_is_told_later(noon: Any, api: Callable[[str], Api]) -> None:
    from audit.jobs import tell_denials

    api("clerk").get("/api/ai/audit")
    assert tell_denials() == 0
    noon.shift(timedelta(minutes=1))
    assert tell_denials() == 1
