"""The second factor: set up, asked for at every door, used once, recovered from, and readable nowhere."""

import json
import threading
from base64 import b32decode
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client

from audit.models import Outbox
from shop_assistant.accounts.models import RecoveryCode, SecondFactor, User
from shop_assistant.accounts.second_factor import _seal, accepts
from shop_assistant.agents import Role
from shop_assistant.vault.sealing import WrongKey

from .conftest import FACTOR, INDEX, LOGIN, Device, calls, page_login, token

pytestmark = pytest.mark.django_db

MakeDevice = Callable[[str], Device]
LISTED = b'<li class="text-center">'


def told(event: str) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in Outbox.objects.filter(event=event).order_by("id")]


def secret_of(answer: Any) -> str:
    secret: str = answer.content.decode().split("select-all")[1].split(">")[1].split("<")[0]
    return secret.replace(" ", "").strip()


# In the admin.


@pytest.mark.parametrize("role", ["owner", "manager"])
def test_where_it_is_required_nothing_else_is_open_before(
    role: str, users: dict[Role, User], settings: Any, clock: Any
) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    client = page_login(role).client
    for page in (INDEX, "/admin/inventory/product/", "/admin/password_change/", "/docs", "/openapi.json"):
        assert client.get(page).headers.get("Location", "").startswith(FACTOR), page
    before = users[Role.CLERK].last_name
    client.post(f"/admin/accounts/user/{users[Role.CLERK].pk}/change/", {"last_name": "changed"})
    users[Role.CLERK].refresh_from_db()
    assert users[Role.CLERK].last_name == before
    page = client.get(FACTOR, {"next": "/admin/inventory/product/"})
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert "<svg" in page.content.decode()
    assert "http" not in page.content.decode().split("<svg")[1].split("</svg>")[0], "the picture asks nobody"
    device = Device(users[Role(role)], clock)
    page = client.get(FACTOR)
    assert device.secret != secret_of(page), "somebody else began this one, and knows it"
    device.secret = secret_of(page)
    assert device.secret == secret_of(client.get(FACTOR)), "the secret stays the same until it is confirmed"
    wrong = client.post(FACTOR, {"code": device.wrong()})
    assert b"not the one that belongs" in wrong.content
    done = client.post(f"{FACTOR}?next=/admin/inventory/product/", {"code": device.next()})
    assert done.content.count(LISTED) == 10
    assert b'href="/admin/inventory/product/"' in done.content
    assert client.get(INDEX).status_code == 200
    assert [event["change"] for event in told("LOGIN_CHANGED")] == ["second factor set up"]


@pytest.mark.parametrize("role", ["clerk", "auditor"])
def test_the_other_roles_need_none(role: str, users: dict[Role, User], settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    assert page_login(role).client.get(INDEX).status_code == 200
    assert token(role).status_code == 200


def test_a_superuser_needs_one_too(users: dict[Role, User], settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    users[Role.CLERK].is_superuser = True
    users[Role.CLERK].save()
    assert page_login("clerk").client.get(INDEX)["Location"].startswith(FACTOR)
    assert token("clerk").json()["error"]["code"] == "SECOND_FACTOR_MISSING"


def test_the_default_is_required_in_production_only(settings: Any) -> None:
    assert settings.ADMIN_SECOND_FACTOR == "optional"  # production: tests/security/test_headers.py


def test_who_has_a_device_is_asked_for_its_code(device: MakeDevice, settings: Any) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    client = page_login("clerk").client
    assert client.get("/admin/inventory/product/?q=x")["Location"] == (
        f"{FACTOR}?next=%2Fadmin%2Finventory%2Fproduct%2F%3Fq%3Dx"
    )
    assert told("LOGGED_IN") == [], "half a login is none"
    assert b"wrong or was used" in client.post(FACTOR, {"code": clerks.wrong()}).content
    assert [event["factor"] for event in told("LOGIN_FAILED")] == ["code"]
    before = client.session.session_key
    passed = client.post(
        f"{FACTOR}?next=/admin/inventory/product/", {"code": f" {clerks.next()[:3]} {clerks.now()[3:]}"}
    )
    assert (passed.status_code, passed["Location"]) == (302, "/admin/inventory/product/")
    assert client.session.session_key != before
    assert client.get(INDEX).status_code == 200
    assert [event["user_id"] for event in told("LOGGED_IN")] == ["USER-CLERK"]
    settings.ADMIN_SECOND_FACTOR = "off"
    assert page_login("clerk").client.get(INDEX).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x()"])
def test_it_leads_nowhere_else(elsewhere: str, device: MakeDevice) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    client = page_login("clerk").client
    passed = client.post(f"{FACTOR}?next={elsewhere}", {"code": clerks.next()})
    assert passed["Location"] == INDEX


def test_the_page_is_for_who_has_logged_in() -> None:
    for method in ("get", "post"):
        assert getattr(Client(), method)(FACTOR)["Location"].startswith(LOGIN)


def test_setting_it_up_ends_the_other_logins(users: dict[Role, User], device: MakeDevice) -> None:
    other, access = page_login("clerk").client, token("clerk").json()["access"]
    assert (other.get(INDEX).status_code, calls(access)) == (200, 200)
    device("clerk").confirmed()
    assert other.get(INDEX).status_code == 302
    assert calls(access) == 401


def test_new_recovery_codes_and_another_device(device: MakeDevice, settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    owners = device("owner")
    old = owners.confirmed()
    client = page_login("owner").client
    client.post(FACTOR, {"code": owners.next()})
    assert b"10 recovery codes" in client.get(FACTOR).content
    assert client.post(FACTOR, {"code": owners.wrong(), "renew": ""}).content.count(LISTED) == 0
    assert client.post(FACTOR, {"code": owners.next(), "renew": ""}).content.count(LISTED) == 10
    assert not accepts(owners.user, old[0])
    owners.clock.shift(timedelta(seconds=60))
    assert client.post(FACTOR, {"code": old[1], "remove": ""}).status_code == 200
    assert client.post(FACTOR, {"code": owners.next(), "remove": ""})["Location"] == FACTOR
    assert client.get(INDEX)["Location"].startswith(FACTOR), "and it is required all the same"
    assert b"<svg" in client.get(FACTOR).content
    assert [event["change"] for event in told("LOGIN_CHANGED")] == ["recovery codes made", "second factor removed"]


def test_guessing_codes_is_limited(device: MakeDevice) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    client = page_login("clerk").client
    statuses = [client.post(FACTOR, {"code": clerks.wrong()}, REMOTE_ADDR="203.0.113.1").status_code for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2, "the password was the first of five attempts"
    assert client.post(FACTOR, {"code": clerks.next()}, REMOTE_ADDR="203.0.113.1").status_code == 302, "30 s later"


def test_guessing_codes_from_everywhere_is_limited(device: MakeDevice) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    statuses = [
        token("clerk", address=f"203.0.113.{number}", otp=clerks.wrong()).status_code for number in range(2, 14)
    ]
    assert statuses == [401] * 10 + [429] * 2
    assert token("clerk", address="203.0.113.99", otp=clerks.next()).status_code == 429


# At the API.


def test_at_the_api(device: MakeDevice) -> None:
    clerks = device("clerk")
    codes = clerks.confirmed()
    missing = token("clerk")
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "SECOND_FACTOR_REQUIRED")
    assert set(missing.json()) == {"success", "task_id", "error", "timestamp"}
    assert "otp" in missing.json()["error"]["details"]["fields"]
    assert missing["WWW-Authenticate"] == "Bearer"
    wrong = token("clerk", otp=clerks.wrong())
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "NOT_AUTHENTICATED")
    right = token("clerk", otp=clerks.next())
    assert right.status_code == 200
    assert calls(right.json()["access"]) == 200
    assert token("clerk", otp=codes[0]).status_code == 200
    assert token("clerk", "wrong", otp=clerks.next()).json()["error"]["message"] == "User name or password is wrong."


def test_a_wrong_password_says_nothing_of_a_device(device: MakeDevice) -> None:
    device("clerk").confirmed()
    answers = [token(name, "wrong").json()["error"] for name in ("clerk", "auditor", "nobody")]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("otp", ["", " ", 123456, True, ["123456"], {"code": "1"}, "1" * 41, "12\x0034"])
def test_what_is_no_code(otp: Any, users: dict[Role, User]) -> None:
    answer = token("clerk", otp=otp)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "otp", ["12345", "1234567", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345", "0x1234", "\u0661" * 6]
)
def test_what_looks_like_a_code(otp: str, device: MakeDevice) -> None:
    device("clerk").confirmed()
    assert token("clerk", otp=otp).status_code == 401


def test_where_it_is_required_the_api_is_no_open_window(users: dict[Role, User], settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    refused = token("owner")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "SECOND_FACTOR_MISSING")
    assert token("service").status_code == 200, "a program has no device"


def test_a_login_of_before_it_was_required_is_not_renewed(device: MakeDevice, settings: Any) -> None:
    owner, service = token("owner").json()["refresh"], token("service").json()["refresh"]
    managers = device("manager")
    managers.confirmed()
    manager = token("manager", otp=managers.next()).json()["refresh"]
    settings.ADMIN_SECOND_FACTOR = "required"
    told = [
        Client().post("/api/auth/refresh", {"refresh": refresh}, content_type="application/json").status_code
        for refresh in (owner, manager, service)
    ]
    assert told == [401, 200, 200]


# The codes themselves.


def test_a_code_is_good_once_at_whichever_door(device: MakeDevice) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    client, code = page_login("clerk").client, clerks.next()
    assert token("clerk", otp=code).status_code == 200
    assert token("clerk", otp=code).status_code == 401
    assert client.post(FACTOR, {"code": code}).status_code == 200
    clerks.clock.shift(timedelta(seconds=30))
    assert not accepts(clerks.user, code), "the step before is within the tolerance, but used up"
    assert accepts(clerks.user, clerks.now())


def test_the_code_that_set_it_up_is_used_up(device: MakeDevice) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    assert not accepts(clerks.user, clerks.now())


@pytest.mark.parametrize(("seconds", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_devices_clock_may_be_half_a_minute_wrong(seconds: int, good: bool, device: MakeDevice) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    clerks.clock.shift(timedelta(seconds=300))
    clerks.clock.shift(timedelta(seconds=seconds))
    code = clerks.now()
    clerks.clock.shift(timedelta(seconds=-seconds))
    assert accepts(clerks.user, code) is good


def test_codes_are_those_of_rfc_6238(users: dict[Role, User], clock: Any) -> None:
    """Appendix B, SHA-1, its last six digits."""
    device = Device(users[Role.CLERK], clock)
    SecondFactor.objects.update(
        secret=_seal(users[Role.CLERK], b"12345678901234567890".hex()), confirmed_at="2020-01-01T00:00Z"
    )
    for seconds, code in (
        (1111111109, "081804"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ):
        device.clock.move_to(datetime.fromtimestamp(seconds, UTC))
        assert accepts(users[Role.CLERK], code), seconds


def test_each_recovery_code_is_good_once(device: MakeDevice) -> None:
    clerks = device("clerk")
    codes = clerks.confirmed()
    assert len(set(codes)) == 10
    assert [accepts(clerks.user, code) for code in codes] == [True] * 10
    assert [accepts(clerks.user, code) for code in codes] == [False] * 10


def test_recovery_codes_are_the_users_own(device: MakeDevice) -> None:
    codes, auditor = device("clerk").confirmed(), device("auditor")
    auditor.confirmed()
    assert not accepts(auditor.user, codes[0])
    assert accepts(auditor.user, auditor.next())


@pytest.mark.django_db(transaction=True)
def test_of_twelve_parallel_uses_of_a_code_one_succeeds(device: MakeDevice) -> None:
    clerks = device("clerk")
    recovery = clerks.confirmed()[0]
    for code in (clerks.next(), recovery):
        together, found = threading.Barrier(12), []

        def use(code: str = code, together: Any = together, found: Any = found) -> None:
            together.wait()
            found.append(accepts(clerks.user, code))
            connections.close_all()

        threads = [threading.Thread(target=use) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(found) == {True: 1, False: 11}


def test_nothing_of_it_is_readable_in_the_database(device: MakeDevice) -> None:
    clerks = device("clerk")
    codes = clerks.confirmed()
    kept = str([*SecondFactor.objects.values(), *RecoveryCode.objects.values(), *Outbox.objects.values()])
    readable = [clerks.secret, b32decode(clerks.secret).hex(), *codes, *(code.replace("-", "") for code in codes)]
    assert not [text for text in readable if text in kept]
    assert SecondFactor.objects.get().secret.startswith("sealed:")


def test_a_sealed_secret_opens_for_its_user_alone(device: MakeDevice) -> None:
    clerks, auditors = device("clerk"), device("auditor")
    clerks.confirmed()
    auditors.confirmed()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_secondfactor SET secret = %s WHERE user_id = %s",
            [SecondFactor.objects.get(user=auditors.user).secret, clerks.user.pk],
        )
    with pytest.raises(WrongKey):
        accepts(clerks.user, auditors.next())


# Who has lost it.


def test_the_command(device: MakeDevice, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    owners = device("owner")
    call_command("second_factor", "owner")
    assert "must set one up" in capsys.readouterr().out
    owners.confirmed()
    access = token("owner", otp=owners.next()).json()["access"]
    call_command("second_factor", "owner")
    assert "10 recovery codes left" in capsys.readouterr().out
    call_command("second_factor", "owner", reset=True, dry_run=True)
    assert SecondFactor.objects.exists()
    call_command("second_factor", "owner", reset=True)
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert calls(access) == 401
    (event,) = told("LOGIN_CHANGED")
    assert (event["user_id"], event["of"], event["change"]) == ("system", "USER-OWNER", "second factor reset")
    for name in ("owner", "nobody"):
        with pytest.raises(CommandError):
            call_command("second_factor", name, reset=True)


def test_an_owner_takes_it_off_for_others(device: MakeDevice, client: Client) -> None:
    clerks = device("clerk")
    clerks.confirmed()
    client.force_login(User.objects.get(username="owner"))
    chosen = {"action": "reset_second_factor", "_selected_action": [clerks.user.pk]}
    assert client.post("/admin/accounts/user/", chosen).status_code == 302
    assert not SecondFactor.objects.exists()
    (event,) = told("LOGIN_CHANGED")
    assert (event["user_id"], event["of"]) == ("USER-OWNER", "USER-CLERK")


def test_nobody_takes_off_the_own_one_without_a_code(device: MakeDevice, client: Client) -> None:
    owners, clerks = device("owner"), device("clerk")
    owners.confirmed()
    clerks.confirmed()
    client.force_login(owners.user)
    client.post(FACTOR, {"code": owners.next()})
    chosen = {"action": "reset_second_factor", "_selected_action": [owners.user.pk, clerks.user.pk]}
    answer = client.post("/admin/accounts/user/", chosen, follow=True)
    assert b"Your own is taken off on the page" in answer.content
    assert [factor.user for factor in SecondFactor.objects.all()] == [owners.user]


def test_a_secret_seen_at_another_login_is_worth_nothing(users: dict[Role, User], clock: Any) -> None:
    """Who has only the password looks at the secret first, and waits for the user to set it up."""
    thief, client = page_login("clerk").client, page_login("clerk").client
    device = Device(users[Role.CLERK], clock)
    device.secret = seen = secret_of(thief.get(FACTOR))
    page = client.get(FACTOR)
    assert secret_of(page) != seen
    assert client.post(FACTOR, {"code": device.next()}).content.count(LISTED) == 0
    device.secret = secret_of(client.get(FACTOR))
    assert client.post(FACTOR, {"code": device.next()}).content.count(LISTED) == 10
    device.secret = seen
    assert not accepts(users[Role.CLERK], device.next())
