"""A changed password, access or role ends every login at once: sessions of the admin, access and refresh tokens."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connections
from django.test import Client

from audit.models import Outbox
from shop_assistant.accounts.models import LoginSession, User
from shop_assistant.accounts.sessions import session_open
from shop_assistant.agents import Role
from tests.conftest import PASSWORD

from .conftest import INDEX, calls, page_login, token

pytestmark = pytest.mark.django_db


def refreshed(refresh: str) -> int:
    body = {"refresh": refresh}
    status: int = Client().post("/api/auth/refresh", body, content_type="application/json").status_code
    return status


def as_owner() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    return client


def form(user: User, **changed: Any) -> dict[str, Any]:
    groups = list(user.groups.values_list("pk", flat=True))
    told = {"username": user.username, "is_staff": "on", "is_active": "on", "groups": groups} | changed
    return {
        **{name: value for name, value in told.items() if value is not None},
        **{
            f"{name}-{count}_FORMS": 0 for name in ("second_factor", "recovery_codes") for count in ("TOTAL", "INITIAL")
        },
    }


def save(user: User, **changed: Any) -> None:
    path = f"/admin/accounts/user/{user.pk}/change/"
    answer = as_owner().post(path, form(user, **changed))
    assert answer.status_code == 302, answer.context["errors"]


def new_password(user: User) -> None:
    user.set_password("another-password-of-mine")
    user.save()


def no_password(user: User) -> None:
    user.set_unusable_password()
    user.save()


def by_the_command(user: User) -> None:
    with patch("getpass.getpass", return_value="another-password-of-mine"):
        call_command("changepassword", user.username, verbosity=0)


def by_an_owner(user: User) -> None:
    path, typed = f"/admin/accounts/user/{user.pk}/password/", "another-password-of-mine"
    answer = as_owner().post(path, {"password1": typed, "password2": typed, "usable_password": "true"})
    assert answer.status_code == 302


def by_itself(user: User) -> None:
    typed = "another-password-of-mine"
    answer = page_login(user.username, address="203.0.113.5").client.post(
        "/admin/password_change/", {"old_password": PASSWORD, "new_password1": typed, "new_password2": typed}
    )
    assert answer.status_code == 302


def action(user: User) -> None:
    chosen = {"action": "log_out", "_selected_action": [user.pk]}
    assert as_owner().post("/admin/accounts/user/", chosen).status_code == 302


WAYS: dict[str, Callable[[User], Any]] = {
    "password": new_password,
    "password by the command": by_the_command,
    "password by an owner": by_an_owner,
    "password by the user": by_itself,
    "no password any more": no_password,
    "disabled": lambda user: save(user, is_active=None),
    "no staff any more": lambda user: save(user, is_staff=None),
    "superuser": lambda user: save(user, is_superuser="on"),
    "another role": lambda user: save(user, groups=[Group.objects.get(name="auditor").pk]),
    "no role any more": lambda user: save(user, groups=None),
    "one more role": lambda user: save(user, groups=list(Group.objects.values_list("pk", flat=True))),
    "another role in code": lambda user: user.groups.set([Group.objects.get(name="auditor")]),
    "a role taken off from its side": lambda user: Group.objects.get(name="clerk").user_set.remove(user),
    "logged out by an owner": action,
    "removed": lambda user: user.delete(),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_login_ends(way: str, users: dict[Role, User]) -> None:
    browser, tokens = page_login("clerk").client, token("clerk").json()
    others = token("auditor").json()
    assert (browser.get(INDEX).status_code, calls(tokens["access"])) == (200, 200)
    WAYS[way](User.objects.get(username="clerk"))
    assert calls(tokens["access"]) == 401
    assert refreshed(tokens["refresh"]) == 401
    assert browser.get(INDEX).status_code == 302
    assert calls(others["access"]) == 200, "the others go on"


def test_what_changes_nothing_of_the_access_ends_nothing(users: dict[Role, User]) -> None:
    browser, tokens = page_login("clerk").client, token("clerk").json()
    save(users[Role.CLERK], last_name="Smith")
    users[Role.CLERK].refresh_from_db()
    users[Role.CLERK].email = "clerk@shop.example"
    users[Role.CLERK].save()
    assert page_login("clerk").status_code == 302  # sets last_login
    assert (browser.get(INDEX).status_code, calls(tokens["access"])) == (200, 200)


def test_a_better_hash_of_the_same_password_ends_nothing(users: dict[Role, User], settings: Any) -> None:
    tokens = token("clerk").json()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]
    assert token("clerk").status_code == 200
    assert User.objects.get(username="clerk").password.startswith("scrypt$")
    assert calls(tokens["access"]) == 200


def test_who_changes_the_own_password_stays_logged_in_here(users: dict[Role, User]) -> None:
    browser, other = page_login("clerk").client, page_login("clerk").client
    typed = "another-password-of-mine"
    browser.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": typed, "new_password2": typed})
    assert browser.get(INDEX).status_code == 200
    assert other.get(INDEX).status_code == 302
    told = [json.loads(row.payload) for row in Outbox.objects.filter(event="LOGIN_CHANGED")]
    assert [(event["user_id"], event["change"]) for event in told] == [("USER-CLERK", "password")]


def test_a_stale_copy_of_a_user_brings_no_login_back(users: dict[Role, User]) -> None:
    stale, browser = User.objects.get(username="clerk"), page_login("clerk").client
    User.objects.get(username="clerk").sessions_end("test")
    stale.last_name = "Smith"
    stale.save()
    assert browser.get(INDEX).status_code == 302


def test_a_login_that_overtakes_a_new_password_is_none(users: dict[Role, User]) -> None:
    """The old password was looked at, then it was changed, and only then the session opened."""
    checked = User.objects.get(username="clerk")
    new_password(User.objects.get(username="clerk"))
    tokens = session_open(user=checked)
    assert calls(tokens["access"]) == 401
    assert refreshed(tokens["refresh"]) == 401


def test_the_logins_say_why_they_ended(users: dict[Role, User]) -> None:
    token("clerk")
    save(users[Role.CLERK], groups=None)
    token("auditor")
    new_password(users[Role.AUDITOR])
    ended = {row.user.username: row.revoked_because for row in LoginSession.objects.select_related("user")}
    assert ended == {"clerk": "roles changed", "auditor": "password or access changed"}


@pytest.mark.django_db(transaction=True)
def test_the_reuse_of_a_refresh_token_ends_its_family(users: dict[Role, User]) -> None:
    """Of twelve at once one succeeds; whoever uses an old one later ends the login of both."""
    tokens = token("clerk").json()
    together, answers = threading.Barrier(12), []

    def run() -> None:
        together.wait()
        body = {"refresh": tokens["refresh"]}
        answers.append(Client().post("/api/auth/refresh", body, content_type="application/json"))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 11}
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert calls(won["access"]) == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11)):
        assert refreshed(tokens["refresh"]) == 401
        assert (calls(won["access"]), refreshed(won["refresh"])) == (401, 401)
