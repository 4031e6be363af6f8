"""Content-Security-Policy: strict everywhere, with what the admin's Alpine.js needs under /admin only."""

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .middleware import is_data

FOR_DATA = "default-src 'none'; frame-ancestors 'none'"
"""What the API answers is no page: nothing may be loaded by it, and nothing show it in a frame."""


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if not is_data(request):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if is_data(request):
            response.headers[HEADER] = FOR_DATA
            return response
        if request.path.startswith("/admin"):
            response._csp_update = {"script-src": ["'self'", "'unsafe-eval'"]}  # type: ignore[attr-defined]
        return super().process_response(request, response)
