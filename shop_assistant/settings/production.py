"""Production: refuses to start on anything unsafe, and says what, all at once."""

from django.core.exceptions import ImproperlyConfigured

from shop_assistant import environment

from .base import *  # noqa: F403
from .base import (
    ALLOWED_HOSTS,
    AUDIT_ANCHOR_MAILBOX,
    AUDIT_SIGNING_KEY,
    AUDIT_SIGNING_KEY_FILE,
    CORS_ALLOW_ALL_ORIGINS,
    CORS_ALLOWED_ORIGINS,
    DATABASES,
    DEBUG,
    EMAIL_HOST,
    ENCRYPTION_KEYS,
    LOOKUP_KEY,
    SECRET_KEY,
    TRUSTED_PROXIES,
)

_problems = []
_how = "(`ENV=development manage.py make_keys` prints one)"
if len(SECRET_KEY) < 32 or len(set(SECRET_KEY)) < 8 or "change" in SECRET_KEY.lower() or "insecure" in SECRET_KEY:
    _problems.append("SECRET_KEY is missing, short or a default: set 50 random characters")
if DEBUG:
    _problems.append("DEBUG is on: leave it out")
if not any(ENCRYPTION_KEYS[key_id].strip(b"\0") for key_id in list(ENCRYPTION_KEYS)[:1]):
    _problems.append(f"ENCRYPTION_KEYS is missing: set id:base64 of 32 random bytes {_how}")
if not LOOKUP_KEY.strip(b"\0"):
    _problems.append(f"LOOKUP_KEY is missing: set base64 of 32 random bytes {_how}")
if not AUDIT_SIGNING_KEY and not (AUDIT_SIGNING_KEY_FILE and AUDIT_SIGNING_KEY_FILE.is_file()):
    _problems.append(f"AUDIT_SIGNING_KEY is missing, and so is AUDIT_SIGNING_KEY_FILE: set one of them {_how}")
elif not AUDIT_SIGNING_KEY and AUDIT_SIGNING_KEY_FILE and AUDIT_SIGNING_KEY_FILE.stat().st_mode & 0o007:
    _problems.append("AUDIT_SIGNING_KEY_FILE can be read by everybody: chmod 600")
if AUDIT_ANCHOR_MAILBOX and not EMAIL_HOST:
    _problems.append("EMAIL_HOST is missing: AUDIT_ANCHOR_MAILBOX can't be written to without it")
if not environment.flag("ALLOW_SQLITE_IN_PRODUCTION", default=False):
    for _alias, _config in DATABASES.items():
        if "sqlite" in _config["ENGINE"]:
            _name = {"default": "DATABASE_URL", "audit": "AUDIT_DB_URL"}[_alias]
            _problems.append(f"{_name} is SQLite: use PostgreSQL, or set ALLOW_SQLITE_IN_PRODUCTION=true knowingly")
if CORS_ALLOW_ALL_ORIGINS or "*" in CORS_ALLOWED_ORIGINS:
    _problems.append("CORS is open to everyone: name the origins in CORS_ALLOWED_ORIGINS")
if not environment.listing("ALLOWED_HOSTS") or "*" in ALLOWED_HOSTS:
    _problems.append("ALLOWED_HOSTS is missing or '*': name the shop's host names")
if _problems:
    raise ImproperlyConfigured("ENV=production needs this first:\n  - " + "\n  - ".join(_problems))

# Health checks and monitors of the same host ask by these names, whatever the shop is called outside.
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "localhost", "127.0.0.1"]
if TRUSTED_PROXIES:  # without a proxy of ours anybody could send this header
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = environment.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
