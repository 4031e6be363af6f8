"""Rate limits are exact in a wave of parallel calls, whatever address the callers claim to have.

(One by one, and by user: tests/accounts/test_limits.py.)
"""

from collections import Counter
from typing import Any

import pytest
from django.test import Client

from tests.accounts.test_limits import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "passed"),
    [
        (0, "203.0.113.{}", 10),
        (0, "203.0.113.{}, 10.0.0.1", 10),
        (1, "203.0.113.{}, 198.51.100.7", 10),
        (1, "198.51.100.7, 203.0.113.{}", 40),
    ],
    ids=["made up", "made up with a proxy", "made up before ours", "told by our proxy"],
)
def test_of_forty_at_once_ten_pass(proxies: int, forwarded: str, passed: int, settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS, settings.TRUSTED_PROXIES = (10, 60), proxies
    numbers = iter(range(1, 41))

    def ask() -> int:
        headers = {
            "X-Forwarded-For": forwarded.format(next(numbers)),
            "X-Real-IP": "192.0.2.1",
            "Forwarded": "for=192.0.2.2",
        }
        status: int = (
            Client().post("/api/inventory/query", {}, content_type="application/json", headers=headers).status_code
        )
        return status

    assert Counter(in_parallel(40, ask)) == Counter({401: passed, 429: 40 - passed})
