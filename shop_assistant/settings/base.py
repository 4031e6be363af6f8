"""Settings of every environment; as they stand, those of development."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from shop_assistant import environment
from shop_assistant.environment import BASE_DIR

ENV = environment.choice("ENV", ("development", "production", "test"), default="development")
VAR_DIR = Path(environment.text("VAR_DIR", default=str(BASE_DIR / "var")))
_keys = environment.development_keys(VAR_DIR) if ENV == "development" else {}

# The shop
SHOP_NAME = environment.text("SHOP_NAME", default="The Little Widget Shop")
SHOP_CURRENCY = environment.currency("SHOP_CURRENCY", default="GBP")
SHOP_TIMEZONE = environment.time_zone("SHOP_TIMEZONE", default="Europe/London")
PRICES_INCLUDE_TAX = environment.flag("PRICES_INCLUDE_TAX", default=True)
NEGATIVE_STOCK = environment.choice("NEGATIVE_STOCK", ("refuse", "allow"), default="refuse")
"""Whether a sale may take more than the books have."""
LOYALTY_EARN_RATE = environment.decimal("LOYALTY_EARN_RATE", default="1", low="0", high="1000")
LOYALTY_POINT_VALUE = environment.decimal("LOYALTY_POINT_VALUE", default="0.01", low="0", high="1000")
PURCHASE_APPROVAL_LIMIT = environment.decimal("PURCHASE_APPROVAL_LIMIT", default="0", low="0", high="999999999")
"""Up to so much, who made a purchase order may approve it, too."""
DEMO_PASSWORD = environment.text("DEMO_PASSWORD")
COMPLIANCE_THRESHOLD = environment.whole("COMPLIANCE_THRESHOLD", default=50, low=0, high=100)
ENABLE_PRICE_OPTIMIZATION = environment.flag("ENABLE_PRICE_OPTIMIZATION", default=True)
ENABLE_DYNAMIC_PRICING = environment.flag("ENABLE_DYNAMIC_PRICING", default=True)

VALUATION_METHOD = environment.choice("VALUATION_METHOD", ("average", "fifo"), default="average")
DIGEST_TO = environment.email("DIGEST_TO")
"""Who gets what the stock needs, once a day at DIGEST_AT of the shop's time; empty: nobody."""
DIGEST_AT = environment.time_of_day("DIGEST_AT", default="07:00")

# Services of others: read and checked; nothing of them is offered until their key is set.
OPENAI_API_KEY = environment.text("OPENAI_API_KEY")
STRIPE_API_KEY = environment.text("STRIPE_API_KEY")
INVENTORY_API_URL = environment.url("INVENTORY_API_URL", schemes=("https", "http"))

# Keys
SECRET_KEY = environment.text("SECRET_KEY") or _keys.get("SECRET_KEY", "")
NO_KEY = "A" * 43 + "="
"""32 zero bytes: stands for a missing key, and production refuses it."""
_ring, _file = _keys.get("ENCRYPTION_KEYS", f"none:{NO_KEY}"), environment.text("ENCRYPTION_KEYS_FILE")
ENCRYPTION_KEYS = environment.key_ring("ENCRYPTION_KEYS", _ring, file=_file)
LOOKUP_KEY, *OLDER_LOOKUP_KEYS = environment.keys("LOOKUP_KEY", _keys.get("LOOKUP_KEY", NO_KEY))
AUDIT_SIGNING_KEY = environment.text("AUDIT_SIGNING_KEY")
AUDIT_SIGNING_KEY_FILE = environment.path("AUDIT_SIGNING_KEY_FILE", default=VAR_DIR / "audit-signing.key")
"""Where the key that signs the trail's checkpoints lies, unless AUDIT_SIGNING_KEY holds it (see audit.keys)."""

# Address and security
DEBUG = environment.flag("DEBUG", default=False)
API_HOST = environment.host("API_HOST", default="127.0.0.1")
API_PORT = environment.whole("API_PORT", default=8000, low=1, high=65535)
ALLOWED_HOSTS = environment.listing("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]", API_HOST]
CORS_ALLOWED_ORIGINS = environment.listing("CORS_ALLOWED_ORIGINS")
if ENV == "development" and not CORS_ALLOWED_ORIGINS:
    CORS_ALLOWED_ORIGINS = ["http://localhost:3000", "http://localhost:5173"]  # React's usual development servers
CORS_ALLOW_ALL_ORIGINS = environment.flag("CORS_ALLOW_ALL_ORIGINS", default=False)
CORS_URLS_REGEX = r"^/(api|openapi\.json)"
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "prefer"]
CORS_EXPOSE_HEADERS = ["X-Task-ID", "X-Audit-Receipt", "Retry-After", "Location"]
CSRF_TRUSTED_ORIGINS = environment.listing("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = environment.whole("TRUSTED_PROXIES", default=0, low=0, high=10)
RATE_LIMIT_USER = environment.rate("RATE_LIMIT_USER", default="600/min")
RATE_LIMIT_ANONYMOUS = environment.rate("RATE_LIMIT_ANONYMOUS", default="30/min")
RATE_LIMIT_LOGIN = environment.rate("RATE_LIMIT_LOGIN", default="50/hour")
"""Attempts to log in as one user, from all addresses together that are not known to be the user's."""
LOGIN_FAILURES = environment.whole("LOGIN_FAILURES", default=5, low=1, high=100)
"""So many failed logins of a user from one address, and each next one has to wait, twice as long as the one before."""
_factor = "required" if ENV == "production" else "optional"
ADMIN_SECOND_FACTOR = environment.choice("ADMIN_SECOND_FACTOR", ("off", "optional", "required"), default=_factor)
OUTGOING_ALLOWED_HOSTS = [host.lower().removesuffix(".") for host in environment.listing("OUTGOING_ALLOWED_HOSTS")]
"""Hosts of the shop's own network, or without https, that it may ask none the less (a witness of its trail)."""
MAX_BODY_BYTES = environment.whole("MAX_BODY_BYTES", default=1_048_576, low=1024, high=104_857_600)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = environment.whole("SESSION_HOURS", default=12, low=1, high=336) * 3600  # a working day
CSRF_COOKIE_HTTPONLY = True  # the pages carry it in their forms; no script of theirs needs it
WHITENOISE_ALLOW_ALL_ORIGINS = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    }
}

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_tasks",
    "django_tasks_db",
    "shop_assistant.agents",
    "shop_assistant.accounts",
    "shop_assistant.vault",
    "audit",
    "inventory",
    "customers",
    "pricing",
    "orchestrator",
    "simple_history",  # the shop's own commands stand in the place of two of its
]

MIDDLEWARE = [
    "shop_assistant.logs.RequestLogMiddleware",
    "shop_assistant.security.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "shop_assistant.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shop_assistant.middleware.AuthenticationMiddleware",
    "shop_assistant.accounts.gate.SecondFactorMiddleware",
    "shop_assistant.security.AdminKeyMiddleware",
    "shop_assistant.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop_assistant.urls"
WSGI_APPLICATION = "shop_assistant.wsgi.application"
APPEND_SLASH = True
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["shop_assistant.accounts.backends.SingleQueryBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Databases
DATABASE_POOL_SIZE = environment.whole("DATABASE_POOL_SIZE", default=10, low=1, high=200)
DATABASE_PREPARED = environment.flag("DATABASE_PREPARED", default=True)
"""Prepared statements; switch them off behind a pooler in transaction mode."""


def _database(name: str, default: str) -> dict[str, Any]:
    return environment.database(name, default=default, pool_size=DATABASE_POOL_SIZE, prepared=DATABASE_PREPARED)


DATABASES = {"default": _database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'shop.sqlite3'}")}
AUDIT_DATABASE = "default"
if environment.text("AUDIT_DB_URL"):
    DATABASES["audit"] = _database("AUDIT_DB_URL", "")
    if pool := DATABASES["audit"]["OPTIONS"].get("pool"):
        pool["timeout"] = 3  # seconds; while it is away, health and trail should say so soon
    AUDIT_DATABASE = "audit"
DATABASE_ROUTERS = ["audit.router.AuditRouter"]
AUDIT_BACKLOG_LIMIT = environment.whole("AUDIT_BACKLOG_LIMIT", default=1_000_000, low=1000, high=999_999_999)
"""So many unsealed events (the audit database being away) and the shop answers 503."""
OUTBOX_DAYS = environment.whole("OUTBOX_DAYS", default=30, low=1, high=3650)
"""Events older than this are taken out of the outbox, once they are sealed and anchored."""

# Anchors: who else holds the trail's checkpoints (see audit.anchors). Empty: not there.
_log = DATABASES[AUDIT_DATABASE]
_of = f"-{_log['ENGINE'].rpartition('.')[2]}-{Path(str(_log['NAME'])).stem}" if ENV == "development" else ""
AUDIT_ANCHOR_FILE = environment.path("AUDIT_ANCHOR_FILE", default=VAR_DIR / f"audit-anchors{_of}.jsonl")
"""One log's. In development, where one tries this database and that, each has its own."""
ERASURE_JOURNAL = Path(
    environment.text("ERASURE_JOURNAL")
    or (AUDIT_ANCHOR_FILE or VAR_DIR / "audit-anchors.jsonl").with_name("erasures.journal")
)
"""Which keys were destroyed: a backup restored later is told by it what to erase again. It is in no backup."""
AUDIT_ANCHOR_MAILBOX = environment.email("AUDIT_ANCHOR_MAILBOX")
AUDIT_ANCHOR_WITNESS_URL = environment.url("AUDIT_ANCHOR_WITNESS_URL", schemes=("https", "http"))
AUDIT_ANCHOR_WITNESS_KEY = environment.text("AUDIT_ANCHOR_WITNESS_KEY")
AUDIT_ANCHOR_TIMESTAMP_URL = environment.url("AUDIT_ANCHOR_TIMESTAMP_URL", schemes=("https", "http"))
AUDIT_ANCHOR_TIMESTAMP_ROOT = environment.path("AUDIT_ANCHOR_TIMESTAMP_ROOT", default=None)

# Mail: only the anchor in a mailbox and the daily digest are sent.
EMAIL_HOST = environment.text("EMAIL_HOST")
EMAIL_PORT = environment.whole("EMAIL_PORT", default=587, low=1, high=65535)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.email("EMAIL_FROM") or "shop@localhost"

# Cache: only sessions use it, and only where several processes see the same one.
CACHE_URL = environment.url("CACHE_URL", schemes=("redis", "rediss"))
if CACHE_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}}
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# Tasks: the queue only wakes a worker, so that either backend loses nothing.
TASKS_BACKEND = environment.choice("TASKS_BACKEND", ("database", "redis"), default="database")
REDIS_URL = environment.url("REDIS_URL", schemes=("redis", "rediss")) or CACHE_URL
if TASKS_BACKEND == "redis":
    INSTALLED_APPS += ["django_rq"]
    TASKS: dict[str, Any] = {"default": {"BACKEND": "django_tasks_rq.RQBackend", "QUEUES": ["default"]}}
    RQ_QUEUES = {"default": environment.redis_queue("REDIS_URL", REDIS_URL)}
    RQ_SHOW_ADMIN_LINK = False
else:
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
TASK_LEASE_SECONDS = 20
TASK_MAX_ATTEMPTS = 5

# Time and language
TIME_ZONE = SHOP_TIMEZONE
USE_TZ = True
LANGUAGE_CODE = "en-gb"
USE_I18N = True

# Static files: found in the packages themselves, unless STATIC_ROOT names a folder that has them (collectstatic).
STATIC_URL = "/static/"
STATIC_ROOT = environment.text("STATIC_ROOT") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None

# API
ACCESS_TOKEN_MINUTES = environment.whole("ACCESS_TOKEN_MINUTES", default=15, low=1, high=1440)
REFRESH_TOKEN_DAYS = environment.whole("REFRESH_TOKEN_DAYS", default=7, low=1, high=90)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "AUDIENCE": "shop-assistant",
    "ISSUER": "shop-assistant",
    "USER_ID_FIELD": "public_id",
    "USER_ID_CLAIM": "user_id",
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["shop_assistant.accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": [],  # DRF's let a concurrent wave through; ours counts in the database
    "DEFAULT_PARSER_CLASSES": ["orchestrator.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "orchestrator.api.negotiation.JSONNegotiation",
    "EXCEPTION_HANDLER": "orchestrator.api.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "orchestrator.api.schema.ShopSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AI Shop Assistant",
    "DESCRIPTION": "Stock, prices, customers and a trail of everything, behind one door.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [],
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True},
}

SIMPLE_HISTORY_REVERT_DISABLED = True  # history is to be looked at; a change back is a change like any other

UNFOLD = {
    "SITE_TITLE": SHOP_NAME,
    "SITE_HEADER": SHOP_NAME,
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "shop_assistant.navigation.icon"}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["shop_assistant.navigation.styles"],
    "ACCOUNT": {"navigation": "shop_assistant.navigation.account"},
    "DASHBOARD_CALLBACK": "orchestrator.dashboard.dashboard",
    "SIDEBAR": {"show_search": True, "navigation": "shop_assistant.navigation.sidebar"},
}

# Logs
LOG_LEVEL = environment.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), default="info").upper()
AUDIT_LOG_PATH = Path(environment.text("AUDIT_LOG_PATH", default=str(VAR_DIR / "logs" / "audit.log")))
LOGGING_CONFIG = "shop_assistant.logs.configure_logging"
LOGGING = {"level": LOG_LEVEL, "path": AUDIT_LOG_PATH if ENV == "production" else None}

# Metrics: each process of a host keeps its counts in a file here, and whoever is asked adds them up.
METRICS_DIR = VAR_DIR / "metrics"
