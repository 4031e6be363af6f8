"""One JSON object a line, with the user's keys, and nothing personal in any of them.

Only the keys listed here are written, whatever a caller passes. Of other libraries' messages the template is
written but not what was filled in, of exceptions the type and the places in the code but not the message.
"""

import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.functional import LazyObject

from . import measuring

KEYS = ("timestamp", "level", "task_id", "user_id", "event", "agent", "duration_ms", "status")
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
MORE = ("method", "route", "traceback", "count", "database")

Event = MutableMapping[str, Any]

call_logged: ContextVar[bool] = ContextVar("call_logged", default=False)
"""Whether the request at hand has its line already, from the call to an agent."""


def route_of(request: Any) -> str:
    """The pattern that a request's address matched: unlike the address it holds nothing of the caller's."""
    match = getattr(request, "resolver_match", None)
    return match.route.rstrip("$") if match else "unknown"


def configure_logging(asked: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook.

    :param asked: `level`, and `path` of a file to write to beside the console, or None.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if asked["path"]:
        handlers.append(_log_file(asked["path"]))
    finishing = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _only_known, _render()]
    formatter = _OnceFormatter(processors=finishing, foreign_pre_chain=[_foreign, *_common()], pass_foreign_args=True)
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(handlers=handlers, level=asked["level"], force=True)
    structlog.configure(
        processors=[*_common(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(asked["level"])),
        cache_logger_on_first_use=True,
    )
    for noisy in ("django.request", "django.security", "django_tasks", "django_tasks_db", "rq", "_granian"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    logging.getLogger("django.request").addFilter(_unhandled)
    # Whoever scans the internet sends wrong host names; the request's own line tells of it.
    logging.getLogger("django.security.DisallowedHost").setLevel(logging.CRITICAL)


def console_quiet(level: int) -> None:
    """Let the console show nothing below this level, unless somebody asks for everything."""
    root = logging.getLogger()
    for handler in root.handlers:
        if type(handler) is logging.StreamHandler and root.level > logging.DEBUG:
            handler.setLevel(level)


class _OnceFormatter(structlog.stdlib.ProcessorFormatter):
    """Makes a record's line once, however many handlers write it."""

    def format(self, record: logging.LogRecord) -> str:
        line: str | None = vars(record).get("shop_line")
        if line is None:
            line = record.shop_line = super().format(record)
        return line


class PrivateLogFile(WatchedFileHandler):
    """Opened anew when logrotate has moved it away; the shop's own user and group may read it, nobody else."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return TextIOWrapper(os.fdopen(descriptor, "ab", 0), encoding="utf-8", write_through=True)


def _log_file(path: Path) -> logging.Handler:
    """:raises ImproperlyConfigured: when it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        return PrivateLogFile(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"AUDIT_LOG_PATH can't be written ({error.strerror}: {path}); name a file in a folder of the shop's user."
        ) from None


def _unhandled(record: logging.LogRecord) -> bool:
    """Of Django's lines about 5xx answers those that nobody else has written: exceptions outside of the API."""
    return record.exc_info is not None


def _common() -> list[Any]:
    return [_level, _timestamp]


def _level(logger: Any, method: str, event: Event) -> Event:
    event["level"] = {"warn": "WARNING", "exception": "ERROR"}.get(method, method.upper())
    return event


def _timestamp(logger: Any, method: str, event: Event) -> Event:
    now = time.time()
    event["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
    return event


def _foreign(logger: Any, method: str, event: Event) -> Event:
    """Another library's record: its template and the exception's type and places. A text without anything to fill in
    may have been filled in already: of that only the place is told.
    """
    record: logging.LogRecord = event["_record"]
    event["event"] = str(record.msg)[:200] if event.pop("positional_args", None) else f"{record.module}:{record.lineno}"
    event["agent"] = record.name
    if record.exc_info and record.exc_info[0]:
        event["status"] = record.exc_info[0].__name__
        frames = traceback.extract_tb(record.exc_info[2])
        event["traceback"] = [f"{f.filename}:{f.lineno} {f.name}" for f in frames]
    record.args = None
    record.exc_info = None
    return event


def _only_known(logger: Any, method: str, event: Event) -> Event:
    known = {key: event.get(key) for key in KEYS}
    return known | {key: event[key] for key in MORE if key in event}


def _render() -> Any:
    return structlog.processors.JSONRenderer()


class RequestLogMiddleware:
    """A line for each request that no agent's call has logged: admin, docs, health, refusals."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._log = structlog.get_logger("shop")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token, began = call_logged.set(False), time.perf_counter()
        try:
            response = self._get_response(request)
            if not request.path.startswith("/static/"):
                measuring.requests.labels(route_of(request), _method(request), f"{response.status_code // 100}xx").inc()
            if not call_logged.get() and not request.path.startswith("/static/"):
                self._write(request, response, (time.perf_counter() - began) * 1000)
            return response
        finally:
            call_logged.reset(token)

    def _write(self, request: HttpRequest, response: HttpResponse, duration_ms: float) -> None:
        user = _known_user(request)
        self._log.info(
            "REQUEST",
            task_id=response.headers.get("X-Task-ID"),
            user_id=getattr(user, "public_id", None),
            agent="Orchestrator",
            duration_ms=round(duration_ms, 1),
            status=response.status_code,
            method=_method(request),
            route=route_of(request),
        )


def _method(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "other"


def _known_user(request: HttpRequest) -> Any:
    """The user of a token or session, where somebody asked for it already: no query of our own."""
    user = vars(request).get("user")
    return getattr(request, "_cached_user", None) if isinstance(user, LazyObject) else user
