"""Every address of the shop."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("orchestrator.api.urls")),
    path("admin/operations/", include("orchestrator.operation_pages")),
    path("admin/exports/", include("orchestrator.exporting.pages")),
    path("admin/import/", include("orchestrator.upload_pages")),
    path("admin/", include("audit.pages.urls")),
    path("admin/", include("inventory.pages.urls")),
    path("admin/", include("orchestrator.login_pages")),
    path("admin/", admin.site.urls),
]

handler400 = "orchestrator.api.errors.bad_request"
handler403 = "orchestrator.api.errors.forbidden"
handler404 = "orchestrator.api.errors.route_not_found"
handler500 = "orchestrator.api.errors.server_error"
