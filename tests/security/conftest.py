"""Logging in at the doors, as a browser and a program do."""

from base64 import b32decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_otp.oath import totp

from shop_assistant.accounts.models import User
from shop_assistant.accounts.second_factor import device_begin, device_confirm
from shop_assistant.agents import Role
from tests.conftest import PASSWORD

LOGIN, FACTOR, INDEX = "/admin/login/", "/admin/second-factor/", "/admin/"


def token(username: str, password: str = PASSWORD, address: str = "203.0.113.1", **more: Any) -> Any:
    """The answer to a login at the API."""
    body = {"username": username, "password": password, **more}
    return Client().post("/api/auth/token", body, content_type="application/json", REMOTE_ADDR=address)


def page_login(username: str, password: str = PASSWORD, address: str = "203.0.113.1", client: Any = None) -> Any:
    """The answer to the admin's login page; its `client` is the browser."""
    return (client or Client()).post(LOGIN, {"username": username, "password": password}, REMOTE_ADDR=address)


def calls(access: str) -> int:
    """Status of a call with this access token."""
    headers = {"Authorization": f"Bearer {access}"}
    status: int = (
        Client().post("/api/inventory/query", {}, content_type="application/json", headers=headers).status_code
    )
    return status


class Device:
    """An authenticator app. Each code it shows is of a later time step than the one before."""

    def __init__(self, user: User, clock: Any) -> None:
        self.user, self.clock = user, clock
        self.secret = device_begin(user).secret

    def confirmed(self) -> list[str]:
        """Set up; the recovery codes."""
        codes = device_confirm(self.user, self.next())
        assert codes
        return codes

    def next(self) -> str:
        self.clock.shift(timedelta(seconds=30))
        return self.now()

    def now(self) -> str:
        return f"{totp(b32decode(self.secret)):06}"

    def wrong(self) -> str:
        """Six digits that are no code now or soon."""
        right = {totp(b32decode(self.secret), drift=drift) for drift in range(-3, 40)}
        return next(f"{number:06}" for number in range(1000) if number not in right)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False) as traveller:
        yield traveller


@pytest.fixture
def device(users: dict[Role, User], clock: Any) -> Callable[[str], Device]:
    return lambda role: Device(users[Role(role)], clock)
