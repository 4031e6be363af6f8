"""Rate limits: exact under concurrency, by user or address, and an address can't be made up."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections

from shop_assistant.accounts.limits import counts_prune, limit
from shop_assistant.accounts.models import RateCount
from shop_assistant.agents.errors import RateLimited
from tests.conftest import PASSWORD, Api

pytestmark = pytest.mark.django_db


def in_parallel(number: int, work: Callable[[], Any]) -> list[Any]:
    together, answers = threading.Barrier(number), []

    def run() -> None:
        together.wait()
        answers.append(work())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_of_forty_parallel_calls_ten_pass_at_a_limit_of_ten(api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_USER = settings.RATE_LIMIT_ANONYMOUS = (10, 60)
    clerk = api("clerk")
    answers = in_parallel(40, lambda: Api(None).post("/api/inventory/query", {}, **clerk.headers))
    assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 30}
    for answer in answers:
        if answer.status_code == 429:
            assert 1 <= int(answer["Retry-After"]) <= 60
    answers = in_parallel(40, lambda: Api(None).post("/api/inventory/query", {}))
    assert Counter(answer.status_code for answer in answers) == {401: 10, 429: 30}


def test_a_window_begins_with_the_first_call_and_ends(api: Callable[[str], Api], settings: Any) -> None:
    settings.RATE_LIMIT_USER = (2, 60)
    clerk, now = api("clerk"), datetime.now(UTC)
    seen = []
    for seconds in (0, 58, 59, 61, 62, 63):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            answer = clerk.get("/api/ai/audit")
            seen.append((seconds, answer.status_code == 429, answer.headers.get("Retry-After")))
    assert seen == [
        (0, False, None),
        (58, False, None),
        (59, True, "1"),
        (61, False, None),
        (62, False, None),
        (63, True, "58"),
    ]


def test_users_are_counted_apart_and_each_over_all_routes(api: Callable[[str], Api], settings: Any) -> None:
    settings.RATE_LIMIT_USER = (2, 60)
    clerk, owner = api("clerk"), api("owner")
    assert clerk.post("/api/inventory/query", {}).status_code == 200
    assert clerk.post("/api/pricing/rules", {}).status_code == 200
    assert clerk.post("/api/pricing/rules", {}).status_code == 429
    assert owner.post("/api/pricing/rules", {}).status_code == 200


def test_refused_calls_count_too(api: Callable[[str], Api], settings: Any) -> None:
    settings.RATE_LIMIT_USER = (2, 60)
    auditor = api("auditor")
    statuses = [auditor.post("/api/sales/sell", {}).status_code for _ in range(3)]
    assert statuses == [403, 403, 429]


def test_logging_in_is_limited_by_address(api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS = (3, 60)
    body = {"username": "clerk", "password": "wrong"}
    statuses = [api(None).post("/api/auth/token", body).status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    right = {"username": "clerk", "password": PASSWORD}
    assert api(None).post("/api/auth/token", right).status_code == 429, "from this address; from others it goes on"
    other = api(None).client.post("/api/auth/token", right, content_type="application/json", REMOTE_ADDR="203.0.113.9")
    assert other.status_code == 200


def test_a_bad_token_is_counted_by_address(api: Callable[[str | None], Api], settings: Any) -> None:
    """Or tokens could be guessed without end."""
    settings.RATE_LIMIT_ANONYMOUS = (3, 60)
    statuses = [api(None).post("/api/inventory/query", {}, Authorization="Bearer x").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("forwarded", ["203.0.113.{}", "203.0.113.{}, 10.0.0.1", "{}"])
def test_a_forwarded_address_is_not_believed(forwarded: str, api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS = (3, 60)
    statuses = [
        api(None).post("/api/inventory/query", {}, X_Forwarded_For=forwarded.format(number)).status_code
        for number in range(5)
    ]
    assert statuses == [401, 401, 401, 429, 429]


def test_behind_a_proxy_of_ours_its_word_counts_and_no_more(api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS, settings.TRUSTED_PROXIES = (2, 60), 1

    def ask(forwarded: str) -> int:
        status: int = api(None).post("/api/inventory/query", {}, X_Forwarded_For=forwarded).status_code
        return status

    assert [ask(f"198.51.100.{number}, 203.0.113.1") for number in range(3)] == [401, 401, 429]
    assert ask("203.0.113.2") == 401
    assert [ask("") for _ in range(3)] == [401, 401, 429], "without the header it is the connection's own address"


def test_behind_two_proxies(api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS, settings.TRUSTED_PROXIES = (2, 60), 2
    chains = [f"198.51.100.{number}, 203.0.113.1, 10.0.0.1" for number in range(3)]
    statuses = [api(None).post("/api/inventory/query", {}, X_Forwarded_For=chain).status_code for chain in chains]
    assert statuses == [401, 401, 429]


def test_no_limit_counts_nothing(api: Callable[[str], Api]) -> None:
    assert api("clerk").post("/api/inventory/query", {}).status_code == 200
    assert not RateCount.objects.exists()


def test_health_and_docs_are_not_limited(api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS = (1, 60)
    assert {api(None).get("/health/live").status_code for _ in range(3)} == {200}


def test_no_address_is_kept_readable(api: Callable[[str | None], Api], settings: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS = (3, 60)
    api(None).client.post("/api/inventory/query", {}, content_type="application/json", REMOTE_ADDR="203.0.113.77")
    assert "203.0.113.77" not in str(list(RateCount.objects.values_list()))


def test_old_counts_are_forgotten(db: None) -> None:
    limit("user:old", (5, 60))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        limit("user:new", (5, 60))
        assert counts_prune() == 1
    assert list(RateCount.objects.values_list("caller", flat=True)) == ["user:new"]


def test_the_error_says_what_the_limit_is(db: None) -> None:
    limit("user:a", (1, 3600))
    with pytest.raises(RateLimited) as caught:
        limit("user:a", (1, 3600))
    assert caught.value.details == {"limit": 1}
    assert caught.value.retry_after is not None
    assert 3590 <= caught.value.retry_after <= 3600
