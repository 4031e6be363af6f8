"""Logging in, staying logged in, and out again; and tokens that are not good."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import connections

from audit.models import Outbox
from shop_assistant.accounts.models import LoginSession, User
from shop_assistant.agents import Role
from tests.conftest import PASSWORD, Api

pytestmark = pytest.mark.django_db

LIVE = {"sku": "SKU001"}


def log_in(client: Api, username: str = "clerk", password: str = PASSWORD) -> Any:
    return client.post("/api/auth/token", {"username": username, "password": password})


def try_token(token: str, scheme: str = "Bearer") -> Any:
    return Api(None).post("/api/inventory/query", {}, Authorization=f"{scheme} {token}")


def later(**delta: float) -> Any:
    return time_machine.travel(datetime.now(UTC) + timedelta(**delta))


@pytest.fixture
def tokens(users: dict[Role, User]) -> dict[str, str]:
    made: dict[str, str] = log_in(Api(None)).json()
    return made


def refused(answer: Any) -> bool:
    return answer.status_code == 401 and answer.json()["error"]["code"] == "NOT_AUTHENTICATED"


def test_a_login_answers_two_tokens_and_no_more(tokens: dict[str, str]) -> None:
    assert set(tokens) == {"access", "refresh"}
    assert try_token(tokens["access"]).status_code == 200
    told = jwt.decode(tokens["access"], options={"verify_signature": False})
    assert told["user_id"] == "USER-CLERK"
    assert told["exp"] - told["iat"] == settings.ACCESS_TOKEN_MINUTES * 60
    assert not {"name", "email", "username"} & set(told)
    assert Outbox.objects.filter(event="LOGGED_IN", user_id="USER-CLERK").count() == 1


@pytest.mark.parametrize(
    ("username", "password"), [("clerk", "wrong"), ("nobody", PASSWORD), ("CLERK", PASSWORD), ("clerk", PASSWORD + " ")]
)
def test_a_wrong_login(username: str, password: str, users: dict[Role, User]) -> None:
    answer = log_in(Api(None), username, password)
    assert refused(answer)
    assert answer.json()["error"]["message"] == "User name or password is wrong."
    told = Outbox.objects.get(event="LOGIN_FAILED")
    assert told.user_id == ("USER-CLERK" if username == "clerk" else "")
    assert not LoginSession.objects.exists()


def test_an_inactive_user_may_not_log_in_and_is_out_at_once(users: dict[Role, User], tokens: dict[str, str]) -> None:
    users[Role.CLERK].is_active = False
    users[Role.CLERK].save()
    assert refused(log_in(Api(None)))
    assert refused(try_token(tokens["access"]))
    assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))


def test_a_removed_user_is_out_at_once(users: dict[Role, User], tokens: dict[str, str]) -> None:
    users[Role.CLERK].delete()
    assert refused(try_token(tokens["access"]))
    assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))


def test_an_access_token_expires(tokens: dict[str, str]) -> None:
    with later(minutes=settings.ACCESS_TOKEN_MINUTES - 1):
        assert try_token(tokens["access"]).status_code == 200
    with later(minutes=settings.ACCESS_TOKEN_MINUTES + 1):
        answer = try_token(tokens["access"])
        assert refused(answer)
        assert "/api/auth/refresh" in answer.json()["error"]["message"]


def test_a_session_expires_unless_it_is_used(tokens: dict[str, str]) -> None:
    with later(days=settings.REFRESH_TOKEN_DAYS, minutes=1):
        assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))


def test_refreshing_rotates(tokens: dict[str, str]) -> None:
    answer = Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]})
    assert answer.status_code == 200
    following = answer.json()
    assert set(following) == {"access", "refresh"}
    assert following["refresh"] != tokens["refresh"]
    assert try_token(following["access"]).status_code == 200
    assert LoginSession.objects.count() == 1


def test_a_refresh_token_used_twice_at_once_is_a_race(tokens: dict[str, str]) -> None:
    following = Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}).json()
    assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))
    assert try_token(following["access"]).status_code == 200


def test_a_refresh_token_used_again_later_is_a_theft(tokens: dict[str, str]) -> None:
    """Thief or owner: one of the two has it from the other, so the whole session ends."""
    following = Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}).json()
    with later(seconds=11):
        assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))
        assert refused(try_token(following["access"]))
        assert refused(Api(None).post("/api/auth/refresh", {"refresh": following["refresh"]}))
    session = LoginSession.objects.get()
    assert (session.revoked_at is not None, session.revoked_because) == (True, "refresh token used twice")


@pytest.mark.django_db(transaction=True)
def test_of_twelve_parallel_refreshes_one_succeeds(tokens: dict[str, str]) -> None:
    together, answers = threading.Barrier(12), []

    def refresh() -> None:
        together.wait()
        answers.append(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))
        connections.close_all()

    threads = [threading.Thread(target=refresh) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 11
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert try_token(won["access"]).status_code == 200
    assert Api(None).post("/api/auth/refresh", {"refresh": won["refresh"]}).status_code == 200


def test_logging_out_ends_access_at_once(tokens: dict[str, str]) -> None:
    answer = Api(None).post("/api/auth/logout", {"refresh": tokens["refresh"]})
    assert answer.json() == {"status": "success", "data": {"logged_out": True}}
    assert refused(try_token(tokens["access"]))
    assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}))
    assert Outbox.objects.filter(event="LOGGED_OUT", user_id="USER-CLERK").count() == 1


def test_logging_out_ends_this_session_only(users: dict[Role, User], tokens: dict[str, str]) -> None:
    other = log_in(Api(None)).json()
    Api(None).post("/api/auth/logout", {"refresh": tokens["refresh"]})
    assert try_token(other["access"]).status_code == 200


def test_an_older_refresh_token_of_the_session_logs_out_too(tokens: dict[str, str]) -> None:
    following = Api(None).post("/api/auth/refresh", {"refresh": tokens["refresh"]}).json()
    assert Api(None).post("/api/auth/logout", {"refresh": tokens["refresh"]}).status_code == 200
    assert refused(try_token(following["access"]))


# Tokens that are not ours, or not for this.


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def signed(told: dict[str, Any], key: str | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(told, key or settings.SECRET_KEY, algorithm=algorithm)


def unsigned(told: dict[str, Any], algorithm: str = "none") -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "typ": "JWT"}, told)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


FORGERIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "another key": lambda told: signed(told, "another-key-of-thirty-two-characters!"),
    "no signature": unsigned,
    "None": lambda told: unsigned(told, "None"),
    "no algorithm": lambda told: unsigned(told, ""),
    "another algorithm": lambda told: signed(told, algorithm="HS384"),
    "another audience": lambda told: signed({**told, "aud": "another-shop"}),
    "no audience": lambda told: signed({k: v for k, v in told.items() if k != "aud"}),
    "another issuer": lambda told: signed({**told, "iss": "another-shop"}),
    "another user": lambda told: signed({**told, "user_id": "USER-OWNER"}),
    "no user": lambda told: signed({k: v for k, v in told.items() if k != "user_id"}),
    "no session": lambda told: signed({k: v for k, v in told.items() if k != "sid"}),
    "a session that is none": lambda told: signed({**told, "sid": "1"}),
    "a number for a session": lambda told: signed({**told, "sid": 1}),
    "a session of nobody": lambda told: signed({**told, "sid": "01a20295-59fc-75f0-bd43-3d08c397a350"}),
    "no expiry": lambda told: signed({k: v for k, v in told.items() if k != "exp"}),
    "expired": lambda told: signed({**told, "exp": 1}),
    "not yet": lambda told: signed({**told, "nbf": told["exp"] + 3600}),
    "no type": lambda told: signed({k: v for k, v in told.items() if k != "token_type"}),
    "another type": lambda told: signed({**told, "token_type": "refresh"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_tokens(forgery: str, tokens: dict[str, str]) -> None:
    assert try_token(signed(claims(tokens["access"]))).status_code == 200, "the test's own signature would do"
    assert refused(try_token(FORGERIES[forgery](claims(tokens["access"]))))
    if forgery not in ("another type", "another user", "no user"):
        told = FORGERIES[forgery](claims(tokens["refresh"]))
        assert refused(Api(None).post("/api/auth/refresh", {"refresh": told}))


def test_a_refresh_token_gives_no_access_and_an_access_token_no_refresh(tokens: dict[str, str]) -> None:
    assert refused(try_token(tokens["refresh"]))
    assert refused(Api(None).post("/api/auth/refresh", {"refresh": tokens["access"]}))
    assert refused(Api(None).post("/api/auth/logout", {"refresh": tokens["access"]}))


def test_a_token_with_a_changed_payload(tokens: dict[str, str]) -> None:
    head, _, signature = tokens["access"].split(".")
    body = json.dumps({**claims(tokens["access"]), "user_id": "USER-OWNER"}).encode()
    assert refused(try_token(f"{head}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.{signature}"))


def test_a_signature_by_a_known_key_that_is_none(tokens: dict[str, str]) -> None:
    """The algorithm a token claims is never believed."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"/dev/null","typ":"JWT"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims(tokens["access"])).encode()).rstrip(b"=")
    signature = base64.urlsafe_b64encode(hmac.new(b"", head + b"." + body, hashlib.sha256).digest()).rstrip(b"=")
    assert refused(try_token(b".".join((head, body, signature)).decode()))


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic Y2xlcms6cGFzc3dvcmQ=",
        "Token x",
        "Bearer a b",
        "Bearer \u00e9",
        "Bearer " + "x" * 9000,
        "x",
    ],
)
def test_headers_that_are_none(header: str, users: dict[Role, User]) -> None:
    assert refused(Api(None).post("/api/inventory/query", LIVE, Authorization=header))


def test_the_scheme_may_be_written_in_any_case(tokens: dict[str, str]) -> None:
    assert try_token(tokens["access"], "bearer").status_code == 200


def test_an_admin_session_is_no_token(users: dict[Role, User], client: Any) -> None:
    client.force_login(users[Role.OWNER])
    answer = client.post("/api/inventory/query", {}, content_type="application/json")
    assert answer.status_code == 401


def test_the_system_user_can_never_be_in_the_database(users: dict[Role, User]) -> None:
    from django.db import IntegrityError, transaction

    for public_id in ("system", ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create_user(f"x{public_id}", public_id=public_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("another", public_id="USER-OWNER")


def test_public_ids_are_made_and_unguessable(db: None) -> None:
    ids = {User.objects.create_user(f"u{number}").public_id for number in range(20)}
    assert len(ids) == 20
    assert all(public_id.startswith("USER-") and len(public_id) == 13 for public_id in ids)
