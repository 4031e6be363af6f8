"""Content-Security-Policy: strict everywhere, with what the admin's Alpine.js needs under /admin only."""

from typing import Any

from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if request.path.startswith("/admin"):
            response._csp_update = {"script-src": ["'self'", "'unsafe-eval'"]}  # type: ignore[attr-defined]
        return super().process_response(request, response)
