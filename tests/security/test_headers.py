"""What a browser is told, as production runs. (Django's own deployment checks: tests/settings/test_production.py.)"""

import json
from typing import Any

import pytest
from django.test import Client

from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.settings.test_production import SAFE, run

from .conftest import page_login

PROGRAM = """
import json
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.test import Client

client = Client(headers={"host": "shop.example"}, raise_request_exception=False)
paths = {"page": "/admin/login/", "data": "/api/ai/audit", "health": "/health/live", "none": "/no/such",
         "docs": "/docs", "static": "/static/orchestrator/admin.css"}
answers = {name: client.get(path, secure=True) for name, path in paths.items()}
answers["host"] = Client().get("/admin/login/", secure=True, headers={"host": "evil.example"})
answers["insecure"] = client.get("/admin/")
told = {name: {"status": answer.status_code, **answer.headers} for name, answer in answers.items()}
told["cookies"] = {name: {key: morsel[key] for key in ("secure", "httponly", "samesite", "domain", "path")}
                   for name, morsel in answers["page"].cookies.items()}
told["settings"] = {name: getattr(settings, name) for name in (
    "ADMIN_SECOND_FACTOR", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "DEBUG",
    "CSRF_COOKIE_SECURE", "CSRF_COOKIE_SAMESITE")}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a shop with ENV=production answers."""
    var = str(tmp_path_factory.mktemp("production"))
    variables = {**SAFE, "DATABASE_URL": "", "ALLOW_SQLITE_IN_PRODUCTION": "true", "VAR_DIR": var}
    answered = run("-c", PROGRAM, **variables, DJANGO_SETTINGS_MODULE="shop_assistant.settings.production")
    assert answered.returncode == 0, answered.stderr[-2000:]
    return json.loads(answered.stdout.splitlines()[-1])


ALL = ("page", "data", "health", "none", "docs", "static", "host")


@pytest.mark.parametrize("where", ALL)
def test_on_every_answer(where: str, told: Any) -> None:
    headers = told[where]
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "shop"
    assert not {"X-Powered-By", "Via", "Access-Control-Allow-Origin"} & set(headers)
    assert "granian" not in str(headers).lower()
    assert "python" not in str(headers).lower()


def test_pages(told: Any) -> None:
    policy = dict(part.strip().split(" ", 1) for part in told["page"]["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert (policy["object-src"], policy["base-uri"], policy["form-action"]) == ("'none'", "'self'", "'self'")
    assert "'unsafe-inline'" not in policy["script-src"]
    assert told["page"]["X-Frame-Options"] == "DENY"
    assert "no-store" in told["page"]["Cache-Control"]
    assert "camera=()" in told["page"]["Permissions-Policy"]
    assert "unsafe-eval" not in told["docs"]["Content-Security-Policy"]


def test_data(told: Any) -> None:
    assert told["data"]["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert told["data"]["Cache-Control"] == "no-store"
    assert told["data"]["Content-Type"] == "application/json"


def test_cookies(told: Any) -> None:
    assert set(told["cookies"]) == {"csrftoken"}
    for cookie in told["cookies"].values():
        assert cookie == {"secure": True, "httponly": True, "samesite": "Lax", "domain": "", "path": "/"}
    settings = told["settings"]
    assert settings.pop("ADMIN_SECOND_FACTOR") == "required"
    assert settings.pop("DEBUG") is False
    assert set(settings.values()) == {True, "Lax"}


def test_another_host_and_no_encryption(told: Any) -> None:
    assert told["host"]["status"] == 400
    assert told["insecure"]["status"] == 301
    assert told["insecure"]["Location"] == "https://shop.example/admin/"


@pytest.mark.django_db
def test_the_sessions_cookie(users: dict[Role, User], settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    cookie = page_login("clerk").client.cookies["sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, True, "Lax", "")


@pytest.mark.django_db
def test_a_login_gets_a_session_of_its_own(users: dict[Role, User]) -> None:
    """What was planted before the login is worth nothing after it (session fixation)."""
    victim = Client()
    session = victim.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    page_login("clerk", client=victim)
    assert victim.session.session_key != planted
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/admin/").status_code == 302
    before = victim.session.session_key
    victim.post("/admin/logout/")
    attacker.cookies["sessionid"] = before
    assert attacker.get("/admin/").status_code == 302, "and after the logout it is gone"
