"""Logging in by any door: who has to wait, whose password is wrong, who has yet to bring a code; and the trail."""

from typing import Any, Never

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest

from audit import events
from audit.services import denial_count, event_record
from shop_assistant.accounts import lockout, second_factor
from shop_assistant.accounts.limits import address_token
from shop_assistant.accounts.models import User
from shop_assistant.agents.errors import NotAuthenticated, RateLimited, SecondFactorMissing, SecondFactorRequired

WRONG_PASSWORD = "User name or password is wrong."  # noqa: S105
WRONG_CODE = "This code is wrong or was used before; take the next one."


def user_of(request: HttpRequest, *, username: str, password: str, otp: str | None) -> User:
    """Who logs in at the API, with a code where the account has a device.

    :raises RateLimited: after failures, and how long to wait.
    :raises NotAuthenticated: for a wrong password or code.
    :raises SecondFactorRequired: when the code is missing.
    :raises SecondFactorMissing: when a device is required and not set up.
    """
    user = check_password(request, username=username, password=password, channel="rest")
    if settings.ADMIN_SECOND_FACTOR == "off":
        return user
    if second_factor.has_device(user):
        if otp is None:
            raise SecondFactorRequired(
                fields={"otp": "is missing: the code that your device shows, or a recovery code"}
            )
        _check_code(request, user, otp, "rest")
    elif second_factor.must_have(user):
        raise SecondFactorMissing()
    return user


def check_password(request: HttpRequest, *, username: str, password: str, channel: str) -> User:
    """:raises RateLimited: or NotAuthenticated."""
    _attempt(request, username, channel)
    user: Any = authenticate(request, username=username, password=password)
    if user is None:
        login_failed(request, username=username, channel=channel)
        raise NotAuthenticated(WRONG_PASSWORD)
    return user


def check_code(request: HttpRequest, *, user: User, code: str, channel: str) -> None:
    """Of a user whose password was right in an earlier request.

    :raises RateLimited: or NotAuthenticated.
    """
    _attempt(request, user.get_username(), channel)
    _check_code(request, user, code, channel)


def logged_in(request: HttpRequest, *, user: User, channel: str) -> None:
    """All was right: say so in the trail, and forget the failures."""
    event_record(events.LOGGED_IN, user_id=user.public_id, channel=channel)
    lockout.succeeded(username=user.get_username(), address=address_token(request))


def login_failed(request: HttpRequest, *, username: str, channel: str, **more: Any) -> None:
    """Whose account was tried; an unknown name is not kept, it may be a password typed in the wrong field."""
    event_record(events.LOGIN_FAILED, user_id=_id_of(username), channel=channel, address=address_token(request), **more)


def login_changed(user: User, change: str, *, by: str, channel: str) -> None:
    """Say in the trail that somebody's means to log in changed; `by` is the user's own id, another's, or `system`."""
    event_record(events.LOGIN_CHANGED, user_id=by, channel=channel, change=change, of=user.public_id)


def login_unlock(user: User, *, by: str, channel: str) -> bool:
    """Let a user who failed too often try again at once; whether there was anything to forget."""
    with transaction.atomic():
        found = lockout.unlock(username=user.get_username())
        if found:
            login_changed(user, "unlocked", by=by, channel=channel)
    return found


def second_factor_reset(user: User, *, by: str, channel: str) -> bool:
    """Take a lost device off a login, which ends all its sessions; whether there was one."""
    with transaction.atomic():
        found = second_factor.device_remove(user, "second factor reset")
        if found:
            login_changed(user, "second factor reset", by=by, channel=channel)
    return found


def sessions_end(user: User, *, by: str, channel: str) -> bool:
    """Log a user out everywhere."""
    with transaction.atomic():
        user.sessions_end("logged out by staff")
        login_changed(user, "logged out everywhere", by=by, channel=channel)
    return True


def _attempt(request: HttpRequest, username: str, channel: str) -> None:
    try:
        lockout.attempt(username=username, address=address_token(request))
    except RateLimited as error:
        _refused(request, _id_of(username), channel, error)


def _check_code(request: HttpRequest, user: User, code: str, channel: str) -> None:
    try:
        lockout.code_attempt(username=user.get_username(), address=address_token(request))
    except RateLimited as error:
        _refused(request, user.public_id, channel, error)
    if not second_factor.accepts(user, code):
        login_failed(request, username=user.get_username(), channel=channel, factor="code")
        raise NotAuthenticated(WRONG_CODE)


def _refused(request: HttpRequest, user_id: str, channel: str, error: RateLimited) -> Never:
    """Counted by the minute, as whoever tries on has nothing new to tell."""
    denial_count(code=error.code, user_id=user_id, address=address_token(request), route=f"login/{channel}")
    error.recorded = True
    raise error


def _id_of(username: str) -> str:
    return User.objects.filter(username=username).values_list("public_id", flat=True).first() or ""
