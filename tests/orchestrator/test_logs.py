"""One JSON line a request, with the contract's keys, and nothing of what anybody sent or is called in it."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from customers.services import customer_create
from orchestrator.services import perform_queued
from shop_assistant.accounts.models import User
from shop_assistant.agents import registry
from shop_assistant.logs import configure_logging
from tests.cases import PAYLOADS, ROUTES, general
from tests.conftest import PASSWORD, Api
from tests.programs.laboratory import SECRET

from .conftest import Run

KEYS = ["timestamp", "level", "task_id", "user_id", "event", "agent", "duration_ms", "status"]
MORE = {"method", "route", "traceback", "count", "database"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CANARY = "Canary"


class Log:
    def __init__(self, path: Path) -> None:
        self.path, self.read = path, 0

    def text(self) -> str:
        return self.path.read_text()

    def new(self) -> list[dict[str, Any]]:
        """The lines since the last look."""
        text = self.text()[self.read :]
        self.read += len(text)
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """What the shop's own logging configuration writes to AUDIT_LOG_PATH."""
    handlers, level = logging.root.handlers[:], logging.root.level
    path = tmp_path / "logs" / "audit.log"
    configure_logging({"level": "INFO", "path": path})
    yield Log(path)
    for handler in logging.root.handlers:
        handler.close()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def whole(line: dict[str, Any]) -> bool:
    return list(line)[:8] == KEYS and set(line) <= {*KEYS, *MORE} and bool(TIME.fullmatch(line["timestamp"]))


@pytest.mark.parametrize("label", sorted(ROUTES))
@pytest.mark.django_db
def test_a_line_a_request(label: str, log: Log, waiting: None, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    log.new()
    direct = owner.post(ROUTES[label], PAYLOADS[label])
    (line,) = log.new()
    assert whole(line)
    assert line["event"] == "AGENT_CALL"
    assert (line["level"], line["status"]) == ("INFO", "success")
    assert line["task_id"] == direct["X-Task-ID"]
    assert line["user_id"] == "USER-OWNER"
    assert line["agent"] == registry.agents[label.split(".")[0]].title
    assert line["duration_ms"] > 0


@pytest.mark.django_db
def test_lines_of_requests_that_reach_no_agent(log: Log, shop: None, api: Callable[[str | None], Api]) -> None:
    owner = api("owner")
    task_id = owner.post("/api/inventory/query", {})["X-Task-ID"]
    log.new()
    cases = [
        (lambda: owner.get(f"/api/ai/task/{task_id}"), 200, "api/ai/task/<str:task_id>", "USER-OWNER"),
        (lambda: owner.get("/api/ai/audit"), 200, "api/ai/audit", "USER-OWNER"),
        (lambda: api(None).get("/health/live"), 200, "health/live", None),
        (lambda: api(None).post("/api/inventory/query"), 401, "api/inventory/query", None),
        (lambda: owner.post("/api/nothing"), 404, "unknown", None),
        (lambda: owner.post("/api/inventory/query", "{"), 400, "api/inventory/query", "USER-OWNER"),
        (lambda: owner.get("/api/inventory/query"), 405, "api/inventory/query", "USER-OWNER"),
        (lambda: log_in(api(None)), 200, "api/auth/token", None),
    ]
    for ask, status, route, user_id in cases:
        ask()
        (line,) = log.new()
        assert whole(line)
        assert (line["event"], line["status"], line["user_id"]) == ("REQUEST", status, user_id)
        assert line["route"].strip("^$\\Z") == route


def log_in(client: Api) -> Any:
    return client.post("/api/auth/token", {"username": "clerk", "password": PASSWORD})


@pytest.mark.django_db
def test_refusals_say_their_code(log: Log, shop: None, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    log.new()
    for body, code in (
        ({"sku": "SKU999", "delta": 1}, "DATA_NOT_FOUND"),
        ({"sku": "SKU001"}, "VALIDATION_ERROR"),
        ({"sku": "SKU001", "delta": -1000}, "INSUFFICIENT_STOCK"),
    ):
        answer = owner.post("/api/inventory/update", body)
        (line,) = log.new()
        assert (line["status"], line["task_id"]) == (code, answer["X-Task-ID"])
    api("auditor").post("/api/inventory/update", {"sku": "SKU001", "delta": 1})
    assert log.new()[-1]["status"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("operation", ["experiment", "look"])
@pytest.mark.django_db
def test_an_unexpected_exception_leaves_its_type_and_places(operation: str, log: Log, laboratory: Run) -> None:
    boss = Api(User.objects.create_superuser("boss", password="x", public_id="USER-BOSS"))
    body = {"page": "laboratory", "ui_payload": {"action": operation, "fault": "bug", "note": CANARY}}
    log.new()
    answer = boss.post("/api/ai/query", body)
    error, line = log.new()
    assert whole(error)
    assert (error["level"], error["event"], error["status"]) == ("ERROR", "UNEXPECTED_ERROR", "ValueError")
    assert (error["task_id"], error["user_id"]) == (answer["X-Task-ID"], "USER-BOSS")
    assert any("laboratory.py" in place and operation in place for place in error["traceback"])
    assert (line["event"], line["status"]) == ("AGENT_CALL", "INTERNAL_ERROR")
    assert SECRET not in log.text()
    assert CANARY not in log.text()


@pytest.mark.parametrize(
    ("fault", "status", "errors"),
    [
        (None, "success", 0),
        ("bug", "INTERNAL_ERROR", 1),
        ("external", "EXTERNAL_SERVICE_ERROR", 1),
        ("unclear", "CLARIFICATION_NEEDED", 0),
        ("timeout", "TEMPORARILY_UNAVAILABLE", 0),
    ],
)
@pytest.mark.django_db
def test_a_worker_logs_how_it_went(fault: str | None, status: str, errors: int, log: Log, laboratory: Run) -> None:
    task_id = laboratory("experiment", {"fault": fault, "note": CANARY}, respond_async=True).task_id
    assert [line["status"] for line in log.new()] == ["accepted"]
    perform_queued(task_id)
    lines = log.new()
    assert [line["event"] for line in lines] == ["UNEXPECTED_ERROR"] * errors + ["AGENT_CALL"]
    assert (lines[-1]["status"], lines[-1]["task_id"], lines[-1]["user_id"]) == (status, str(task_id), "system")
    assert SECRET not in log.text()
    assert CANARY not in log.text()


@pytest.mark.django_db(transaction=True)
def test_a_broken_database_leaves_no_query_in_the_log(log: Log, shop: None, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_product RENAME TO away")
    try:
        answer = owner.post("/api/inventory/query", {"sku": CANARY})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO inventory_product")
    assert answer.status_code == 500
    assert any(line["event"] == "UNEXPECTED_ERROR" for line in log.new())
    assert CANARY not in log.text()
    assert "SELECT" not in log.text()


# Canaries.


def planted(schema: dict[str, Any], spare: int = 3) -> Any:
    """A value of the kind a JSON schema asks for, with a canary wherever there is room for text."""
    kind = schema.get("type")
    if "anyOf" in schema:
        return planted(schema["anyOf"][0], spare)
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    if kind == "array":
        return [planted(schema.get("items", {"type": "string"}), spare - 1)]
    if kind == "object":
        return {CANARY: CANARY}
    return {"number": 1, "integer": 1, "boolean": True}.get(str(kind), f"{CANARY}@canary.example")


@pytest.mark.parametrize("label", sorted(ROUTES))
@pytest.mark.django_db
def test_canaries_in_every_field_come_out_nowhere(
    label: str, log: Log, waiting: None, api: Callable[[str], Api]
) -> None:
    """Each field in turn, in an otherwise good request, and all of them together; by both doors, now and later."""
    owner = api("owner")
    agent, name = label.split(".")
    properties = registry.get(agent, name).input.model_json_schema()["properties"]
    canaries = {field: planted(schema) for field, schema in properties.items()}
    bodies = [{**PAYLOADS[label], field: canary} for field, canary in canaries.items()]
    bodies += [canaries, {CANARY: CANARY}, {**PAYLOADS[label], "user_id": CANARY}, {"action": CANARY}]
    bodies += [{**PAYLOADS[label], "session_id": CANARY}]
    for body in bodies:
        owner.post(ROUTES[label], body, Idempotency_Key=f"{CANARY}-{len(body)}", User_Agent=CANARY, Referer=CANARY)
        accepted = owner.post("/api/ai/query", general(label, body), Prefer="respond-async")
        if accepted.status_code == 202:
            perform_queued(accepted["X-Task-ID"])
    assert CANARY not in log.text()
    assert all(whole(line) for line in log.new())


@pytest.mark.django_db
def test_canaries_in_everything_else(log: Log, shop: None, api: Callable[[str | None], Api], settings: Any) -> None:
    owner = api("owner")
    customer_create(public_id="CUST777", name=f"{CANARY} Smith", email="Canary@canary.example", phone="+44 7700 900987")
    settings.RATE_LIMIT_ANONYMOUS = (12, 60)
    asked = owner.post("/api/customer/profile", {"customer_id": "CUST777"})
    assert asked.json()["data"]["name"] == f"{CANARY} Smith"
    for body in (CANARY, f'{{"sku": "{CANARY}', f'["{CANARY}"]', f'{{"{CANARY}": NaN}}', f'"{CANARY}"'):
        owner.post("/api/inventory/query", body)
    nobody = api(None)
    nobody.post("/api/auth/token", {"username": CANARY, "password": CANARY})
    nobody.post("/api/auth/token", {"username": CANARY, "password": 5, CANARY: 1})
    nobody.post("/api/auth/refresh", {"refresh": CANARY})
    nobody.post("/api/auth/logout", {"refresh": CANARY})
    nobody.post(
        "/api/inventory/query", {}, Authorization=f"Bearer {CANARY}", X_Forwarded_For=CANARY, Cookie=f"a={CANARY}"
    )
    for path in (f"/{CANARY}", f"/api/{CANARY}?{CANARY}={CANARY}", f"/api/ai/task/{CANARY}", f"/health/live?{CANARY}"):
        owner.get(path)
        nobody.get(path)
    for name in ("event", "user_id", "agent", "cursor", "task_id", "from", CANARY):
        owner.get("/api/ai/audit", {name: CANARY})
    owner.post(f"/api/inventory/query?{CANARY}={CANARY}", {"sku": "SKU001"}, Prefer=CANARY, Accept=f"text/{CANARY}")
    owner.client.generic("POST", "/api/inventory/query", CANARY, f"text/{CANARY}", headers=owner.headers)
    owner.client.generic(CANARY.upper(), "/api/inventory/query", headers=owner.headers)
    settings.ALLOWED_HOSTS = ["testserver"]
    owner.get("/health/live", Host=f"{CANARY}.example")
    owner.get("/admin/login/", {"next": CANARY})
    owner.client.post("/admin/login/", {"username": CANARY, "password": CANARY})
    text = log.text()
    assert not re.search(CANARY, text, re.IGNORECASE), [
        line for line in text.splitlines() if CANARY.lower() in line.lower()
    ]
    for secret in (PASSWORD, owner.headers["Authorization"].split(".")[-1], django_settings.SECRET_KEY, "7700"):
        assert secret not in text
    assert all(whole(line) for line in log.new())


def test_only_known_keys_are_written_whatever_a_caller_passes(log: Log) -> None:
    import structlog

    structlog.get_logger("shop").info("SOMETHING", name=CANARY, payload={"email": CANARY}, status="success")
    (line,) = log.new()
    assert list(line) == KEYS
    assert (line["event"], line["status"]) == ("SOMETHING", "success")


def test_of_other_libraries_only_the_template_is_written(log: Log) -> None:
    other = logging.getLogger("some.library")
    other.warning("could not send to %s", CANARY)
    try:
        raise ValueError(CANARY)
    except ValueError:
        other.exception("failed for %(who)s", {"who": CANARY})
    first, second = log.new()
    assert (first["event"], first["level"], first["agent"]) == ("could not send to %s", "WARNING", "some.library")
    assert (second["status"], second["level"]) == ("ValueError", "ERROR")
    assert any("test_logs.py" in place for place in second["traceback"])
    assert CANARY not in log.text()


def test_a_message_that_a_library_has_filled_in_itself(log: Log) -> None:
    """What is not told from its template can't be cleaned: it is left out."""
    logging.getLogger("some.library").warning(f"could not send to {CANARY}@canary.example")
    logging.getLogger("some.library").warning(ValueError(CANARY))
    assert CANARY not in log.text()


def test_line_breaks_do_not_forge_lines(log: Log) -> None:
    logging.getLogger("some.library").warning('evil\n{"event": "AGENT_CALL"}')
    (line,) = log.new()
    assert (line["event"].split(":")[0], line["agent"]) == ("test_logs", "some.library")
