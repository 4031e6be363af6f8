"""Rate limits that are exact across processes and hosts: one atomic upsert in the shop's own database.

On PostgreSQL the table is UNLOGGED, so that counting costs no disk flush. A window begins with a caller's
first request, so that no border between two fixed windows lets a double wave through.
"""

import hashlib
import hmac
import ipaddress
from datetime import UTC, datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from shop_assistant.agents.errors import RateLimited

from .models import RateCount

_COUNT = """
    INSERT INTO accounts_ratecount AS kept (caller, started_at, count, seconds) VALUES (%s, %s, 1, %s)
    ON CONFLICT (caller) DO UPDATE SET
        count = CASE WHEN kept.started_at <= %s THEN 1 ELSE kept.count + 1 END,
        started_at = CASE WHEN kept.started_at <= %s THEN excluded.started_at ELSE kept.started_at END,
        seconds = excluded.seconds
    RETURNING count, started_at
"""


IPV6_NETWORK = 64
"""Bits by which callers are told apart: the rest of an IPv6 address anybody chooses anew as often as they like."""


def client_address(request: HttpRequest) -> str:
    """The caller's IPv4 address or IPv6 network."""
    said = _address(request)
    try:
        found = ipaddress.ip_address(said.strip("[]"))
    except ValueError:
        return said
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), IPV6_NETWORK), strict=False))


def _address(request: HttpRequest) -> str:
    """X-Forwarded-For counts only as far as TRUSTED_PROXIES of our own have written it."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    trusted: int = settings.TRUSTED_PROXIES
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    address: str = request.META.get("REMOTE_ADDR", "")
    return address


def address_token(request: HttpRequest) -> str:
    """A keyed hash by which one address can be recognised again but not read."""
    return hmac.new(settings.LOOKUP_KEY, client_address(request).encode(), hashlib.sha256).hexdigest()[:24]


def limit(caller: str, rate: tuple[int, int] | None) -> None:
    """Count one request of this caller.

    :param caller: `user:<public_id>` or `address:<token>`.
    :param rate: requests and seconds, or None for no limit.
    :raises RateLimited:
    """
    if rate is None:
        return
    allowed, seconds = rate
    now = timezone.now()
    expired = now - timedelta(seconds=seconds)
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [caller, adapt(now), seconds, adapt(expired), adapt(expired)])
        count, started_at = cursor.fetchone()
    if count > allowed:
        raise _refusal(allowed, seconds, started_at)


def _refusal(allowed: int, seconds: int, started_at: datetime | str) -> RateLimited:
    if isinstance(started_at, str):  # as some versions of SQLite answer raw SQL
        started_at = datetime.fromisoformat(started_at)
    if timezone.is_naive(started_at):  # and all of them in UTC, without saying so
        started_at = started_at.replace(tzinfo=UTC)
    error = RateLimited(f"More than {allowed} requests in {seconds} s; wait and try again.", limit=allowed)
    error.retry_after = max(1, ceil((started_at - timezone.now()).total_seconds() + seconds))
    return error


def counts_prune() -> int:
    """Forget the callers whose windows ended long ago; how many."""
    deleted, _ = RateCount.objects.filter(started_at__lt=timezone.now() - timedelta(days=1)).delete()
    return deleted
