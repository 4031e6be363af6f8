"""Every error, the framework's own included, leaves in the contract's envelope."""

from datetime import UTC, datetime
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from audit.services import denial_count
from orchestrator.calls import count_error, places
from orchestrator.retry import classify, is_transient
from shop_assistant.accounts.limits import address_token
from shop_assistant.agents.errors import (
    AccessError,
    AgentError,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    SemanticError,
    ValidationFailed,
)
from shop_assistant.agents.fields import iso_utc
from shop_assistant.agents.payload import plain
from shop_assistant.logs import call_logged, route_of

log = structlog.get_logger("shop")


class MethodNotAllowed(SemanticError):
    """This address does not take that method."""

    code, status = "METHOD_NOT_ALLOWED", 405


class UnsupportedMediaType(SemanticError):
    """Send the body as application/json."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", 415


class NotAcceptable(SemanticError):
    """Answers are application/json; accept that."""

    code, status = "NOT_ACCEPTABLE", 406


_OF_THE_FRAMEWORK: dict[type[Exception], type[AgentError]] = {
    exceptions.NotAuthenticated: NotAuthenticated,
    exceptions.AuthenticationFailed: NotAuthenticated,
    exceptions.PermissionDenied: PermissionDenied,
    DjangoPermissionDenied: PermissionDenied,
    exceptions.MethodNotAllowed: MethodNotAllowed,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.ParseError: ValidationFailed,
    exceptions.NotFound: NotFound,
    Http404: NotFound,
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: any exception of a view as an answer."""
    translated = _OF_THE_FRAMEWORK.get(type(error))
    failure = translated() if translated else classify(error)
    if not isinstance(error, AgentError) and not translated and not is_transient(error):
        _escalate(error)
    if not call_logged.get():
        count_error("orchestrator", failure)
    if isinstance(failure, AccessError | SemanticError) and not (failure.task_id or failure.recorded):
        _count(failure, context["request"])
    headers = _headers(failure, getattr(error, "auth_header", None))
    return Response(envelope(failure), status=failure.status, headers=headers)


def envelope(error: AgentError) -> dict[str, Any]:
    return {
        "success": False,
        "task_id": str(error.task_id) if error.task_id else None,
        "error": {"code": error.code, "message": error.message, "details": plain(error.details)},
        "timestamp": iso_utc(datetime.now(UTC)),
    }


def _headers(error: AgentError, challenge: str | None) -> dict[str, str]:
    headers = {"X-Task-ID": str(error.task_id)} if error.task_id else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == NotAuthenticated.status:
        headers["WWW-Authenticate"] = challenge or "Bearer"
    return headers


def _count(error: AgentError, request: Any) -> None:
    """Into the trail, where no task tells of it. It goes out even when the database that would count it is away."""
    try:
        denial_count(
            code=error.code,
            user_id=getattr(getattr(request, "_user", None), "public_id", "") or "",
            address=address_token(request),
            route=route_of(request),
        )
    except DatabaseError as failure:
        _escalate(failure)


def _escalate(error: Exception) -> None:
    log.error(
        "UNEXPECTED_ERROR",
        agent="Orchestrator",
        status=type(error).__name__,
        traceback=places(error.__traceback__),
    )


def _answer(error: AgentError) -> JsonResponse:
    return JsonResponse(envelope(error), status=error.status, headers=_headers(error, None))


def route_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/admin"):
        return defaults.page_not_found(request, exception)
    return _answer(NotFound("There is no such address; GET /docs lists them."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/admin"):
        return defaults.bad_request(request, exception)
    return _answer(ValidationFailed())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/admin"):
        return defaults.permission_denied(request, exception)
    return _answer(PermissionDenied())


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/admin"):
        return defaults.server_error(request)
    return _answer(classify(RuntimeError()))
