"""Content-Security-Policy: strict everywhere, with what the admin's Alpine.js needs under /admin only."""

from typing import Any

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse


class ContentSecurityPolicyMiddleware(CSPMiddleware):  # type: ignore[misc]
    def process_response(self, request: HttpRequest, response: HttpResponse) -> Any:
        if request.path.startswith("/admin"):
            response._csp_update = {"script-src": ["'self'", "'unsafe-eval'"]}  # type: ignore[attr-defined]
        return super().process_response(request, response)
