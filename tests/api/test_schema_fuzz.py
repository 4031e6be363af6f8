"""The whole API, fuzzed from its own description with each role's token: no 5xx, and nothing against the description.

The seed is fixed. SCHEMATHESIS_SEED and SCHEMATHESIS_EXAMPLES (random requests an operation, as many valid as invalid
ones) search elsewhere and longer. What was sent is told in the summary of the run.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

from orchestrator.api.requests import KEY
from shop_assistant.agents import Role

SEED = int(os.environ.get("SCHEMATHESIS_SEED") or 20240122)
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES") or 6)
CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
STEP = 2
"""Of the requests made from the boundaries of the description the owner sends every second one, beginning with the
first on SQLite and with the second on PostgreSQL; the others, who mostly may not, the first FEW.
"""
FEW = 8
AT_RANDOM = (Role.OWNER, Role.CLERK)
"""Who sends random requests besides."""


@pytest.fixture
def one_connection() -> Iterator[None]:
    """A request's end must not close the connection that the test's transaction is on."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def described(shop: None, one_connection: None) -> Any:
    config = SchemathesisConfig.from_path(CONFIGURATION)
    return schemathesis.openapi.from_wsgi("/openapi.json", get_wsgi_application(), config=config)


class Caller:
    """Sends cases with a token and checks what comes back."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers
        self.answers: Counter[str] = Counter()

    def send(self, case: Any) -> None:
        key = (case.headers or {}).get("Idempotency-Key")
        if isinstance(key, str) and KEY.fullmatch(key):  # else one key for everything: a 422 that looks at nothing more
            case.headers["Idempotency-Key"] = f"case-{self.answers.total()}"
        answer = case.call(headers=self.headers)
        self.answers[f"{answer.status_code // 100}xx"] += 1
        # The check for answers without a token sends requests itself, in a way that WSGI does not know.
        case.validate_response(answer, headers=self.headers, excluded_checks=[ignored_auth])


def boundaries(schema: Any, operation: Any, modes: list[GenerationMode]) -> Iterator[Any]:
    """A case for each boundary of an operation's description."""
    cases: Iterator[Any] = schema.iter_coverage_cases(
        operation, generation_modes=modes, generation_config=schema.config.generation
    )
    return cases


def fuzz(operation: Any, caller: Caller) -> None:
    for mode in MODES:

        @hypothesis.seed(SEED)
        @hypothesis.settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode, headers=caller.headers))
        def send_each(case: Any) -> None:
            caller.send(case)

        with suppress(hypothesis.errors.Unsatisfiable):  # a route that takes nothing can't be sent anything invalid
            send_each()


OTHERS = [pytest.param(role.value, marks=pytest.mark.one_database) for role in Role if role != Role.OWNER]


@pytest.mark.parametrize("role", [Role.OWNER.value, *OTHERS])
def test_the_api_is_as_described(
    role: str, described: Any, api: Callable[[str], Any], record_property: Callable[[str, object], None]
):
    caller = Caller(api(role).headers)
    first = int(connection.vendor == "postgresql")
    some = slice(first, None, STEP) if role == Role.OWNER else slice(FEW)
    for found in described.get_all_operations():
        operation = found.ok()
        for case in islice(boundaries(described, operation, MODES), some.start, some.stop, some.step):
            caller.send(case)
        if role in AT_RANDOM:
            fuzz(operation, caller)
    assert not caller.answers["5xx"]
    assert caller.answers["2xx"]
    told = ", ".join(f"{count} x {kind}" for kind, count in sorted(caller.answers.items()))
    record_property("schemathesis", f"seed {SEED}, {role}: {caller.answers.total()} cases ({told})")


def test_every_route_but_the_open_ones_wants_a_token(described: Any):
    for found in described.get_all_operations():
        operation = found.ok()
        is_open = operation.path.startswith(("/health/", "/api/auth/"))
        assert bool(operation.definition.raw.get("security")) is not is_open, operation.label
        if not is_open:
            case = next(boundaries(described, operation, [GenerationMode.POSITIVE]))
            assert case.call().status_code == 401, operation.label
