"""Every variable of the environment: its default, and what it refuses and how that is said."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from shop_assistant.environment import file_read
from tests import ROOT

from .conftest import Load

NAMES = set(re.findall(r"^([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
USERS = {
    "API_HOST",
    "API_PORT",
    "ENV",
    "DATABASE_URL",
    "AUDIT_DB_URL",
    "OPENAI_API_KEY",
    "STRIPE_API_KEY",
    "INVENTORY_API_URL",
    "LOG_LEVEL",
    "AUDIT_LOG_PATH",
    "ENABLE_PRICE_OPTIMIZATION",
    "ENABLE_DYNAMIC_PRICING",
    "COMPLIANCE_THRESHOLD",
}
SECRET = "s3cr3t-Canary"


def test_the_users_variables_are_all_there() -> None:
    assert NAMES >= USERS
    assert {
        "DEMO_PASSWORD",
        "SHOP_NAME",
        "SHOP_CURRENCY",
        "SHOP_TIMEZONE",
        "RATE_LIMIT_USER",
        "RATE_LIMIT_ANONYMOUS",
        "ACCESS_TOKEN_MINUTES",
        "TASKS_BACKEND",
        "REDIS_URL",
        "CACHE_URL",
    } <= NAMES


def test_a_file_of_variables_that_can_not_be_read_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_read(tmp_path / "none")
    with pytest.raises(ImproperlyConfigured, match="Is a directory"):
        file_read(tmp_path)
    path = tmp_path / ".env"
    path.write_bytes("SHOP_NAME=Käse".encode("cp1252"))
    with pytest.raises(ImproperlyConfigured, match="UTF-8"):
        file_read(path)
    path.write_text("SHOP_NAME=Other\nSHOP_OF_THIS_TEST=Käse\n", encoding="utf-8")
    monkeypatch.setenv("SHOP_NAME", "Mine")
    monkeypatch.setenv("SHOP_OF_THIS_TEST", "")  # so that it is gone afterwards
    monkeypatch.delenv("SHOP_OF_THIS_TEST")
    file_read(path)
    assert (os.environ["SHOP_NAME"], os.environ["SHOP_OF_THIS_TEST"]) == ("Mine", "Käse")


def test_a_command_tells_a_wrong_variable_in_one_sentence() -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"API_PORT": "till"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert told.stderr.startswith("The shop can't start: API_PORT must be a whole number from 1 to 65535")


def test_every_variable_that_is_read_is_listed() -> None:
    sources = [*ROOT.glob("shop_assistant/settings/*.py"), ROOT / "shop_assistant/environment.py"]
    readers = (
        "choice|flag|whole|decimal|text|listing|url|currency|time_zone|time_of_day|rate|key_ring|keys|host|path|email"
        "|_database"
    )
    read = {
        name
        for source in sources
        for name in re.findall(rf"\b(?:{readers})\(\"([A-Z][A-Z0-9_]+)\"", source.read_text())
    }
    composed = set(re.findall(r"\$\{([A-Z][A-Z0-9_]+)", (ROOT / "compose.yaml").read_text()))
    assert (read | composed) - {"TEST_DATABASE_URL"} == NAMES


def test_the_users_own_file(load: Load) -> None:
    settings = load(
        API_HOST="0.0.0.0",
        API_PORT="8000",
        ENV="development",
        DATABASE_URL="postgresql://user:password@localhost:5432/ai_shop",
        AUDIT_DB_URL="postgresql://user:password@localhost:5432/audit_logs",
        OPENAI_API_KEY="sk-...",
        STRIPE_API_KEY="sk_test_...",
        INVENTORY_API_URL="https://api.inventory.example.com",
        LOG_LEVEL="INFO",
        AUDIT_LOG_PATH="./logs/audit.log",
        ENABLE_PRICE_OPTIMIZATION="true",
        ENABLE_DYNAMIC_PRICING="true",
        COMPLIANCE_THRESHOLD="50",
    )
    assert (settings.API_HOST, settings.API_PORT) == ("0.0.0.0", 8000)
    assert {alias: found["NAME"] for alias, found in settings.DATABASES.items()} == {
        "default": "ai_shop",
        "audit": "audit_logs",
    }
    assert settings.DATABASES["default"]["OPTIONS"]["pool"]
    assert settings.DATABASES["default"]["OPTIONS"]["prepare_threshold"] == 1
    assert settings.DATABASES["default"]["OPTIONS"]["options"] == "-c random_page_cost=1.1 -c jit=off"
    assert settings.AUDIT_DATABASE == "audit"
    assert Path("logs/audit.log") == settings.AUDIT_LOG_PATH
    assert (settings.ENABLE_PRICE_OPTIMIZATION, settings.ENABLE_DYNAMIC_PRICING) == (True, True)
    assert settings.COMPLIANCE_THRESHOLD == 50


def test_nothing_set(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.ENV == "development"
    assert settings.DATABASES["default"]["NAME"] == str(tmp_path / "shop.sqlite3")
    assert set(settings.DATABASES) == {"default"}
    assert settings.AUDIT_DATABASE == "default"
    assert (settings.SHOP_CURRENCY, settings.SHOP_TIMEZONE, settings.TIME_ZONE) == (
        "GBP",
        "Europe/London",
        "Europe/London",
    )
    assert (settings.RATE_LIMIT_USER, settings.RATE_LIMIT_ANONYMOUS) == ((600, 60), (30, 60))
    assert settings.ACCESS_TOKEN_MINUTES == 15
    assert settings.DEBUG is False
    assert settings.LOGGING["path"] is None


def test_development_keys_are_made_once_and_kept_private(load: Load, tmp_path: Path) -> None:
    first, second = load(), load()
    assert (first.SECRET_KEY, first.LOOKUP_KEY) == (second.SECRET_KEY, second.LOOKUP_KEY)
    assert first.ENCRYPTION_KEYS == second.ENCRYPTION_KEYS
    assert len(first.SECRET_KEY) > 50
    kept = tmp_path / "development-keys.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


GOOD: list[tuple[str, str, Callable[[Any], Any], Any]] = [
    ("API_HOST", "::", lambda s: s.API_HOST, "::"),
    ("API_HOST", "shop.example", lambda s: s.API_HOST, "shop.example"),
    ("API_PORT", " 8080 ", lambda s: s.API_PORT, 8080),
    ("ALLOWED_HOSTS", "a.example, b.example,", lambda s: s.ALLOWED_HOSTS, ["a.example", "b.example"]),
    ("SHOP_CURRENCY", "jpy", lambda s: s.SHOP_CURRENCY, "JPY"),
    ("SHOP_TIMEZONE", "Asia/Tokyo", lambda s: s.TIME_ZONE, "Asia/Tokyo"),
    ("SHOP_NAME", "Bob's", lambda s: s.SHOP_NAME, "Bob's"),
    ("RATE_LIMIT_USER", "off", lambda s: s.RATE_LIMIT_USER, None),
    ("RATE_LIMIT_USER", "5/s", lambda s: s.RATE_LIMIT_USER, (5, 1)),
    ("RATE_LIMIT_ANONYMOUS", "100/hour", lambda s: s.RATE_LIMIT_ANONYMOUS, (100, 3600)),
    ("ENABLE_DYNAMIC_PRICING", "No", lambda s: s.ENABLE_DYNAMIC_PRICING, False),
    ("VALUATION_METHOD", "FIFO", lambda s: s.VALUATION_METHOD, "fifo"),
    ("DIGEST_AT", "23:59", lambda s: s.DIGEST_AT.isoformat("minutes"), "23:59"),
    ("NEGATIVE_STOCK", "Allow", lambda s: s.NEGATIVE_STOCK, "allow"),
    ("PRICES_INCLUDE_TAX", "0", lambda s: s.PRICES_INCLUDE_TAX, False),
    ("LOYALTY_POINT_VALUE", "0.005", lambda s: s.LOYALTY_POINT_VALUE, Decimal("0.005")),
    ("LOG_LEVEL", "debug", lambda s: s.LOG_LEVEL, "DEBUG"),
    ("DATABASE_URL", "sqlite:////tmp/x.db", lambda s: s.DATABASES["default"]["NAME"], "/tmp/x.db"),
    ("DATABASE_URL", "postgres://h/db", lambda s: s.DATABASES["default"]["HOST"], "h"),
    ("CACHE_URL", "redis://h:6379/1", lambda s: s.CACHES["default"]["LOCATION"], "redis://h:6379/1"),
    ("CACHE_URL", "redis://h:6379/1", lambda s: s.REDIS_URL, "redis://h:6379/1"),
    ("ACCESS_TOKEN_MINUTES", "5", lambda s: s.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"].total_seconds(), 300),
    ("MAX_BODY_BYTES", "2048", lambda s: s.DATA_UPLOAD_MAX_MEMORY_SIZE, 2048),
    ("RATE_LIMIT_LOGIN", "off", lambda s: s.RATE_LIMIT_LOGIN, None),
    ("ADMIN_SECOND_FACTOR", "Required", lambda s: s.ADMIN_SECOND_FACTOR, "required"),
    ("ADMIN_SECOND_FACTOR", "", lambda s: s.ADMIN_SECOND_FACTOR, "optional"),
    ("OUTGOING_ALLOWED_HOSTS", "Witness.lan., b", lambda s: s.OUTGOING_ALLOWED_HOSTS, ["witness.lan", "b"]),
]


@pytest.mark.parametrize(("name", "value", "look", "expected"), GOOD, ids=[f"{n}={v}" for n, v, _, _ in GOOD])
def test_good_values(name: str, value: str, look: Callable[[Any], Any], expected: Any, load: Load) -> None:
    assert look(load(**{name: value})) == expected


BAD: dict[str, tuple[str, ...]] = {
    "ENV": ("prod", "staging"),
    "API_HOST": ("two words", "http://localhost", "a/b", "x" * 300),
    "API_PORT": ("0", "65536", "http", "80.5", "-1", "8000x", "99999999999"),
    "COMPLIANCE_THRESHOLD": ("101", "-1", "half"),
    "ENABLE_PRICE_OPTIMIZATION": ("maybe", "2"),
    "ENABLE_DYNAMIC_PRICING": ("yess",),
    "DEBUG": ("verbose",),
    "DATABASE_URL": (
        "mysql://user:s3cr3t-Canary@host/db",
        "nonsense",
        "s3cr3t-Canary",
        "postgresql://user:s3cr3t-Canary@host:port/db",
        "postgresql://user:s3cr3t-Canary@host",
        "http://x",
    ),
    "AUDIT_DB_URL": ("oracle://user:s3cr3t-Canary@host/db", "nonsense"),
    "INVENTORY_API_URL": ("api.example.com", "ftp://x", "https://", "https://[bad", "s3cr3t-Canary"),
    "CACHE_URL": ("memcached://x", "localhost:6379"),
    "LOG_LEVEL": ("loud", "trace"),
    "SHOP_CURRENCY": ("POUNDS", "XX", "\u00a3"),
    "SHOP_TIMEZONE": ("London", "Mars/Base", "../etc/passwd"),
    "VALUATION_METHOD": ("lifo",),
    "DIGEST_TO": ("owner", "a@b, c@d"),
    "DIGEST_AT": ("7", "24:00", "noon"),
    "RATE_LIMIT_USER": ("600", "0/min", "600/fortnight", "-5/min", "none"),
    "RATE_LIMIT_ANONYMOUS": ("x/min",),
    "ACCESS_TOKEN_MINUTES": ("0", "1441", "soon"),
    "REFRESH_TOKEN_DAYS": ("0", "91"),
    "RATE_LIMIT_LOGIN": ("50", "some/hour"),
    "LOGIN_FAILURES": ("0", "101", "few"),
    "ADMIN_SECOND_FACTOR": ("yes", "mandatory"),
    "TRUSTED_PROXIES": ("-1", "many"),
    "MAX_BODY_BYTES": ("1", "1MB"),
    "DATABASE_POOL_SIZE": ("0", "1000"),
    "DATABASE_PREPARED": ("perhaps",),
    "AUDIT_BACKLOG_LIMIT": ("1",),
    "TASKS_BACKEND": ("rabbit",),
    "REDIS_URL": ("localhost:6379", "http://h", "s3cr3t-Canary"),
    "NEGATIVE_STOCK": ("sometimes",),
    "PRICES_INCLUDE_TAX": ("some",),
    "LOYALTY_EARN_RATE": ("-1", "1e5", "1001", "one", "NaN"),
    "LOYALTY_POINT_VALUE": ("-0.01",),
    "ENCRYPTION_KEYS": ("s3cr3t-Canary", "k1:s3cr3t-Canary", "K1:AAAA", "k1:AAAA", ":AAAA"),
    "LOOKUP_KEY": ("s3cr3t-Canary", "AAAA"),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_stops_the_start_with_a_sentence(name: str, value: str, load: Load) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        load(**{name: value})
    told = str(caught.value)
    assert told.startswith(f"{name} must be ")
    assert ".env" in told
    assert SECRET not in told
    assert len(told) < 300


def test_a_queue_in_redis_needs_a_redis(load: Load) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        load(TASKS_BACKEND="redis")
    assert "TASKS_BACKEND=redis needs REDIS_URL" in str(caught.value)
    settings = load(TASKS_BACKEND="redis", REDIS_URL="rediss://user:s3cr3t@h:6380/2")
    assert settings.TASKS["default"]["BACKEND"] == "django_tasks_rq.RQBackend"
    queue = settings.RQ_QUEUES["default"]
    assert (queue["HOST"], queue["PORT"], queue["DB"], queue["SSL"]) == ("h", 6380, 2, True)
    assert (queue["USERNAME"], queue["PASSWORD"]) == ("user", "s3cr3t")
    assert load(TASKS_BACKEND="redis", CACHE_URL="redis://h:6379/1").RQ_QUEUES["default"]["DB"] == 1
