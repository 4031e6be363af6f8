"""Settings of the test suite: fixed keys, cheap passwords, no limits but where a test sets them."""

import os

from shop_assistant import environment

from .base import *  # noqa: F403
from .base import DATABASES, SIMPLE_JWT, VAR_DIR

SECRET_KEY = "for-tests-only-" + "0123456789abcdef" * 3
SIMPLE_JWT = {**SIMPLE_JWT, "SIGNING_KEY": SECRET_KEY}
ENCRYPTION_KEYS = {"test": b"\x01" * 32}
LOOKUP_KEY = b"\x02" * 32
OLDER_LOOKUP_KEYS = []
AUDIT_SIGNING_KEY = "PRIVATE+KEY+test-shop/audit+19c5d93e+AQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
AUDIT_ANCHOR_FILE = None  # what one test anchored the next one's log would not continue
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
RATE_LIMIT_USER = None
RATE_LIMIT_ANONYMOUS = None
RATE_LIMIT_LOGIN = None
DEMO_PASSWORD = "demo-password-for-tests"
AUDIT_LOG_PATH = VAR_DIR / "logs" / "test.log"

_url = environment.text("TEST_DATABASE_URL")
if _url:
    os.environ["DATABASE_URL"] = _url
    DATABASES["default"] = environment.database("DATABASE_URL", default=_url, pool_size=10, prepared=True)
else:
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA recursive_triggers=ON"
    )
    # A file, not memory: tests with threads and processes open it several times.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / f"test-{os.getpid()}.sqlite3")}
