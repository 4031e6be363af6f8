"""Headers that say what a browser may do with an answer, strict everywhere, with what the admin's Alpine.js needs under
/admin only; and addresses of the admin that lead to nothing.
"""

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.apps import apps
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from .middleware import is_data

FOR_DATA = "default-src 'none'; frame-ancestors 'none'"
"""What the API answers is no page: nothing may be loaded by it, and nothing show it in a frame."""
UNUSED = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
"""What no page of ours asks a browser for."""


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if not is_data(request):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        response.headers["Server"] = "shop"  # not the web server's name
        if is_data(request):
            response.headers[HEADER] = FOR_DATA
            response.headers["Cache-Control"] = "no-store"
            return response
        response.headers["Permissions-Policy"] = UNUSED
        if request.path.startswith("/admin"):
            response._csp_update = {"script-src": ["'self'", "'unsafe-eval'"]}  # type: ignore[attr-defined]
        return super().process_response(request, response)


class AdminKeyMiddleware:
    """What can be no key of a model is not found in the admin; the database need not refuse it first."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """:raises Http404:"""
        if "object_id" not in kwargs or not request.path.startswith("/admin/"):
            return
        app, model = request.path.split("/")[2:4]
        if not _could_be_key(apps.get_model(app, model)._meta.pk, unquote(kwargs["object_id"])):
            raise Http404


def _could_be_key(column: Any, text: str) -> bool:
    while column.remote_field:
        column = column.target_field
    try:
        value = column.to_python(text)
    except ValidationError:
        return False
    return "\0" not in text and (not isinstance(value, int) or -(2**63) <= value < 2**63)
