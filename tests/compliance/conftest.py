"""What blocks in one test does not in the next; and rules as a test wants them set."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audit.blocking import forget
from audit.models import ComplianceRule
from tests.audit.conftest import bending  # noqa: F401  (a fixture)


@pytest.fixture(autouse=True)
def _nothing_blocks() -> Iterator[None]:
    yield
    forget()


def rule_set(key: str, **fields: Any) -> ComplianceRule:
    """`rule_set("deep-discount", blocking=True, parameters={"percent": 20})`"""
    rule = ComplianceRule.objects.get(key=key)
    for name, value in fields.items():
        setattr(rule, name, value)
    rule.save()
    return rule


CHECK = "/api/audit/compliance-check"
Api = Callable[[str | None], Any]


def verdict(client: Any, **asked: Any) -> dict[str, Any]:
    answer = client.post(CHECK, asked)
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["data"])


def broken(found: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """The rules that are broken, and by what."""
    cases: dict[str, list[tuple[str, str]]] = {}
    for finding in found["findings"]:
        cases.setdefault(finding["rule"], []).append((finding["entity_type"], finding["entity_id"]))
    return cases
