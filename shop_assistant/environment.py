"""Reads and validates what the shop is told from outside: .env and the environment (which wins).

Everything is read under the name the README lists; a value that can't be right stops the start with a
sentence that says which variable and what it should be.
"""

import base64
import json
import os
import re
import secrets
from contextlib import suppress
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import environ
from babel import Locale
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


def file_read(path: Path) -> None:
    """Take over the variables of a file, where there is one; the environment wins.

    :raises ImproperlyConfigured: when it is there and can't be read: without it a production shop would start as
        one for development.
    """
    try:
        path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} can't be read ({error.strerror}): let the user that the shop runs as read it (chown, chmod 640)."
        ) from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path} is not written in UTF-8: save it so.") from None
    environ.Env.read_env(path)


file_read(BASE_DIR / ".env")


def settings_module() -> str:
    """The settings of this ENV: development (default), production or test."""
    kind = choice("ENV", ("development", "production", "test"), default="development")
    return "shop_assistant.settings." + {"development": "base"}.get(kind, kind)


def _wrong(name: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {expected}; mend it in .env or the environment.")


def choice(name: str, allowed: tuple[str, ...], *, default: str) -> str:
    value = str(env.str(name, default=default)).strip().lower() or default
    if value not in allowed:
        raise _wrong(name, "one of " + ", ".join(allowed))
    return value


def flag(name: str, *, default: bool) -> bool:
    return choice(name, ("true", "false", "1", "0", "yes", "no", "on", "off"), default=str(default).lower()) in (
        "true",
        "1",
        "yes",
        "on",
    )


def whole(name: str, *, default: int, low: int, high: int) -> int:
    raw = str(env.str(name, default="")).strip() or str(default)
    if not re.fullmatch(r"-?\d{1,9}", raw) or not low <= int(raw) <= high:
        raise _wrong(name, f"a whole number from {low} to {high}")
    return int(raw)


def decimal(name: str, *, default: str, low: str, high: str) -> Decimal:
    raw = str(env.str(name, default="")).strip() or default
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", raw) or not Decimal(low) <= Decimal(raw) <= Decimal(high):
        raise _wrong(name, f"a number from {low} to {high}")
    return Decimal(raw)


def text(name: str, *, default: str = "") -> str:
    return str(env.str(name, default="")).strip() or default


def path(name: str, *, default: Path | None) -> Path | None:
    """A file's path; `off` is none."""
    value = text(name, default=str(default or "off"))
    return None if value.lower() == "off" else Path(value)


def email(name: str) -> str:
    value = text(name)
    if value and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", value):
        raise _wrong(name, "an e-mail address")
    return value


def listing(name: str) -> list[str]:
    return [part.strip() for part in text(name).split(",") if part.strip()]


def url(name: str, *, schemes: tuple[str, ...]) -> str:
    value, found = text(name), None
    with suppress(ValueError):
        found = urlsplit(value)
    if value and (found is None or found.scheme not in schemes or not found.netloc):
        raise _wrong(name, "a URL beginning " + " or ".join(f"{s}://" for s in schemes) + ", or left empty")
    return value


def host(name: str, *, default: str) -> str:
    """A host name or an IP address."""
    value = text(name, default=default)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]{2,45}", value):
        raise _wrong(name, "a host name or an IP address")
    return value


def currency(name: str, *, default: str) -> str:
    value = text(name, default=default).upper()
    if value not in Locale("en").currencies:
        raise _wrong(name, "an ISO 4217 code such as GBP or EUR")
    return value


def time_zone(name: str, *, default: str) -> str:
    value = text(name, default=default)
    if value not in available_timezones():
        raise _wrong(name, "a time zone such as Europe/London")
    return value


def time_of_day(name: str, *, default: str) -> time:
    value = text(name, default=default)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise _wrong(name, "a time of day such as 07:30")
    return time.fromisoformat(value)


def rate(name: str, *, default: str) -> tuple[int, int] | None:
    """`600/min` as (600, 60): requests and seconds; `off` as None."""
    value = text(name, default=default).lower()
    if value == "off":
        return None
    seconds = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600}
    found = re.fullmatch(r"([1-9]\d{0,6})/(\w+)", value)
    if not found or found[2] not in seconds:
        raise _wrong(name, "like 600/min (s, min or hour), or off")
    return int(found[1]), seconds[found[2]]


def key_ring(name: str, fallback: str, *, file: str = "") -> dict[str, bytes]:
    """`id:base64,id2:base64` as ids and 32-byte keys; the first is the one in use.

    :param file: value of NAME_FILE: the file that holds them instead, one a line.
    """
    ring: dict[str, bytes] = {}
    told = text(name)
    if file:
        told, name = _from_file(name, file), f"{name}_FILE"
    for part in (told or fallback).split(","):
        key_id, _, encoded = part.strip().partition(":")
        if not re.fullmatch(r"[a-z0-9-]{1,16}", key_id):
            raise _wrong(name, "id:base64 pairs separated by commas, an id being 1-16 of a-z, 0-9 and -")
        if key_id in ring:
            raise _wrong(name, f"made of keys with an id of their own each; {key_id} is there twice")
        ring[key_id] = _key_bytes(name, encoded)
    return ring


def _from_file(name: str, file: str) -> str:
    """The lines of a file, joined by commas.

    :raises ImproperlyConfigured: when the variable is set as well, or the file can't be read.
    """
    if text(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE: {file} can't be read ({error}).") from None
    kept = [line.strip().strip(",") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not kept:
        raise ImproperlyConfigured(f"{name}_FILE: {file} has no key in it: a line each, id:base64, the newest first.")
    return ",".join(kept)


def keys(name: str, fallback: str) -> list[bytes]:
    """32-byte keys as base64, by commas; the first is the one in use, the others are those before it."""
    return [_key_bytes(name, part.strip()) for part in (text(name) or fallback).split(",")]


def _key_bytes(name: str, encoded: str) -> bytes:
    try:
        found = base64.b64decode(encoded, validate=True)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise _wrong(name, "made of base64 of 32 random bytes (manage.py make_keys prints some)")
    return found


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def development_keys(folder: Path) -> dict[str, str]:
    """The keys of a development shop: made once, kept beside its data, never used in production."""
    path = folder / "development-keys.json"
    keys = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": f"dev:{new_key()}",
        "LOOKUP_KEY": new_key(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".keys-{secrets.token_hex(4)}"
    try:
        draft.write_text(json.dumps(keys))
        draft.chmod(0o600)
        os.link(draft, path)  # atomic: of several processes that start at once, one makes the keys
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def redis_queue(name: str, value: str) -> dict[str, Any]:
    """What the queue's library wants to know of a Redis. A request waits for it two seconds at most."""
    if not value:
        raise ImproperlyConfigured(
            f"TASKS_BACKEND=redis needs {name}, like redis://localhost:6379/0; set it in .env or the environment."
        )
    try:
        found = parse_url(value)
    except ValueError:
        raise _wrong(name, "like redis://user:password@host:6379/0") from None
    return {
        "HOST": found.get("host", "localhost"),
        "PORT": found.get("port", 6379),
        "DB": found.get("db", 0),
        "USERNAME": found.get("username"),
        "PASSWORD": found.get("password"),
        "SSL": value.startswith("rediss:"),
        "REDIS_CLIENT_KWARGS": {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 2, "socket_timeout": 2},
        "SERIALIZER": "rq.serializers.JSONSerializer",  # pickles would let whoever writes to Redis run code here
        "DEFAULT_TIMEOUT": 3600,
    }


def database(name: str, *, default: str, pool_size: int, prepared: bool) -> dict[str, Any]:
    """A database's settings from its URL, with what each kind needs to be durable and fast."""
    value = text(name, default=default)
    config: dict[str, Any] = {}
    with suppress(ValueError):
        if urlsplit(value).scheme in ("postgresql", "postgres", "sqlite"):
            config = env.db_url_config(value)
    if not config.get("NAME"):
        raise _wrong(name, "like postgresql://user:password@host:5432/name or sqlite:///path")
    options = config.setdefault("OPTIONS", {})
    if "sqlite" in config["ENGINE"]:
        options.update(
            transaction_mode="IMMEDIATE",  # a transaction that will write says so at once: no upgrade deadlocks
            timeout=20,
            init_command=(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
                "PRAGMA secure_delete=ON; PRAGMA cache_size=-32000"
            ),
        )
    else:
        options.update(connect_timeout=10)
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
        if prepared:
            options.update(server_side_binding=True, prepare_threshold=1)
            # The planner's default is a spinning disk's, for which it reads whole tables rather than an index; and it
            # compiles what it thinks dear, which took 16 s of a query that then ran for 0.2.
            options["options"] = f"{options.get('options', '')} -c random_page_cost=1.1 -c jit=off".strip()
    return config
