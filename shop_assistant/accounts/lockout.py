"""Who fails to log in often has to wait: longer each time, under this name from this address.

From elsewhere the same user logs in all the while, so that nobody locks another out. Against guessing from many
addresses there is a slower limit of the user's own (RATE_LIMIT_LOGIN); it does not count at addresses from which the
user has logged in within the last month. Each attempt is counted before the password is looked at, so that a wave of
parallel ones gets no more tries than one after another.
"""

import hashlib
import hmac
import unicodedata
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from shop_assistant.agents.errors import RateLimited

from .limits import limit
from .models import LoginAttempts, RateCount

FIRST_WAIT, LONGEST_WAIT = 30, 3600
"""Seconds; each failure more doubles it."""
FORGOTTEN_AFTER = timedelta(days=1)
"""So long after the last attempt, failures count no more."""
KNOWN_FOR = timedelta(days=30)
CODES_PER_HOUR = 10
"""Wrong codes of the second factor that a user may send from addresses not known, where the password was right."""


def attempt(*, username: str, address: str) -> None:
    """Count an attempt to log in, before anything is checked.

    :param address: as `limits.address_token` makes it.
    :raises RateLimited: while this name has to wait at this address, or everywhere.
    """
    login, now = login_token(username), timezone.now()
    with transaction.atomic():
        LoginAttempts.objects.bulk_create(
            [LoginAttempts(login=login, address=address, tried_at=now)], ignore_conflicts=True
        )
        row = LoginAttempts.objects.select_for_update().get(login=login, address=address)
        locked_until = row.locked_until if row.locked_until and row.locked_until > now else None
        if locked_until is None:
            row.failures = 1 if now - row.tried_at > FORGOTTEN_AFTER else row.failures + 1
            row.tried_at, row.locked_until = now, _next(row.failures, now)
            row.save(update_fields=["failures", "tried_at", "locked_until"])
    if locked_until is not None:
        raise _wait(locked_until - now)
    if not _known(row, now):
        limit(f"login:{login}", settings.RATE_LIMIT_LOGIN)


def code_attempt(*, username: str, address: str) -> None:
    """Count a code of the second factor, where the password was right.

    :raises RateLimited: after too many from addresses from which this user has not logged in before.
    """
    login = login_token(username)
    row = LoginAttempts.objects.filter(login=login, address=address).first()
    if row is None or not _known(row, timezone.now()):
        limit(f"code:{login}", (CODES_PER_HOUR, 3600))


def succeeded(*, username: str, address: str) -> None:
    """Forget the failures of this name at this address, which is known to be the user's from now on."""
    now = timezone.now()
    LoginAttempts.objects.update_or_create(
        login=login_token(username),
        address=address,
        defaults={"failures": 0, "tried_at": now, "locked_until": None, "succeeded_at": now},
    )


def unlock(*, username: str) -> bool:
    """Let this user try again at once, everywhere; whether anything was counted."""
    login = login_token(username)
    with transaction.atomic():
        counts, _ = RateCount.objects.filter(caller__in=[f"login:{login}", f"code:{login}"]).delete()
        rows = LoginAttempts.objects.filter(login=login, failures__gt=0)
        return bool(counts + rows.update(failures=0, locked_until=None))


def locked_until(*, username: str) -> datetime | None:
    """Until when this user has to wait at the address where it is longest; None when nowhere."""
    rows = LoginAttempts.objects.filter(login=login_token(username), locked_until__gt=timezone.now())
    return rows.aggregate(last=Max("locked_until"))["last"]


def attempts_prune() -> int:
    """Forget what no longer counts; how many."""
    now = timezone.now()
    old = LoginAttempts.objects.filter(tried_at__lt=now - FORGOTTEN_AFTER)
    kept = old.exclude(succeeded_at=None).filter(succeeded_at__gte=now - KNOWN_FOR)
    deleted, _ = old.exclude(pk__in=kept.values("pk")).delete()
    return deleted


def login_token(username: str) -> str:
    """A keyed hash: what is typed as a user name may be a password typed in the wrong field."""
    normal = unicodedata.normalize("NFKC", username).strip().casefold()
    return hmac.new(settings.LOOKUP_KEY, f"login:{normal}".encode(), hashlib.sha256).hexdigest()[:32]


def _known(row: LoginAttempts, now: datetime) -> bool:
    return row.succeeded_at is not None and now - row.succeeded_at < KNOWN_FOR


def _next(failures: int, now: datetime) -> datetime | None:
    """When the next attempt may be made after so many failures."""
    beyond = failures - settings.LOGIN_FAILURES
    if beyond < 0:
        return None
    return now + timedelta(seconds=min(FIRST_WAIT * 2 ** min(beyond, 10), LONGEST_WAIT))


def _wait(remaining: timedelta) -> RateLimited:
    seconds = max(1, ceil(remaining.total_seconds()))
    error = RateLimited(f"Too many failed logins; wait {seconds} s and try again.")
    error.retry_after = seconds
    return error
