"""Choosing the answer's form: there is one, JSON; who asks for something else is told so (406)."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

USUAL = frozenset({"*/*", "application/json", "application/json, text/plain, */*"})
"""What curl, browsers' fetch and axios send: answered without taking it apart."""


class JSONNegotiation(DefaultContentNegotiation):
    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if request.META.get("HTTP_ACCEPT", "*/*") in USUAL and not request.META.get("QUERY_STRING"):
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)
