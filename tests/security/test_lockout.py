"""Who fails to log in often has to wait, longer each time: this user, from this address, and nobody else."""

import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client

from audit.models import Denial, Outbox
from audit.services import denials_flush
from shop_assistant.accounts.lockout import KNOWN_FOR, attempts_prune
from shop_assistant.accounts.models import LoginAttempts, User
from shop_assistant.agents import Role

from .conftest import INDEX, page_login, token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("users")]

DOORS: dict[str, tuple[Any, int, int]] = {"api": (token, 401, 200), "admin": (page_login, 200, 302)}
each_door = pytest.mark.parametrize("door", DOORS)


def fail(number: int, **where: str) -> None:
    for _ in range(number):
        token("clerk", "wrong", **where)


def told(event: str) -> list[dict[str, Any]]:
    denials_flush()
    return [json.loads(row.payload) for row in Outbox.objects.filter(event=event).order_by("id")]


@each_door
def test_after_five_failures_it_takes_longer_each_time(door: str, clock: Any) -> None:
    log_in, failed, _ = DOORS[door]
    assert [log_in("clerk", "wrong").status_code for _ in range(6)] == [failed] * 5 + [429]
    for wait in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        answer = log_in("clerk", "wrong")
        assert (answer.status_code, answer["Retry-After"]) == (429, str(wait))
        clock.shift(timedelta(seconds=wait - 1))
        assert log_in("clerk", "wrong").status_code == 429
        clock.shift(timedelta(seconds=1))
        assert log_in("clerk", "wrong").status_code == failed


@each_door
def test_the_right_password_waits_too_and_then_all_is_forgotten(door: str, clock: Any) -> None:
    log_in, failed, passed = DOORS[door]
    fail(5)
    assert log_in("clerk").status_code == 429
    clock.shift(timedelta(seconds=31))
    assert log_in("clerk").status_code == passed
    assert [log_in("clerk", "wrong").status_code for _ in range(6)] == [failed] * 5 + [429]


def test_what_the_doors_say(clock: Any) -> None:
    fail(5)
    refused = token("clerk")
    assert set(refused.json()) == {"success", "task_id", "error", "timestamp"}
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert "wait 30 s" in refused.json()["error"]["message"]
    page = page_login("clerk")
    assert b"Too many failed logins; wait 30 s" in page.content
    assert page.client.get(INDEX).status_code == 302


def test_nobody_locks_another_out_from_elsewhere(clock: Any) -> None:
    fail(30, address="198.51.100.1")
    assert token("clerk", address="198.51.100.1").status_code == 429
    assert token("clerk", address="203.0.113.1").status_code == 200
    assert token("auditor", address="198.51.100.1").status_code == 200, "nor this one other users at the same address"


def test_the_doors_count_together(clock: Any) -> None:
    fail(3)
    for _ in range(2):
        page_login("clerk", "wrong")
    assert token("clerk").status_code == page_login("clerk").status_code == 429


@pytest.mark.parametrize("spelled", ["CLERK", " clerk", "cl\uff45rk", "clerk "])
def test_however_the_name_is_spelled(spelled: str, clock: Any) -> None:
    for _ in range(5):
        token(spelled, "wrong")
    assert token("clerk").status_code == 429


def test_unknown_names_are_treated_alike_and_not_kept(clock: Any) -> None:
    answers = [[token(name, "wrong") for _ in range(6)] for name in ("clerk", "my-secret-password")]
    assert [a.status_code for a in answers[0]] == [a.status_code for a in answers[1]]
    assert answers[0][0].json()["error"] == answers[1][0].json()["error"]
    kept = str([*LoginAttempts.objects.values(), *Outbox.objects.values(), *Denial.objects.values()])
    assert "my-secret-password" not in kept
    assert "203.0.113.1" not in kept


def test_a_forwarded_address_is_not_believed(settings: Any, clock: Any) -> None:
    def log_in(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        body = {"username": "clerk", "password": "wrong"}
        return Client().post("/api/auth/token", body, content_type="application/json", headers=headers).status_code

    assert [log_in(f"203.0.113.{number}") for number in range(6)] == [401] * 5 + [429]
    settings.TRUSTED_PROXIES = 1
    assert [log_in(f"198.51.100.{number}, 203.0.113.7") for number in range(6)] == [401] * 5 + [429]
    assert log_in("203.0.113.8") == 401


@pytest.mark.django_db(transaction=True)
def test_of_forty_parallel_guesses_five_are_looked_at(users: dict[Role, User]) -> None:
    together, found = threading.Barrier(40), []

    def guess() -> None:
        together.wait()
        found.append(token("clerk", "wrong").status_code)
        connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == {401: 5, 429: 35}


def test_from_everywhere_at_once_there_is_a_limit_of_the_users_own(settings: Any, clock: Any) -> None:
    settings.RATE_LIMIT_LOGIN = (50, 3600)
    assert token("clerk", address="203.0.113.1").status_code == 200
    statuses = [token("clerk", "wrong", address=f"198.51.100.{number}").status_code for number in range(60)]
    assert statuses == [401] * 49 + [429] * 11
    assert token("clerk", address="198.51.100.99").status_code == 429
    assert token("clerk", address="203.0.113.1").status_code == 200, "where this user has logged in before"
    clock.shift(timedelta(hours=1))
    assert token("clerk", address="198.51.100.99").status_code == 200


def test_the_number_of_failures_is_a_setting(settings: Any, clock: Any) -> None:
    settings.LOGIN_FAILURES = 1
    assert [token("clerk", "wrong").status_code for _ in range(2)] == [401, 429]


def test_a_quiet_day_forgets(clock: Any) -> None:
    fail(9)
    clock.shift(timedelta(days=1, seconds=1))
    assert [token("clerk", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]


def test_the_command(clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fail(5, address="198.51.100.1")
    fail(5, address="198.51.100.2")
    call_command("unlock", "clerk", dry_run=True)
    assert "has to wait until" in capsys.readouterr().out
    assert token("clerk", address="198.51.100.1").status_code == 429
    call_command("unlock", "clerk")
    assert [token("clerk", address=f"198.51.100.{number}").status_code for number in (1, 2)] == [200, 200]
    assert [(e["user_id"], e["of"], e["change"]) for e in told("LOGIN_CHANGED")] == [
        ("system", "USER-CLERK", "unlocked")
    ]
    call_command("unlock", "clerk")
    assert "no failed logins" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no user"):
        call_command("unlock", "nobody")


def test_an_owner_unlocks_in_the_admin(users: dict[Role, User], client: Client, clock: Any) -> None:
    fail(5)
    client.force_login(users[Role.OWNER])
    client.post("/admin/accounts/user/", {"action": "unlock", "_selected_action": [users[Role.CLERK].pk]})
    assert token("clerk").status_code == 200
    assert [event["user_id"] for event in told("LOGIN_CHANGED")] == ["USER-OWNER"]


# What the trail tells.


@each_door
def test_logins_failures_and_logouts_are_told(door: str, clock: Any) -> None:
    log_in, _, _ = DOORS[door]
    log_in("clerk", "wrong")
    log_in("nobody", "wrong")
    answer = log_in("clerk")
    if door == "admin":
        assert answer.client.post("/admin/logout/").status_code == 200
    else:
        body = {"refresh": answer.json()["refresh"]}
        Client().post("/api/auth/logout", body, content_type="application/json")
    channel = {"api": "rest", "admin": "admin"}[door]
    failures = told("LOGIN_FAILED")
    assert [(e["user_id"], e["channel"]) for e in failures] == [("USER-CLERK", channel), ("", channel)]
    assert failures[0]["address"] == failures[1]["address"]
    for event in ("LOGGED_IN", "LOGGED_OUT"):
        assert [(e["user_id"], e["channel"]) for e in told(event)] == [("USER-CLERK", channel)], event


@each_door
def test_a_flood_of_refused_logins_is_counted_by_the_minute(door: str, clock: Any) -> None:
    log_in, _, _ = DOORS[door]
    for _ in range(25):
        log_in("clerk", "wrong")
    assert len(told("LOGIN_FAILED")) == 5
    (denied,) = told("ACCESS_DENIED")[-1:]
    assert (denied["code"], denied["count"], denied["user_id"]) == ("RATE_LIMITED", 20, "USER-CLERK")


def test_who_is_no_staff_is_told_as_failed(clock: Any) -> None:
    page_login("service")
    assert [event["user_id"] for event in told("LOGIN_FAILED")] == ["USER-SERVICE"]
    assert told("LOGGED_IN") == []


def test_logging_out_without_a_login_tells_nothing() -> None:
    Client().post("/admin/logout/")
    assert told("LOGGED_OUT") == []


def test_the_login_page_counts_by_address_as_the_api_does(settings: Any, clock: Any) -> None:
    settings.RATE_LIMIT_ANONYMOUS = (3, 60)
    statuses = [page_login(f"user{number}", "wrong").status_code for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert token("clerk").status_code == 429


def test_old_rows_are_forgotten(clock: Any) -> None:
    fail(1)
    token("auditor")
    clock.shift(timedelta(days=2))
    assert attempts_prune() == 1
    clock.shift(KNOWN_FOR)
    assert attempts_prune() == 1
    assert not LoginAttempts.objects.exists()
