"""Routes for those who run the shop: health, metrics, the API's description."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orchestrator.health import readiness
from orchestrator.metrics import metrics_text

from . import describing


class OperatingView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class LiveView(OperatingView):
    @describing.health
    def get(self, request: Request) -> Response:
        """The process answers. Touches no database."""
        return Response({"status": "success", "data": {"status": "ok", "checks": {}}})


class ReadyView(OperatingView):
    @describing.health
    def get(self, request: Request) -> Response:
        """The databases answer and are migrated; a late audit trail makes it `degraded`."""
        state = readiness()
        return Response({"status": "success", "data": state}, status=503 if state["status"] == "unavailable" else 200)


class MetricsView(OperatingView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(metrics_text(), content_type="text/plain; version=0.0.4; charset=utf-8")


DOCS_OPEN = settings.ENV != "production"
DOCS_AUTHENTICATION: list[Any] = [] if DOCS_OPEN else [SessionAuthentication]
DOCS_PERMISSION: list[Any] = [AllowAny if DOCS_OPEN else IsAdminUser]


class DescriptionView(SpectacularJSONAPIView):
    """The OpenAPI 3.1 description. Open in development, for staff in production."""

    authentication_classes = DOCS_AUTHENTICATION
    permission_classes = DOCS_PERMISSION


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI; its script comes apart from the page, as the Content-Security-Policy wants."""

    authentication_classes = DOCS_AUTHENTICATION
    permission_classes = DOCS_PERMISSION
    url_name = "openapi"
