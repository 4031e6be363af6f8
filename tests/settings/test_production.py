"""ENV=production refuses to start on anything unsafe, and names it."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests import ROOT

from .conftest import Load

KEY = base64.b64encode(bytes(range(32))).decode()
NO_KEY = base64.b64encode(bytes(32)).decode()
SAFE = {
    "ENV": "production",
    "SECRET_KEY": "pZ4-kq82hfjvY_w7Nn0s3RrTgLxCm1dBbEaUoViQy9M6zKePtHcXWu5G",
    "ENCRYPTION_KEYS": f"k1:{KEY}",
    "LOOKUP_KEY": KEY,
    "AUDIT_SIGNING_KEY": "PRIVATE+KEY+test-shop/audit+19c5d93e+AQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD",
    "DATABASE_URL": "postgresql://shop:password@db:5432/shop",
    "ALLOWED_HOSTS": "shop.example",
}


def refused(load: Load, **changed: str) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        load("production", **{**SAFE, **changed})
    return str(caught.value)


def test_safe_settings_start(load: Load) -> None:
    settings = load("production", **SAFE)
    assert settings.ENV == "production"
    assert settings.DEBUG is False
    assert settings.SECURE_SSL_REDIRECT is True
    assert settings.SESSION_COOKIE_SECURE is True
    assert settings.CSRF_COOKIE_SECURE is True
    assert settings.SECURE_HSTS_SECONDS >= 31_536_000
    assert settings.CORS_ALLOWED_ORIGINS == []
    assert settings.LOGGING["path"] is not None


UNSAFE: list[tuple[str, str]] = [
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "short"),
    ("SECRET_KEY", "a" * 60),
    ("SECRET_KEY", "changeme-changeme-changeme-changeme-changeme"),
    ("SECRET_KEY", "django-insecure-pZ4kq82hfjvYw7Nn0s3RrTgLxCm1dBbEaUoViQy9"),
    ("DEBUG", "true"),
    ("ENCRYPTION_KEYS", ""),
    ("ENCRYPTION_KEYS", f"k1:{NO_KEY}"),
    ("LOOKUP_KEY", ""),
    ("LOOKUP_KEY", NO_KEY),
    ("AUDIT_SIGNING_KEY", ""),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "sqlite:////var/shop.sqlite3"),
    ("AUDIT_DB_URL", "sqlite:////var/audit.sqlite3"),
    ("CORS_ALLOW_ALL_ORIGINS", "true"),
    ("CORS_ALLOWED_ORIGINS", "*"),
    ("ALLOWED_HOSTS", ""),
    ("ALLOWED_HOSTS", "*"),
]


@pytest.mark.parametrize(("name", "value"), UNSAFE)
def test_an_unsafe_setting_is_refused_and_named(name: str, value: str, load: Load) -> None:
    told = refused(load, **{name: value})
    assert "ENV=production" in told
    lines = [line for line in told.splitlines() if line.startswith("  - ")]
    assert len(lines) == 1
    assert ("CORS" if name.startswith("CORS") else name) in lines[0]
    if len(value) > 5:
        assert value not in told.replace("sqlite", "")


def test_the_signing_key_may_lie_in_a_file_of_its_own(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "audit.key"
    file.write_text(SAFE["AUDIT_SIGNING_KEY"])
    file.chmod(0o600)
    there = {"AUDIT_SIGNING_KEY": "", "AUDIT_SIGNING_KEY_FILE": str(file)}
    assert file == load("production", **{**SAFE, **there}).AUDIT_SIGNING_KEY_FILE
    file.chmod(0o644)
    assert "AUDIT_SIGNING_KEY_FILE can be read by everybody" in refused(load, **there)


def test_a_mailbox_needs_a_mail_server(load: Load) -> None:
    assert "EMAIL_HOST" in refused(load, AUDIT_ANCHOR_MAILBOX="owner@example.com")
    load("production", **{**SAFE, "AUDIT_ANCHOR_MAILBOX": "owner@example.com", "EMAIL_HOST": "mail.example"})


def test_everything_wrong_is_told_at_once(load: Load) -> None:
    told = refused(load, **{name: "" for name in SAFE if name != "ENV"}, DEBUG="true", CORS_ALLOW_ALL_ORIGINS="true")
    for name in ("SECRET_KEY", "DEBUG", "ENCRYPTION_KEYS", "LOOKUP_KEY", "DATABASE_URL", "CORS", "ALLOWED_HOSTS"):
        assert name in told


def test_sqlite_knowingly(load: Load) -> None:
    settings = load("production", **{**SAFE, "DATABASE_URL": ""}, ALLOW_SQLITE_IN_PRODUCTION="true")
    assert "sqlite" in settings.DATABASES["default"]["ENGINE"]
    assert "synchronous=FULL" in settings.DATABASES["default"]["OPTIONS"]["init_command"]


def test_an_origin_that_is_named_is_allowed(load: Load) -> None:
    settings = load("production", **SAFE, CORS_ALLOWED_ORIGINS="https://front.example")
    assert settings.CORS_ALLOWED_ORIGINS == ["https://front.example"]


def test_development_keys_are_never_used(load: Load, tmp_path: Path) -> None:
    load("base", ENV="development")
    assert (tmp_path / "development-keys.json").exists()
    assert "SECRET_KEY" in refused(load, SECRET_KEY="")


def run(*arguments: str, **variables: str) -> Any:
    """A command as an operator types it."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=kept | variables, capture_output=True, text=True, check=False
    )


def test_the_commands_refuse_too(tmp_path: Path) -> None:
    nothing_set = run("manage.py", "check", ENV="production", VAR_DIR=str(tmp_path))
    assert nothing_set.returncode != 0
    assert "The shop can't start: ENV=production needs this first:" in nothing_set.stderr
    assert "ENCRYPTION_KEYS is missing" in nothing_set.stderr
    served = run("-c", "import shop_assistant.wsgi", **{**SAFE, "DEBUG": "true"}, VAR_DIR=str(tmp_path))
    assert served.returncode != 0
    assert "DEBUG is on" in served.stderr


def test_a_safe_production_passes_its_checks(tmp_path: Path) -> None:
    """Django's own deployment checks included."""
    found = run(
        "manage.py",
        "check",
        "--deploy",
        "--fail-level=WARNING",
        **{**SAFE, "DATABASE_URL": "", "ALLOW_SQLITE_IN_PRODUCTION": "true", "VAR_DIR": str(tmp_path)},
    )
    assert found.returncode == 0, found.stderr


DOCS = """
import django
django.setup()
from django.test import Client
from rest_framework.test import APIRequestFactory, force_authenticate
from orchestrator.api.operating import DescriptionView, DocsView
from shop_assistant.accounts.models import User

client = Client(headers={"host": "shop.example"})
print([client.get(path, secure=True).status_code for path in ("/docs", "/openapi.json", "/health/live")])
for is_staff in (False, True):
    request = APIRequestFactory(SERVER_NAME="shop.example").get("/")
    force_authenticate(request, user=User(username="somebody", is_staff=is_staff))
    print([view.as_view()(request).status_code for view in (DocsView, DescriptionView)])
print([client.get(path).status_code for path in ("/api/ai/audit", "/health/live", "/metrics/")])
"""


def test_docs_are_for_staff_and_everything_is_encrypted(tmp_path: Path) -> None:
    answered = run(
        "-c",
        DOCS,
        **{**SAFE, "DATABASE_URL": "", "ALLOW_SQLITE_IN_PRODUCTION": "true", "VAR_DIR": str(tmp_path)},
        DJANGO_SETTINGS_MODULE="shop_assistant.settings.production",
    )
    assert answered.stdout.splitlines() == [
        "[401, 401, 200]",
        "[403, 403]",
        "[200, 200]",
        "[301, 200, 301]",
    ], answered.stderr[-2000:]
